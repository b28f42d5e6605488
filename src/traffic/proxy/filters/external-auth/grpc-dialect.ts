// Asks by gRPC: envoy.service.auth.v3.Authorization/Check, status OK lets the request pass.
// Knows the call and how its answer is acted on; the messages stand in check-messages.ts.

import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import { headerValueProblem, isToken } from '#traffic/model/header-rules.ts';
import { fieldValue, headerLine } from '../../http/head-edits.ts';
import { textReply } from '../../http/local-reply.ts';
import { RequestBody } from '../../http/request-body.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import type { FilterExchange } from '../filter.ts';
import { type CheckResponse, checkRequest, type HeaderOption, readCheckResponse } from './check-messages.ts';
import {
  type AuthAnswer,
  type AuthDialect,
  DENIED,
  fieldsOf,
  type LineChange,
  mayWrite,
  ownRequest,
  type Verdict,
} from './dialect.ts';

export interface GrpcAuthConfig {
  readonly allowedHeaders: readonly string[];
  readonly maxBody: number;
}

const PATH = '/envoy.service.auth.v3.Authorization/Check';
const LINES = 'content-type: application/grpc\r\n';

export class GrpcDialect implements AuthDialect {
  readonly #asked: ReadonlySet<string>;
  readonly #sendsBody: boolean;

  constructor({ allowedHeaders, maxBody }: GrpcAuthConfig) {
    this.#asked = new Set(allowedHeaders.map((name) => name.toLowerCase()));
    this.#sendsBody = maxBody > 0;
  }

  question(x: FilterExchange): { readonly head: RequestHead; readonly body: RequestBody } {
    const body = new RequestBody();
    body.parts.push(framed(this.#message(x)));
    body.end('');
    const head = ownRequest('POST', PATH, LINES, body);
    head.authority = x.head.authority;
    head.host = x.head.host;
    head.acceptsTrailers = true;
    return { head, body };
  }

  verdict({ head, body, trailers }: AuthAnswer, x: FilterExchange): Verdict {
    const lines = { text: trailers, runs: [0, trailers.length], runCount: 2, added: '' };
    const status = fieldValue(lines, 'grpc-status') ?? fieldValue(head, 'grpc-status');
    const message = body === undefined ? undefined : unframed(body);
    if (head.status !== 200 || status !== '0' || message === undefined) return { type: 'unclear' };
    const answer = readCheckResponse(message);
    if (answer === undefined) return { type: 'unclear' };
    if (answer.code !== 0) return { type: 'deny', reply: denial(answer) };
    const { headers = [], remove = [], responseHeaders = [] } = answer.ok ?? {};
    return {
      type: 'allow',
      request: changeOf(headers, remove, 'request', (name) => x.head.header(name) !== undefined),
      response: changeOf(responseHeaders, [], 'response', () => false),
    };
  }

  #message({ head, facts, body, requestId }: FilterExchange): Uint8Array {
    const headers = new Map<string, string>();
    for (const [name, value] of fieldsOf(head)) {
      if (this.#asked.size > 0 && !this.#asked.has(name)) continue;
      const before = headers.get(name);
      const text = utf8(value);
      headers.set(name, before === undefined ? text : `${before}${name === 'cookie' ? '; ' : ', '}${text}`);
    }
    const { source, destination } = facts.pair;
    return checkRequest({
      source: { ...source, address: facts.address },
      destination,
      id: requestId,
      method: head.method,
      headers,
      path: head.target,
      host: head.authority,
      scheme: facts.protocol,
      size: head.contentLength,
      body: this.#sendsBody ? bytesOf(body) : undefined,
    });
  }
}

/** Latin-1 text of the wire, read as UTF-8 where it is. */
function utf8(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : value;
}

function bytesOf({ parts }: RequestBody): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

/** One message, not compressed, as gRPC frames it. */
function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function unframed(body: Buffer): Buffer | undefined {
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return undefined;
  return body.subarray(5);
}

function changeOf(
  options: readonly HeaderOption[],
  remove: readonly string[],
  side: 'request' | 'response',
  has: (name: string) => boolean,
): LineChange {
  const gone = new Set(remove.map((name) => name.toLowerCase()).filter((name) => mayWrite(name, side)));
  let lines = '';
  for (const { name, value, action } of options) {
    const lower = name.toLowerCase();
    if (!mayWrite(lower, side) || headerValueProblem(name, value) !== undefined) continue;
    if (action === 'set_if_absent' && has(lower)) continue;
    if (action === 'set_if_present' && !has(lower)) continue;
    if (action === 'set' || action === 'set_if_present') gone.add(lower);
    lines += headerLine(lower, value);
  }
  return { gone, lines };
}

function denial({ denied }: CheckResponse) {
  const { status = 403, headers = [], body = '' } = denied ?? {};
  const known = status >= 300 && status !== 304 && STATUS_CODES[status] !== undefined ? status : 403;
  const reply = textReply(known, '', DENIED);
  let lines = '';
  let { contentType } = reply;
  for (const { name, value } of headers) {
    if (!isToken(name) || headerValueProblem(name, value) !== undefined) continue;
    if (name.toLowerCase() === 'content-type') contentType = value;
    else if (mayWrite(name.toLowerCase(), 'response')) lines += headerLine(name, value);
  }
  return { ...reply, body, contentType: body === '' ? '' : contentType, headers: lines };
}
