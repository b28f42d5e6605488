// Sends an answer: status, warnings, JSON, YAML or protocol buffers, compressed when that pays.
// Knows HTTP; the object it is given is already in the representation asked for.

import type { OutgoingHttpHeaders } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import { stringify } from 'yaml';
import type { StatusError } from '#kube/api/status.ts';
import { errorFormat, type Format, mediaTypes } from './negotiation.ts';
import type { Parts } from './parts.ts';
import { loadProtobuf } from './protobuf.ts';

const compress = promisify(gzip);

/** As upstream: below this many bytes compressing costs more than it saves. */
const GZIP_FROM_BYTES = 128 * 1024;

/** From here on an answer leaves in parts: copied together it would cost more than sending it. */
const PARTS_FROM_BYTES = 512 * 1024;

export interface Answer {
  readonly code: number;
  readonly body: unknown;
  /** What the body is in this format, one part behind the other, where that is known already. */
  readonly parts?: Parts | undefined;
  readonly format?: Format;
  readonly warnings?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export async function sendObject(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  answer: Answer,
): Promise<void> {
  const { code, format = 'json', warnings = [], headers = {} } = answer;
  const all: Record<string, string | string[]> = { 'cache-control': 'no-cache, private', ...headers };
  if (warnings.length > 0) all.warning = warnings.map(warningHeader);
  if (answer.parts !== undefined && answer.parts.bytes >= PARTS_FROM_BYTES) {
    sendParts(request, response, code, answer.parts, { ...all, 'content-type': mediaTypes[format] });
    return;
  }
  const bytes = answer.parts === undefined ? await serialize(answer.body, format) : Buffer.concat([...answer.parts]);
  await sendBytes(request, response, code, mediaTypes[format], bytes, all);
}

async function serialize(body: unknown, format: Format): Promise<string | Uint8Array> {
  if (format === 'protobuf') return (await loadProtobuf()).encodeProtobuf(body);
  // Many readers follow YAML 1.1, where a bare time, `on` or `1:30` is no string.
  return format === 'yaml' ? stringify(body, { version: '1.1' }) : `${JSON.stringify(body)}\n`;
}

export async function sendBytes(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  code: number,
  contentType: string,
  content: string | Uint8Array,
  headers: Readonly<Record<string, string | string[]>> = {},
): Promise<void> {
  let bytes: Uint8Array = typeof content === 'string' ? Buffer.from(content) : content;
  const compressed = bytes.length >= GZIP_FROM_BYTES && acceptsGzip(request);
  if (compressed) bytes = await compress(bytes, { level: 1 });
  if (response.destroyed || response.writableEnded) return;
  writeHead(response, code, { ...headers, 'content-type': contentType, 'content-length': bytes.length }, compressed);
  response.end(request.method === 'HEAD' ? '' : bytes);
}

/** As fast as the client reads, after this has returned: nobody's turn waits for a slow one. */
function sendParts(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  code: number,
  parts: Parts,
  headers: OutgoingHttpHeaders,
): void {
  if (response.destroyed || response.writableEnded) return;
  const compressed = acceptsGzip(request);
  writeHead(response, code, compressed ? headers : { ...headers, 'content-length': parts.bytes }, compressed);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  // What goes wrong here is that the client has gone, and its connection with it.
  const ended = (): void => undefined;
  const source = Readable.from(parts, { objectMode: true, highWaterMark: 1 });
  if (compressed) pipeline(source, createGzip({ level: 1, chunkSize: 64 * 1024 }), response, ended);
  else pipeline(source, response, ended);
}

/** What an answer depends on is added to what is said of that already: of the origin, or of the media type. */
function writeHead(
  response: Http2ServerResponse,
  code: number,
  { vary, ...headers }: OutgoingHttpHeaders,
  compressed: boolean,
): void {
  for (const one of [vary, compressed ? 'Accept-Encoding' : undefined]) {
    if (one !== undefined) response.appendHeader('vary', one);
  }
  response.writeHead(code, compressed ? { ...headers, 'content-encoding': 'gzip' } : headers);
}

export async function sendError(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  error: StatusError,
  warnings: readonly string[] = [],
): Promise<void> {
  const retryAfter = error.details?.retryAfterSeconds;
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  const format = errorFormat(request.headers.accept);
  await sendObject(request, response, { code: error.code, body: error.toStatus(), format, headers, warnings });
}

function acceptsGzip(request: Http2ServerRequest): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(String(request.headers['accept-encoding'] ?? ''));
}

/** RFC 7234 warning 299, as upstream sends field warnings. */
function warningHeader(text: string): string {
  const quoted = text.replace(/\p{Cc}+/gu, ' ').replace(/["\\]/g, '\\$&');
  // Header values are bytes: clients read these as UTF-8.
  return `299 - "${Buffer.from(quoted).toString('latin1')}"`;
}

/** Sends the head now, although there is no body yet: the client must learn that its stream stands. */
export function flushHead(response: Http2ServerResponse): void {
  // HTTP/2 has sent it already; HTTP/1.1 waits for the first byte of the body unless told.
  const flush = 'flushHeaders' in response ? response.flushHeaders : undefined;
  if (typeof flush === 'function') flush.call(response);
}
