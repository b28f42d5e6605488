// Finds the payload of a message body in the bytes that arrive: by length, by strict chunks, or until the end.
// Knows nothing of sockets; bytes come in pieces cut anywhere, and the result is the same.

import { CHARS, CR, HEX, LF, TOKEN, VALUE } from './chars.ts';
import { EXTENSION, EXTENSION_END, EXTENSION_FAULT, nextInExtension } from './chunk-extension.ts';
import { CONTENT_LENGTH, knownHeader, mayTrail, TRANSFER_ENCODING } from './known-headers.ts';

/** Where a body ends. */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** Bytes that all chunk extensions of one body may take: they carry no payload and cost work. */
const EXTENSION_LIMIT = 16 * 1024;
/** Bytes of all trailer lines, also of those that do not pass. */
const TRAILER_LIMIT = 16 * 1024;
const TRAILER_COUNT = 100;
/** Digits of a chunk size, leading zeros among them. */
const SIZE_DIGITS = 16;

// States of the chunked grammar.
const SIZE_FIRST = 0;
const SIZE = 1;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER_START = 7;
const TRAILER_LINE = 8;
const TRAILER_LF = 9;
const END_LF = 10;

/** Call `begin`, then `next` until `done` or `failed`. One object serves every body of a connection. */
export class BodyDecoder {
  framing: Framing = 'none';
  done = true;
  /** What is wrong with the framing; the connection cannot be used any further. */
  failed = '';
  /** Payload found by the last `next`: `bytes[dataStart, dataEnd)`. */
  dataStart = 0;
  dataEnd = 0;
  /** Payload bytes seen so far. */
  received = 0;
  /** Valid trailer lines with their line ends; complete once `done`. */
  trailers = '';
  #left = 0;
  #state = SIZE_FIRST;
  #digits = 0;
  #extension = 0;
  #trailerBytes = 0;
  #trailerCount = 0;
  #line = '';

  /** `length` counts only with the framing of that name. */
  begin(framing: Framing, length: number): void {
    this.framing = framing;
    this.done = framing === 'none' || (framing === 'length' && length === 0);
    this.failed = '';
    this.received = 0;
    this.trailers = '';
    this.#left = framing === 'length' ? length : 0;
    this.#state = SIZE_FIRST;
    this.#extension = 0;
    this.#trailerBytes = 0;
    this.#trailerCount = 0;
    this.#line = '';
  }

  /** Reads from `bytes[pos, end)` up to the next piece of payload at most; returns where to go on. */
  next(bytes: Uint8Array, pos: number, end: number): number {
    this.dataStart = pos;
    this.dataEnd = pos;
    if (this.done) return pos;
    if (this.framing === 'chunked') return this.#nextChunked(bytes, pos, end);
    if (this.framing === 'close') {
      this.dataEnd = end;
      this.received += end - pos;
      return end;
    }
    const take = Math.min(this.#left, end - pos);
    this.#left -= take;
    this.received += take;
    this.dataEnd = pos + take;
    this.done = this.#left === 0;
    return this.dataEnd;
  }

  /** The peer has closed; true when that is a proper end of this body. */
  finish(): boolean {
    if (this.framing === 'close') this.done = true;
    return this.done;
  }

  #fail(pos: number, reason: string): number {
    this.failed = reason;
    return pos;
  }

  #nextChunked(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    while (pos < end) {
      const code = bytes[pos] as number;
      switch (this.#state) {
        case SIZE_FIRST:
          if (((CHARS[code] as number) & HEX) === 0) return this.#fail(pos, 'Chunk size is missing');
          this.#left = hexDigit(code);
          this.#digits = 1;
          this.#state = SIZE;
          pos++;
          break;
        case SIZE:
          pos++;
          if (((CHARS[code] as number) & HEX) !== 0) {
            if (this.#left >= 2 ** 44 || ++this.#digits > SIZE_DIGITS)
              return this.#fail(pos, 'Chunk size is too large');
            this.#left = this.#left * 16 + hexDigit(code);
          } else if (code === CR) this.#state = SIZE_LF;
          else if (code === 59 /* ; */) this.#state = EXTENSION;
          else return this.#fail(pos, 'Malformed chunk size');
          break;
        case SIZE_LF:
          pos++;
          if (code !== LF) return this.#fail(pos, 'Chunk size line does not end with CR LF');
          this.#state = this.#left === 0 ? TRAILER_START : DATA;
          break;
        case DATA: {
          const take = Math.min(this.#left, end - pos);
          this.#left -= take;
          this.received += take;
          if (this.#left === 0) this.#state = DATA_CR;
          this.dataStart = pos;
          this.dataEnd = pos + take;
          return this.dataEnd;
        }
        case DATA_CR:
          pos++;
          if (code !== CR) return this.#fail(pos, 'Chunk is longer than its size');
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          pos++;
          if (code !== LF) return this.#fail(pos, 'Chunk does not end with CR LF');
          this.#state = SIZE_FIRST;
          break;
        case TRAILER_START:
          if (code === CR) {
            this.#state = END_LF;
            pos++;
          } else {
            if (++this.#trailerCount > TRAILER_COUNT) return this.#fail(pos, 'Too many trailers');
            this.#line = '';
            this.#state = TRAILER_LINE;
          }
          break;
        case TRAILER_LINE:
          pos++;
          if (code === CR) this.#state = TRAILER_LF;
          else if (((CHARS[code] as number) & VALUE) === 0) return this.#fail(pos, 'Malformed trailer');
          else {
            this.#line += String.fromCharCode(code);
            if (++this.#trailerBytes > TRAILER_LIMIT) return this.#fail(pos, 'Trailers are too long');
          }
          break;
        case TRAILER_LF:
          pos++;
          if (code !== LF || !this.#keepTrailer()) return this.#fail(pos, 'Malformed trailer');
          this.#state = TRAILER_START;
          break;
        case END_LF:
          pos++;
          if (code !== LF) return this.#fail(pos, 'Body does not end with CR LF');
          this.done = true;
          this.dataStart = pos;
          this.dataEnd = pos;
          return pos;
        default: {
          pos++;
          if (++this.#extension > EXTENSION_LIMIT) return this.#fail(pos, 'Chunk extensions are too long');
          const next = nextInExtension(this.#state, code);
          if (next === EXTENSION_FAULT) return this.#fail(pos, 'Malformed chunk extension');
          this.#state = next === EXTENSION_END ? SIZE_LF : next;
        }
      }
    }
    this.dataStart = pos;
    this.dataEnd = pos;
    return pos;
  }

  /** Keeps a well-formed line, if a trailer may say it; false when it is not well-formed. */
  #keepTrailer(): boolean {
    const line = this.#line;
    const colon = line.indexOf(':');
    if (colon <= 0) return false;
    for (let i = 0; i < colon; i++) if (((CHARS[line.charCodeAt(i)] as number) & TOKEN) === 0) return false;
    const id = knownHeader(line, 0, colon);
    // Framing behind the body is what other parsers refuse, or believe.
    if (id === CONTENT_LENGTH || id === TRANSFER_ENCODING) return false;
    if (mayTrail(line.slice(0, colon))) this.trailers += `${line}\r\n`;
    return true;
  }
}

function hexDigit(code: number): number {
  return code <= 57 ? code - 48 : (code | 0x20) - 87;
}
