// Makes a checked request head of header fields, as strictly as the parser of HTTP/1.1: it rejects and never repairs.
// Knows nothing of streams; what passes can be written as either protocol without meaning something else.

import { CHARS, TARGET, TOKEN } from '../http1/chars.ts';
import { hostOf } from '../http1/host.ts';
import * as known from '../http1/known-headers.ts';
import type { HttpLimits } from '../http1/limits.ts';
import { type Rejection, rejections } from '../http1/rejection.ts';
import { parseLength, type RequestHead, rememberField } from '../http1/request-head.ts';
import { normalisePath } from '../http1/target.ts';
import { grpcTimeout, isGrpc } from './grpc.ts';
import type { FieldSink } from './hpack/decoder.ts';
import * as kinds from './hpack/field.ts';

/** Only what nobody may send as HTTP/2 is refused without an answer: the stream is reset. */
export const malformed: Rejection = { status: 400, reason: 'Malformed HTTP/2 request' };

export class RequestFields implements FieldSink {
  /** Content-Type says gRPC. */
  grpc = false;
  #head!: RequestHead;
  #limits!: HttpLimits;
  #text = '';
  #size = 0;
  #count = 0;
  #rejection: Rejection | undefined;
  #regular = false;
  #scheme = '';
  #path = '';
  #protocol = '';
  #authority: string | undefined;
  #host: string | undefined;
  #cookie = '';
  #length = -1;
  #timeout = '';

  /** Fields that follow are those of `head`. */
  begin(head: RequestHead, limits: HttpLimits): void {
    this.#head = head;
    this.#limits = limits;
    this.grpc = false;
    this.#text = '';
    this.#size = 0;
    this.#count = 0;
    this.#rejection = undefined;
    this.#regular = false;
    this.#scheme = '';
    this.#path = '';
    this.#protocol = '';
    this.#authority = undefined;
    this.#host = undefined;
    this.#cookie = '';
    this.#length = -1;
    this.#timeout = '';
    head.reset();
    head.method = '';
  }

  field(field: kinds.Field): void {
    if (this.#rejection === malformed) return;
    this.#size += field.size;
    if (this.#size > this.#limits.head || ++this.#count > this.#limits.headers + 5) {
      // Counted on, but kept no more: what is only too much is answered.
      this.#rejection ??= this.#size > this.#limits.head ? rejections.headLength : rejections.headerCount;
      this.#text = '';
      if (field.kind === kinds.MALFORMED) this.#rejection = malformed;
      return;
    }
    const { kind } = field;
    if (kind >= kinds.MALFORMED) this.#pseudo(kind, field.value);
    else this.#named(field);
  }

  #named(field: kinds.Field): void {
    this.#regular = true;
    const { kind, value } = field;
    switch (kind) {
      case known.OTHER:
        this.#text += field.line;
        break;
      case kinds.COOKIE:
        // What HTTP/2 may cut into crumbs is one line elsewhere (RFC 9113, 8.2.3).
        this.#cookie = this.#cookie === '' ? value : `${this.#cookie}; ${value}`;
        break;
      case kinds.CONTENT_TYPE:
        if (isGrpc(value)) this.grpc = true;
        this.#text += field.line;
        break;
      case kinds.GRPC_TIMEOUT:
        this.#timeout = value;
        this.#text += field.line;
        break;
      case known.HOST_HEADER:
        if (this.#host !== undefined) this.#rejection ??= rejections.hostRepeated;
        this.#host = value;
        break;
      case known.CONTENT_LENGTH:
        if (this.#length >= 0) this.#rejection ??= rejections.contentLengthRepeated;
        this.#length = parseLength(value, 0, value.length);
        if (this.#length < 0) this.#rejection ??= rejections.contentLength;
        break;
      case known.TE:
        if (value.toLowerCase() !== 'trailers') this.#rejection = malformed;
        this.#head.acceptsTrailers = true;
        break;
      case known.EXPECT:
        if (value.toLowerCase() !== '100-continue') this.#rejection ??= rejections.expect;
        this.#head.expectContinue = true;
        break;
      default:
        rememberField(this.#head, kind, value);
    }
  }

  #pseudo(kind: number, value: string): void {
    // Behind a regular field, twice, or not a request's at all.
    if (this.#regular || kind === kinds.MALFORMED || kind === kinds.STATUS) {
      this.#rejection = malformed;
    } else if (kind === kinds.METHOD) {
      if (this.#head.method !== '' || !isToken(value)) this.#rejection = malformed;
      this.#head.method = value;
    } else if (kind === kinds.SCHEME) {
      if (this.#scheme !== '' || value === '') this.#rejection = malformed;
      this.#scheme = value;
    } else if (kind === kinds.AUTHORITY) {
      if (this.#authority !== undefined) this.#rejection = malformed;
      this.#authority = value;
    } else if (kind === kinds.PATH) {
      if (this.#path !== '' || value === '') this.#rejection = malformed;
      this.#path = value;
    } else {
      if (this.#protocol !== '' || value === '') this.#rejection = malformed;
      this.#protocol = value;
    }
  }

  /** All fields are there; `endStream` tells that no body follows. Returns why the request is refused. */
  finish(endStream: boolean): Rejection | undefined {
    const head = this.#head;
    if (this.#rejection === malformed || head.method === '') return malformed;
    const connect = head.method === 'CONNECT';
    if (connect && this.#protocol === '') {
      return this.#scheme === '' && this.#path === '' ? rejections.connect : malformed;
    }
    if (this.#scheme === '' || this.#path === '' || (!connect && this.#protocol !== '')) return malformed;
    if (this.#length > 0 && endStream) return malformed;
    return this.#rejection ?? this.#check(head, connect, endStream);
  }

  #check(head: RequestHead, connect: boolean, endStream: boolean): Rejection | undefined {
    if (head.method.length > 32) return rejections.methodLength;
    if (!/^https?$/i.test(this.#scheme)) return rejections.target;
    const authority = this.#authority ?? this.#host;
    if (authority === undefined) return rejections.hostMissing;
    const host = hostOf(authority);
    if (host === undefined) return rejections.host;
    // Which of two names counts must not be a matter of taste.
    if (this.#host !== undefined && this.#host.toLowerCase() !== authority.toLowerCase()) return rejections.host;
    head.authority = authority;
    head.host = host;
    const refusal = readPath(head, this.#path, this.#limits);
    if (refusal !== undefined) return refusal;
    if (connect) {
      if (this.#protocol.toLowerCase() !== 'websocket' || this.#length >= 0) return rejections.connect;
      head.method = 'GET';
      head.upgrade = 'websocket';
    }
    head.contentLength = endStream || connect ? 0 : this.#length;
    if (this.grpc && this.#timeout !== '') {
      head.timeoutMs = grpcTimeout(this.#timeout);
      if (head.timeoutMs === 0) return rejections.grpcTimeout;
    }
    head.text = this.#cookie === '' ? this.#text : `${this.#text}cookie: ${this.#cookie}\r\n`;
    head.runs[0] = 0;
    head.runs[1] = head.text.length;
    head.runCount = head.text === '' ? 0 : 2;
    return undefined;
  }
}

/** Sets the target that is matched and forwarded. */
function readPath(head: RequestHead, path: string, limits: HttpLimits): Rejection | undefined {
  if (path === '*' && head.method === 'OPTIONS') {
    head.target = '*';
    return undefined;
  }
  if (path.charCodeAt(0) !== 47 /* / */) return rejections.target;
  if (path.length > limits.requestLine) return rejections.targetLength;
  let plain = true;
  let queryAt = -1;
  let previous = 0;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (((CHARS[code] as number) & TARGET) === 0) return rejections.target;
    if (code === 63 /* ? */ && queryAt < 0) queryAt = i;
    // What needs the slow way: an escape, a backslash, a dot or a slash behind a slash.
    else if (queryAt < 0 && (code === 37 || code === 92 || (previous === 47 && (code === 46 || code === 47))))
      plain = false;
    previous = code;
  }
  if (plain) {
    head.target = path;
    return undefined;
  }
  const normal = normalisePath(queryAt < 0 ? path : path.slice(0, queryAt));
  if (typeof normal !== 'string') return normal;
  head.target = queryAt < 0 ? normal : normal + path.slice(queryAt);
  return undefined;
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (((CHARS[text.charCodeAt(i)] as number) & TOKEN) === 0) return false;
  return text !== '';
}
