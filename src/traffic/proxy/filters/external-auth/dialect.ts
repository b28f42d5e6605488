// What is asked of an authorisation service, and what its answer may mean: one question, one verdict.
// Types and what both protocols share; knows neither of them.

import { headerNameProblem } from '#traffic/model/header-rules.ts';
import type { HeaderLines } from '../../http/head-edits.ts';
import type { LocalReply } from '../../http/local-reply.ts';
import type { RequestBody } from '../../http/request-body.ts';
import { RequestHead } from '../../http1/request-head.ts';
import type { ResponseHead } from '../../http1/response-head.ts';
import type { FilterExchange } from '../filter.ts';

/** Lines in place of those of these names (lower case). */
export interface LineChange {
  readonly gone: ReadonlySet<string>;
  readonly lines: string;
}

export type Verdict =
  /** What the backend gets besides, and what the client gets with its answer. */
  | { readonly type: 'allow'; readonly request: LineChange; readonly response: LineChange }
  | { readonly type: 'deny'; readonly reply: LocalReply }
  /** It says nothing that can be acted on. */
  | { readonly type: 'unclear' };

export interface AuthAnswer {
  readonly head: ResponseHead;
  /** Undefined when it is longer than anybody needs. */
  readonly body: Buffer | undefined;
  readonly trailers: string;
}

export interface AuthDialect {
  question(x: FilterExchange): { readonly head: RequestHead; readonly body: RequestBody };
  verdict(answer: AuthAnswer, x: FilterExchange): Verdict;
}

export const noChange: LineChange = { gone: new Set(), lines: '' };

/** What the access log and metrics call a request that may not pass. */
export const DENIED = 'auth_denied';

/** Whether an authorisation service may write this header (lower case); `Host` decided which route is guarded. */
export function mayWrite(name: string, side: 'request' | 'response'): boolean {
  return name !== 'host' && headerNameProblem(name, side, 'add') === undefined;
}

/** Every header line, with the name in lower case and the value as it came. */
export function* fieldsOf({ text, runs, runCount, added }: HeaderLines): Generator<readonly [string, string]> {
  for (let run = 0; run < runCount; run += 2) yield* fieldsIn(text.slice(runs[run], runs[run + 1]));
  yield* fieldsIn(added);
}

function* fieldsIn(lines: string): Generator<readonly [string, string]> {
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) yield [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }
}

/** A request of the proxy's own, with these header lines. */
export function ownRequest(method: string, target: string, lines: string, body: RequestBody): RequestHead {
  const head = new RequestHead();
  head.method = method;
  head.target = target;
  head.text = lines;
  if (lines !== '') {
    head.runs.push(0, lines.length);
    head.runCount = 2;
  }
  head.contentLength = body.parts.reduce((sum, { length }) => sum + length, 0);
  return head;
}
