// Makes a checked response head of header fields, as strictly as of HTTP/1.1: a backend may be the attacker's too.
// Knows nothing of streams.

import { STATUS_CODES } from 'node:http';
import * as known from '../http1/known-headers.ts';
import type { HttpLimits } from '../http1/limits.ts';
import { parseLength } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { isGrpc } from './grpc.ts';
import type { FieldSink } from './hpack/decoder.ts';
import * as kinds from './hpack/field.ts';

/** Status lines of what backends answer, with their line ends. */
const statusLines: string[] = [];
for (let status = 100; status < 600; status++)
  statusLines[status] = `${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;

export class ResponseFields implements FieldSink {
  /** Content-Type says gRPC. */
  grpc = false;
  #head!: ResponseHead;
  #limits!: HttpLimits;
  #text = '';
  #size = 0;
  #count = 0;
  #broken = false;
  #regular = false;

  /** Fields that follow are those of `head`. */
  begin(head: ResponseHead, limits: HttpLimits): void {
    this.#head = head;
    this.#limits = limits;
    this.grpc = false;
    this.#text = '';
    this.#size = 0;
    this.#count = 0;
    this.#broken = false;
    this.#regular = false;
    head.status = 0;
    head.contentLength = -1;
    head.added = '';
    head.keepAliveSeconds = 0;
    head.upgrade = '';
    head.trailer = '';
    head.minor = 1;
    head.keepAlive = true;
  }

  field(field: kinds.Field): void {
    const { kind, value } = field;
    const head = this.#head;
    this.#size += field.size;
    if (this.#size > this.#limits.head || ++this.#count > this.#limits.headers * 2) {
      this.#broken = true;
      return;
    }
    switch (kind) {
      case known.CONTENT_LENGTH:
        if (head.contentLength >= 0) this.#broken = true;
        head.contentLength = parseLength(value, 0, value.length);
        if (head.contentLength < 0) this.#broken = true;
        break;
      case known.TRAILER:
        head.trailer = value;
        break;
      case known.TE:
      case known.DROPPED:
        break;
      case kinds.STATUS:
        if (this.#regular || head.status !== 0) this.#broken = true;
        head.status = value.length === 3 ? parseLength(value, 0, 3) : 0;
        // 101 has no place in HTTP/2 (RFC 9113, 8.6).
        if (head.status < 100 || head.status > 599 || head.status === 101) this.#broken = true;
        return;
      case kinds.CONTENT_TYPE:
        if (isGrpc(value)) this.grpc = true;
        this.#text += field.line;
        break;
      default:
        if (kind >= kinds.MALFORMED) this.#broken = true;
        else this.#text += field.line;
    }
    this.#regular = true;
  }

  /** All fields are there; `endStream` tells that no body follows. False when no response may be like this. */
  finish(endStream: boolean, headRequest: boolean): boolean {
    const head = this.#head;
    if (this.#broken || head.status === 0) return false;
    const { status } = head;
    const line = statusLines[status] as string;
    head.statusStart = 0;
    head.statusEnd = line.length - 2;
    head.text = line + this.#text;
    head.runs[0] = line.length;
    head.runs[1] = head.text.length;
    head.runCount = this.#text === '' ? 0 : 2;
    if (status < 200) return !endStream;
    const bodyless = headRequest || status === 204 || status === 304;
    if (endStream && !bodyless) {
      if (head.contentLength > 0) return false;
      head.contentLength = 0;
    }
    head.chunked = head.contentLength < 0 && !bodyless;
    return true;
  }
}
