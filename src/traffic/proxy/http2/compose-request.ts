// Writes the head of a request to a backend as an HPACK block.
// Knows nothing of streams; only checked header lines are relayed.

import type { UpstreamRequest } from '../http/upstream-stream.ts';
import { forwardedLines, hostFor } from '../http1/compose.ts';
import { encodeField, encodeLines } from './hpack/encode.ts';

/** What HTTP/2 says otherwise, or not at all (RFC 8441, 4). */
const tunnelDrops = new Set(['sec-websocket-key']);

/** `tunnel` makes it an extended CONNECT for a WebSocket. */
export function requestBlock(request: UpstreamRequest, scheme: 'http' | 'https', tunnel: boolean): string {
  const { head, facts, requestId } = request;
  const host = hostFor(head, facts);
  let block = tunnel
    ? encodeField(':method', 'CONNECT') + encodeField(':protocol', 'websocket')
    : methodBlock(head.method);
  const authority = head.rewrittenAuthority === '' ? host : head.rewrittenAuthority;
  block += (scheme === 'http' ? '\x86' : '\x87') + encodeField(':authority', authority);
  block += head.forwardTarget === '/' ? '\x84' : encodeField(':path', head.forwardTarget);
  const lines = forwardedLines(head, facts, host, requestId);
  block += encodeLines(lines, 0, lines.length, tunnel ? tunnelDrops : undefined);
  if (head.contentLength > 0) block += encodeField('content-length', `${head.contentLength}`);
  if (head.expectContinue && head.contentLength !== 0) block += encodeField('expect', '100-continue');
  if (head.trailer !== '' && head.contentLength < 0) block += encodeField('trailer', head.trailer);
  return head.acceptsTrailers ? block + encodeField('te', 'trailers') : block;
}

function methodBlock(method: string): string {
  if (method === 'GET') return '\x82';
  return method === 'POST' ? '\x83' : encodeField(':method', method);
}
