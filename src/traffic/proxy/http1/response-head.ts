// Reads a response head from a backend, as strictly as a request: a backend may be the attacker's too.
// Knows nothing of sockets; describes what it found by offsets into the string it was given.

import { dropNamed } from '../http/head-edits.ts';
import { CHARS, COLON, CR, HTAB, LF, SP, TOKEN, VALUE } from './chars.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  DROPPED,
  KEEP_ALIVE,
  knownHeader,
  OTHER,
  TE,
  TRAILER,
  TRANSFER_ENCODING,
  UPGRADE,
} from './known-headers.ts';
import type { HttpLimits } from './limits.ts';
import { parseLength } from './request-head.ts';

/** What a response head says; reused for every response of a connection. */
export class ResponseHead {
  text = '';
  minor = 1;
  status = 0;
  /** Offsets of `200 OK` in `text`. */
  statusStart = 0;
  statusEnd = 0;
  /** Bytes announced, or -1 when there is no Content-Length. */
  contentLength = -1;
  chunked = false;
  /** The backend keeps the connection open. */
  keepAlive = true;
  /** Seconds of the backend's own idle time-out (`Keep-Alive: timeout=5`), 0 when it names none. */
  keepAliveSeconds = 0;
  /** Value of `Upgrade`, empty when absent. */
  upgrade = '';
  trailer = '';
  readonly runs: number[] = [];
  runCount = 0;
  /** Further header lines, each with its line end: what filters and the proxy itself add. */
  added = '';
}

/**
 * Reads the head that is `text[0, end)`, where `end` is just behind the empty line.
 * Returns undefined and fills `head`, or what is wrong with it, fit for a log line.
 */
export function parseResponseHead(
  text: string,
  end: number,
  head: ResponseHead,
  limits: HttpLimits,
): string | undefined {
  head.text = text;
  if (!text.startsWith('HTTP/1.')) return 'Malformed status line';
  const minor = text.charCodeAt(7) - 48;
  if ((minor !== 0 && minor !== 1) || text.charCodeAt(8) !== SP) return 'Malformed status line';
  const status = parseLength(text, 9, 12);
  if (status < 100 || status > 599) return 'Malformed status code';
  let pos = 12;
  const separator = text.charCodeAt(pos);
  if (separator !== SP && separator !== CR) return 'Malformed status line';
  while (((CHARS[text.charCodeAt(pos)] as number) & VALUE) !== 0) pos++;
  if (text.charCodeAt(pos) !== CR || text.charCodeAt(pos + 1) !== LF) return 'Malformed status line';
  head.minor = minor;
  head.status = status;
  head.statusStart = 9;
  head.statusEnd = pos;
  pos += 2;

  const runs = head.runs;
  let runCount = 0;
  let runStart = pos;
  let count = 0;
  let contentLength = -1;
  let chunked = false;
  let connection = '';
  head.added = '';
  head.keepAliveSeconds = 0;
  head.upgrade = '';
  head.trailer = '';
  for (;;) {
    if (text.charCodeAt(pos) === CR) {
      if (pos + 2 !== end) return 'Header line does not end with CR LF';
      break;
    }
    let colon = pos;
    while (((CHARS[text.charCodeAt(colon)] as number) & TOKEN) !== 0) colon++;
    if (colon === pos || text.charCodeAt(colon) !== COLON) return 'Malformed header name';
    let lineEnd = colon + 1;
    while (((CHARS[text.charCodeAt(lineEnd)] as number) & VALUE) !== 0) lineEnd++;
    if (text.charCodeAt(lineEnd) !== CR || text.charCodeAt(lineEnd + 1) !== LF) return 'Malformed header value';
    if (++count > limits.headers * 2) return 'Too many headers';
    const next = lineEnd + 2;
    const id = knownHeader(text, pos, colon);
    if (id !== OTHER && belongsToHop(id)) {
      let value = colon + 1;
      while (text.charCodeAt(value) === SP || text.charCodeAt(value) === HTAB) value++;
      let valueEnd = lineEnd;
      while (valueEnd > value && (text.charCodeAt(valueEnd - 1) === SP || text.charCodeAt(valueEnd - 1) === HTAB))
        valueEnd--;
      if (id === CONTENT_LENGTH) {
        if (contentLength >= 0) return 'Content-Length is repeated';
        contentLength = parseLength(text, value, valueEnd);
        if (contentLength < 0) return 'Malformed Content-Length';
      } else if (id === TRANSFER_ENCODING) {
        if (chunked) return 'Transfer-Encoding is repeated';
        if (minor === 0) return 'Transfer-Encoding in an HTTP/1.0 response';
        if (text.slice(value, valueEnd).toLowerCase() !== 'chunked') return 'Transfer-Encoding is not supported';
        chunked = true;
      } else if (id === CONNECTION) {
        connection = connection === '' ? text.slice(value, valueEnd) : `${connection},${text.slice(value, valueEnd)}`;
      } else if (id === KEEP_ALIVE) {
        const match = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(text.slice(value, valueEnd));
        if (match !== null) head.keepAliveSeconds = Number(match[1]);
      } else if (id === UPGRADE) {
        head.upgrade = text.slice(value, valueEnd);
      } else if (id === TRAILER) {
        const names = text.slice(value, valueEnd);
        head.trailer = head.trailer === '' ? names : `${head.trailer}, ${names}`;
      }
      if (pos > runStart) {
        runs[runCount++] = runStart;
        runs[runCount++] = pos;
      }
      runStart = next;
    }
    pos = next;
  }
  if (pos > runStart) {
    runs[runCount++] = runStart;
    runs[runCount++] = pos;
  }
  head.runCount = runCount;
  if (chunked && contentLength >= 0) return 'Content-Length and Transfer-Encoding exclude each other';
  head.contentLength = contentLength;
  head.chunked = chunked;
  head.keepAlive = minor === 1;
  if (connection !== '') applyConnection(head, connection);
  return undefined;
}

/** Request-only names mean nothing in a response and are relayed. */
function belongsToHop(id: number): boolean {
  return (
    id === CONTENT_LENGTH ||
    id === TRANSFER_ENCODING ||
    id === CONNECTION ||
    id === KEEP_ALIVE ||
    id === UPGRADE ||
    id === TRAILER ||
    id === TE ||
    id === DROPPED
  );
}

function applyConnection(head: ResponseHead, connection: string): void {
  if (connection === 'keep-alive' || connection === 'Keep-Alive') {
    head.keepAlive = true;
    return;
  }
  let names: Set<string> | undefined;
  let close = false;
  for (const option of connection.toLowerCase().split(',')) {
    const name = option.trim();
    if (name === 'close') close = true;
    else if (name === 'keep-alive') head.keepAlive = true;
    else if (name !== '' && name !== 'upgrade' && !name.startsWith('content-') && name !== 'set-cookie') {
      names ??= new Set();
      names.add(name);
    }
  }
  if (close) head.keepAlive = false;
  if (names !== undefined) head.runCount = dropNamed(head.text, head.runs, head.runCount, names);
}
