// One HTTP/2 request on a connection of its own: status, trailers and the first bytes of the body.
// Knows nothing of what is asked.

import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { type CheckTarget, connectionTrouble, openSocket } from './check.ts';

export type Http2Answer =
  | {
      readonly type: 'answered';
      readonly status: number;
      /** Headers, and trailers over them. */
      readonly fields: IncomingHttpHeaders;
      readonly body: Buffer;
    }
  | { readonly type: 'failed'; readonly reason: string };

/** Bytes of an answer beyond which it is not read: no check needs more. */
const MAX_BODY = 4096;

/** Calls `done` once; the function it returns gives up without a call. */
export function callHttp2(
  target: CheckTarget,
  headers: OutgoingHttpHeaders,
  body: Buffer | undefined,
  done: (answer: Http2Answer) => void,
): () => void {
  const session = connect('http://endpoint', { createConnection: () => openSocket(target, 'http2') });
  let over = false;
  const finish = (answer: Http2Answer | undefined): void => {
    if (over) return;
    over = true;
    session.destroy();
    if (answer !== undefined) done(answer);
  };
  const fail = (error: unknown): void => finish({ type: 'failed', reason: connectionTrouble(error) });
  session.on('error', fail);
  session.on('close', () => finish({ type: 'failed', reason: 'Connection closed' }));
  const stream = session.request(headers, { endStream: body === undefined });
  const parts: Buffer[] = [];
  let size = 0;
  let status = 0;
  let fields: IncomingHttpHeaders = {};
  stream.on('error', fail);
  stream.on('response', (received) => {
    status = Number(received[':status'] ?? 0);
    fields = { ...received };
  });
  stream.on('trailers', (received) => {
    fields = { ...fields, ...received };
  });
  stream.on('data', (part: Buffer) => {
    size += part.length;
    if (size > MAX_BODY) finish({ type: 'answered', status, fields, body: Buffer.concat(parts) });
    else parts.push(part);
  });
  stream.on('end', () => finish({ type: 'answered', status, fields, body: Buffer.concat(parts) }));
  stream.on('close', () => finish({ type: 'failed', reason: 'Stream closed without an answer' }));
  if (body !== undefined) stream.end(body);
  return () => finish(undefined);
}
