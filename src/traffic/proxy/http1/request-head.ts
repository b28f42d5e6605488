// Reads a request head, strictly, in one pass over one Latin-1 string: it rejects and never repairs.
// Knows nothing of sockets or routes; what passes is described by offsets into the same string.

import { queryParameter } from '#traffic/snapshot/index.ts';
import { dropNamed } from '../http/head-edits.ts';
import { CHARS, COLON, CR, HTAB, LF, SP, TARGET, TOKEN, VALUE } from './chars.ts';
import { headerOf } from './header-lookup.ts';
import { hostOf } from './host.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  DROPPED,
  EXPECT,
  FORWARDED,
  HOST_HEADER,
  isProtected,
  KEEP_ALIVE,
  knownHeader,
  OTHER,
  SPOOFED,
  TE,
  TRAILER,
  TRANSFER_ENCODING,
  UPGRADE,
  X_FORWARDED_FOR,
  X_FORWARDED_HOST,
  X_FORWARDED_PORT,
  X_FORWARDED_PROTO,
  X_REQUEST_ID,
} from './known-headers.ts';
import type { HttpLimits } from './limits.ts';
import { type Rejection, rejections } from './rejection.ts';
import { normalisePath } from './target.ts';

/** What a request head says. One object serves every request of a connection, so a parse allocates next to nothing. */
export class RequestHead {
  /** The string that `runs` points into. */
  text = '';
  method = '';
  /** Normalised path with the query as sent: what routes match and what is forwarded. `*` for `OPTIONS *`. */
  target = '';
  /** HTTP/1.`minor`. */
  minor = 1;
  /** The host as sent, with its port: the `Host` header, or the authority of an absolute-form target. */
  authority = '';
  /** Lower case, without port and trailing dot; empty for HTTP/1.0 without Host. */
  host = '';
  /** Bytes of the body, 0 without one; -1 when the body is chunked. */
  contentLength = 0;
  /** The client wants the connection kept open after the response. */
  keepAlive = true;
  /** Value of `Upgrade`, when the client asked to switch protocols; empty otherwise. */
  upgrade = '';
  expectContinue = false;
  /** The client takes trailers (`TE: trailers`). */
  acceptsTrailers = false;
  /** Value of `Trailer`, empty when absent. */
  trailer = '';
  forwardedFor = '';
  forwardedProto = '';
  forwardedHost = '';
  forwardedPort = '';
  forwarded = '';
  requestId = '';
  /** The trace context for the backend, each line with its end; empty: as it came, if it did. */
  traceLines = '';
  /** Start and end offsets of the header lines to relay as they stand; the first `runCount` numbers count. */
  readonly runs: number[] = [];
  runCount = 0;
  /** Further header lines, each with its line end: what filters and the proxy itself add. */
  added = '';
  /** What a rewrite puts in place of `target` and `authority` on the way to the backend; empty: as they are. */
  rewrittenTarget = '';
  rewrittenAuthority = '';
  /** Milliseconds the client waits for the whole answer, as far as it says so (`grpc-timeout`); 0 when it does not. */
  timeoutMs = 0;

  /** Forgets what single headers of the last request said. */
  reset(): void {
    this.added = '';
    this.rewrittenTarget = '';
    this.rewrittenAuthority = '';
    this.authority = '';
    this.upgrade = '';
    this.expectContinue = false;
    this.acceptsTrailers = false;
    this.trailer = '';
    this.forwardedFor = '';
    this.forwardedProto = '';
    this.forwardedHost = '';
    this.forwardedPort = '';
    this.forwarded = '';
    this.requestId = '';
    this.traceLines = '';
    this.timeoutMs = 0;
  }

  /** The target that the backend gets; `target` stays what the client asked for. */
  get forwardTarget(): string {
    return this.rewrittenTarget === '' ? this.target : this.rewrittenTarget;
  }

  /** The host that the backend gets; empty when the client named none. */
  get forwardAuthority(): string {
    return this.rewrittenAuthority === '' ? this.authority : this.rewrittenAuthority;
  }

  /** Value of a header, its name in lower case. */
  header(name: string): string | undefined {
    return headerOf(this, name);
  }

  /** Value of the first query parameter of this name. */
  query(name: string): string | undefined {
    return queryParameter(this.target, name);
  }
}

/**
 * Reads the head that is `text[start, end)`, where `end` is just behind the empty line.
 * Returns undefined and fills `head` when it is valid, or the reason to refuse it.
 */
export function parseRequestHead(
  text: string,
  start: number,
  end: number,
  head: RequestHead,
  limits: HttpLimits,
): Rejection | undefined {
  head.text = text;
  let pos = start;

  // Request line.
  while (((CHARS[text.charCodeAt(pos)] as number) & TOKEN) !== 0) pos++;
  if (pos === start || text.charCodeAt(pos) !== SP) return rejections.method;
  if (pos - start > 32) return rejections.methodLength;
  head.method = text.startsWith('GET ', start) ? 'GET' : text.slice(start, pos);
  const targetStart = ++pos;
  let plain = true;
  let queryAt = -1;
  let previous = 0;
  for (;;) {
    const code = text.charCodeAt(pos);
    if (((CHARS[code] as number) & TARGET) === 0) break;
    if (code === 63 /* ? */ && queryAt < 0) queryAt = pos;
    // A dot or slash behind a slash, an escape or a backslash in the path needs the slow way.
    else if (queryAt < 0 && (code === 37 || code === 92 || (previous === 47 && (code === 46 || code === 47)))) {
      plain = false;
    }
    previous = code;
    pos++;
  }
  if (pos - start > limits.requestLine) return rejections.targetLength;
  if (text.charCodeAt(pos) !== SP) return rejections.target;
  if (pos === targetStart) return rejections.requestLine;
  const targetEnd = pos++;
  if (text.startsWith('HTTP/1.1\r\n', pos)) head.minor = 1;
  else if (text.startsWith('HTTP/1.0\r\n', pos)) head.minor = 0;
  else return /^HTTP\/[0-9]\.[0-9]\r\n/.test(text.slice(pos, pos + 10)) ? rejections.version : rejections.requestLine;
  pos += 10;

  // Header lines.
  const minor = head.minor;
  const runs = head.runs;
  let runCount = 0;
  let runStart = pos;
  let count = 0;
  let hostSeen = false;
  let contentLength = -1;
  let chunked = false;
  let connection = '';
  head.reset();
  for (;;) {
    const first = text.charCodeAt(pos);
    if (first === CR) {
      if (pos + 2 !== end) return rejections.lineEnd;
      break;
    }
    let colon = pos;
    while (((CHARS[text.charCodeAt(colon)] as number) & TOKEN) !== 0) colon++;
    if (colon === pos || text.charCodeAt(colon) !== COLON) {
      return first === SP || first === HTAB ? rejections.leadingSpace : rejections.headerName;
    }
    let value = colon + 1;
    for (let code = text.charCodeAt(value); code === SP || code === HTAB; code = text.charCodeAt(value)) value++;
    let lineEnd = value;
    while (((CHARS[text.charCodeAt(lineEnd)] as number) & VALUE) !== 0) lineEnd++;
    if (text.charCodeAt(lineEnd) !== CR)
      return text.charCodeAt(lineEnd) === LF ? rejections.lineEnd : rejections.headerValue;
    if (text.charCodeAt(lineEnd + 1) !== LF) return rejections.lineEnd;
    if (++count > limits.headers) return rejections.headerCount;
    const next = lineEnd + 2;
    const id = knownHeader(text, pos, colon);
    if (id !== OTHER) {
      let valueEnd = lineEnd;
      while (valueEnd > value && (text.charCodeAt(valueEnd - 1) === SP || text.charCodeAt(valueEnd - 1) === HTAB))
        valueEnd--;
      if (id === HOST_HEADER) {
        if (hostSeen) return rejections.hostRepeated;
        hostSeen = true;
        head.authority = text.slice(value, valueEnd);
      } else if (id === CONTENT_LENGTH) {
        if (contentLength >= 0) return rejections.contentLengthRepeated;
        contentLength = parseLength(text, value, valueEnd);
        if (contentLength < 0) return rejections.contentLength;
      } else if (id === TRANSFER_ENCODING) {
        if (chunked) return rejections.transferEncodingRepeated;
        if (minor === 0) return rejections.transferEncodingVersion;
        if (text.slice(value, valueEnd).toLowerCase() !== 'chunked') return rejections.transferEncoding;
        chunked = true;
      } else if (id === CONNECTION) {
        const options = text.slice(value, valueEnd);
        connection = connection === '' ? options : `${connection},${options}`;
      } else if (id === EXPECT) {
        if (text.slice(value, valueEnd).toLowerCase() !== '100-continue') return rejections.expect;
        head.expectContinue = minor === 1;
      } else {
        rememberField(head, id, text.slice(value, valueEnd));
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

  // Framing.
  if (chunked && contentLength >= 0) return rejections.framingConflict;
  head.contentLength = chunked ? -1 : Math.max(contentLength, 0);

  // Connection options.
  head.keepAlive = minor === 1;
  if (connection !== '') applyConnection(head, connection);
  else head.upgrade = '';

  return readTarget(head, text, targetStart, targetEnd, queryAt, plain, hostSeen);
}

/** Keeps the value of a known header that is rewritten, or only read. */
export function rememberField(head: RequestHead, id: number, value: string): void {
  switch (id) {
    case UPGRADE:
      head.upgrade = head.upgrade === '' ? value : `${head.upgrade}, ${value}`;
      break;
    case TE:
      if (/(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value)) head.acceptsTrailers = true;
      break;
    case TRAILER:
      head.trailer = head.trailer === '' ? value : `${head.trailer}, ${value}`;
      break;
    case X_FORWARDED_FOR:
      head.forwardedFor = head.forwardedFor === '' ? value : `${head.forwardedFor}, ${value}`;
      break;
    case X_FORWARDED_PROTO:
      head.forwardedProto = value;
      break;
    case X_FORWARDED_HOST:
      head.forwardedHost = value;
      break;
    case X_FORWARDED_PORT:
      head.forwardedPort = value;
      break;
    case FORWARDED:
      head.forwarded = head.forwarded === '' ? value : `${head.forwarded}, ${value}`;
      break;
    case X_REQUEST_ID:
      head.requestId = value;
      break;
    case KEEP_ALIVE:
    case DROPPED:
    case SPOOFED:
      break;
  }
}

/** A Content-Length is digits only, and small enough to be exact; -1 when it is anything else. */
export function parseLength(text: string, start: number, end: number): number {
  if (end === start || end - start > 15) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

function applyConnection(head: RequestHead, connection: string): void {
  let upgrade = false;
  let names: Set<string> | undefined;
  for (const option of connection.toLowerCase().split(',')) {
    const name = option.trim();
    if (name === 'close') head.keepAlive = false;
    else if (name === 'keep-alive')
      head.keepAlive = head.keepAlive || (head.minor === 0 && !/\bclose\b/i.test(connection));
    else if (name === 'upgrade') upgrade = true;
    else if (name !== '' && !isProtected(name)) {
      names ??= new Set();
      names.add(name);
    }
  }
  // An h2c upgrade would let a client speak past the routes on the same connection.
  if (!upgrade || head.minor === 0 || head.contentLength !== 0 || /\bh2c\b/i.test(head.upgrade)) head.upgrade = '';
  if (names !== undefined) head.runCount = dropNamed(head.text, head.runs, head.runCount, names);
}

function readTarget(
  head: RequestHead,
  text: string,
  start: number,
  end: number,
  queryAt: number,
  plain: boolean,
  hostSeen: boolean,
): Rejection | undefined {
  if (!hostSeen && head.minor === 1) return rejections.hostMissing;
  // In whatever form: what a backend says after its 2xx to CONNECT is a tunnel, which nobody here would expect.
  if (head.method.length === 7 && head.method.toUpperCase() === 'CONNECT') return rejections.connect;
  if (text.charCodeAt(start) === 47) {
    if (plain) {
      head.target = text.slice(start, end);
    } else {
      const path = normalisePath(text.slice(start, queryAt < 0 ? end : queryAt));
      if (typeof path !== 'string') return path;
      head.target = queryAt < 0 ? path : path + text.slice(queryAt, end);
    }
  } else {
    const failure = readOtherForms(head, text.slice(start, end), hostSeen);
    if (failure !== undefined) return failure;
    hostSeen = head.authority !== '' || hostSeen;
  }
  if (!hostSeen) {
    head.host = '';
    return undefined;
  }
  const host = hostOf(head.authority);
  if (host === undefined) return rejections.host;
  head.host = host;
  return undefined;
}

/** Absolute form (whose authority beats Host, RFC 9112, 3.2.2) and asterisk form. */
function readOtherForms(head: RequestHead, target: string, hostSeen: boolean): Rejection | undefined {
  if (target === '*' && head.method === 'OPTIONS') {
    head.target = '*';
    return undefined;
  }
  const match = /^https?:\/\/([^/?]*)([^?]*)(\?.*)?$/i.exec(target);
  if (match === null) return rejections.target;
  // A malformed Host is refused even where the target overrides it.
  if (hostSeen && hostOf(head.authority) === undefined) return rejections.host;
  head.authority = match[1] as string;
  if (match[2] === '' && match[3] === undefined && head.method === 'OPTIONS') {
    // Asked of the whole server (RFC 9112, 3.2.4).
    head.target = '*';
  } else {
    const path = normalisePath(match[2] === '' ? '/' : (match[2] as string));
    if (typeof path !== 'string') return path;
    head.target = path + (match[3] ?? '');
  }
  return head.authority === '' ? rejections.host : undefined;
}
