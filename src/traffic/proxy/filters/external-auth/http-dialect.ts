// Asks by HTTP: the same method and path below a prefix; 200 lets the request pass, and nothing else does.
// Knows what is said, not how it is sent.

import type { LocalReply } from '../../http/local-reply.ts';
import { textReply } from '../../http/local-reply.ts';
import { RequestBody } from '../../http/request-body.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import type { ResponseHead } from '../../http1/response-head.ts';
import type { FilterExchange } from '../filter.ts';
import {
  type AuthAnswer,
  type AuthDialect,
  DENIED,
  fieldsOf,
  type LineChange,
  mayWrite,
  noChange,
  ownRequest,
  type Verdict,
} from './dialect.ts';

export interface HttpAuthConfig {
  readonly pathPrefix: string;
  readonly allowedHeaders: readonly string[];
  readonly allowedResponseHeaders: readonly string[];
  readonly maxBody: number;
}

/** Says of the answer itself what would be wrong of the request. */
const OF_THE_ANSWER = /^(?:content-.*|date|server|set-cookie|vary|etag|last-modified|cache-control)$/;

export class HttpDialect implements AuthDialect {
  readonly #prefix: string;
  readonly #asked: ReadonlySet<string>;
  readonly #copied: ReadonlySet<string>;
  readonly #sendsBody: boolean;

  constructor({ pathPrefix, allowedHeaders, allowedResponseHeaders, maxBody }: HttpAuthConfig) {
    this.#prefix = pathPrefix.replace(/\/+$/, '');
    this.#asked = new Set(['authorization', ...allowedHeaders.map((name) => name.toLowerCase())]);
    // What is never taken from an answer must not be taken from the request either.
    const copied = allowedResponseHeaders.map((name) => name.toLowerCase());
    this.#copied = new Set(copied.filter((name) => mayWrite(name, 'request')));
    this.#sendsBody = maxBody > 0;
  }

  question(x: FilterExchange): { readonly head: RequestHead; readonly body: RequestBody } {
    const { head } = x;
    const body = new RequestBody();
    if (this.#sendsBody) body.parts.push(...x.body.parts);
    body.end('');
    let lines = '';
    for (const [name, value] of fieldsOf(head))
      if (this.#asked.has(name) && mayWrite(name, 'request')) lines += `${name}: ${value}\r\n`;
    const target = head.target === '*' ? '/' : head.target;
    const own = ownRequest(head.method, `${this.#prefix}${target}`, lines, body);
    own.authority = head.authority;
    own.host = head.host;
    return { head: own, body };
  }

  verdict({ head, body }: AuthAnswer): Verdict {
    const { status } = head;
    if (status === 200) return { type: 'allow', request: this.#taken(head), response: noChange };
    if (status < 300 || status >= 500 || status === 304) return { type: 'unclear' };
    return { type: 'deny', reply: denial(head, body) };
  }

  /** Names that are listed come from the answer alone: a client that sends one itself must not be believed. */
  #taken(head: ResponseHead): LineChange {
    const every = this.#copied.size === 0;
    const gone = new Set(this.#copied);
    let lines = '';
    for (const [name, value] of fieldsOf(head)) {
      if (every ? OF_THE_ANSWER.test(name) || !mayWrite(name, 'request') : !this.#copied.has(name)) continue;
      gone.add(name);
      lines += `${name}: ${value}\r\n`;
    }
    return { gone, lines };
  }
}

/** The answer as the client gets it. */
function denial(head: ResponseHead, body: Buffer | undefined): LocalReply {
  const { status } = head;
  let contentType = '';
  let coded = false;
  let headers = '';
  for (const [name, value] of fieldsOf(head)) {
    if (name === 'content-type') contentType = value;
    else if (name === 'content-encoding') coded = true;
    else if (mayWrite(name, 'response')) headers += `${name}: ${value}\r\n`;
  }
  // A coded body is nobody's text.
  const text = coded || body === undefined ? '' : body.toString();
  return { ...textReply(status, '', DENIED), body: text, contentType: text === '' ? '' : contentType, headers };
}
