// Compresses one response on its way to the client, as fast as the client takes it.
// Knows nothing of policies and heads beyond asking; bytes in, bytes out, in bounded memory.

import type { ResponseHead } from '../../http1/response-head.ts';
import type { FilterExchange, ResponseSink } from '../filter.ts';
import { announceCoding, announceVariants, type Eligibility, weakenTag } from './eligible.ts';
import { type Encoder, flushEncoder, openEncoder } from './encoders.ts';
import type { Coding } from './negotiate.ts';

export class CompressedResponse implements ResponseSink {
  readonly #x: FilterExchange;
  readonly #next: ResponseSink;
  readonly #eligibility: Eligibility;
  /** What the client would take; undefined leaves bodies as they are. */
  readonly #coding: Coding | undefined;
  #encoder: Encoder | undefined;
  /** The backend says no length: what it sent may be all for a while, and the client may wait for it. */
  #streams = false;
  #unflushed = false;
  #flushing = false;
  #nextBlocked = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(x: FilterExchange, next: ResponseSink, eligibility: Eligibility, coding: Coding | undefined) {
    this.#x = x;
    this.#next = next;
    this.#eligibility = eligibility;
    this.#coding = coding;
  }

  respond(head: ResponseHead): void {
    const coding = this.#coding;
    if (head.status === 304 && coding !== undefined) {
      // Stands for a response whose type it does not say: the tag has to fit the one that the client keeps.
      announceVariants(head);
      weakenTag(head);
    } else if (this.#eligibility.covers(head)) {
      announceVariants(head);
      if (coding !== undefined) this.#begin(head, coding);
    }
    this.#next.respond(head);
  }

  #begin(head: ResponseHead, coding: Coding): void {
    // The answer to HEAD says what the one to GET would.
    if (this.#x.head.method === 'HEAD') {
      announceCoding(head, coding);
      return;
    }
    const encoder = openEncoder(coding);
    if (encoder === undefined) return;
    this.#encoder = encoder;
    this.#streams = head.contentLength < 0;
    announceCoding(head, coding);
    encoder.on('data', (bytes: Buffer) => this.#onData(encoder, bytes));
    encoder.on('drain', () => this.#x.unblocked());
    encoder.on('error', () => this.#x.broken());
  }

  sendBody(bytes: Buffer, start: number, end: number, owned: boolean): void {
    const encoder = this.#encoder;
    if (encoder === undefined) {
      this.#next.sendBody(bytes, start, end, owned);
      return;
    }
    const piece = bytes.subarray(start, end);
    this.#bytesIn += piece.length;
    this.#unflushed = true;
    encoder.write(owned ? piece : Buffer.from(piece));
  }

  flush(): boolean {
    const free = this.#next.flush();
    const encoder = this.#encoder;
    if (encoder === undefined) return free;
    if (!free) this.#pause(encoder);
    if (this.#streams) this.#flushEncoder(encoder);
    return free && !encoder.writableNeedDrain;
  }

  /** One flush at a time: what comes while one runs shares the next, so a chatty backend costs no flush a chunk. */
  #flushEncoder(encoder: Encoder): void {
    if (this.#flushing || !this.#unflushed || encoder.destroyed || encoder.writableEnded) return;
    this.#flushing = true;
    this.#unflushed = false;
    flushEncoder(encoder, this.#coding as Coding, () => {
      this.#flushing = false;
      this.#flushEncoder(encoder);
    });
  }

  end(trailers: string): void {
    const encoder = this.#encoder;
    if (encoder === undefined) {
      this.#next.end(trailers);
      return;
    }
    this.#x.endsLater();
    // The head must not wait where others gather what they send.
    if (!this.#next.flush()) this.#pause(encoder);
    encoder.on('end', () => {
      this.#next.end(trailers);
      this.#x.ended();
    });
    encoder.end();
  }

  /** The client is to be blamed only when it is the client that does not take. */
  blocked(): void {
    if (this.#encoder === undefined || this.#nextBlocked) this.#next.blocked();
  }

  drained(): void {
    const encoder = this.#encoder;
    if (encoder !== undefined) {
      this.#nextBlocked = false;
      encoder.resume();
      if (encoder.writableNeedDrain) return;
    }
    if (this.#next.drained === undefined) this.#x.unblocked();
    else this.#next.drained();
  }

  /** The exchange is over, or the response is not wanted any more. */
  close(): void {
    const encoder = this.#encoder;
    if (encoder === undefined) return;
    this.#encoder = undefined;
    encoder.removeAllListeners('data');
    encoder.destroy();
    this.#x.bytesSaved += this.#bytesIn - this.#bytesOut;
    this.#x.context.stats.compressed(this.#coding as Coding, this.#bytesIn, this.#bytesOut);
  }

  #onData(encoder: Encoder, bytes: Buffer): void {
    this.#bytesOut += bytes.length;
    this.#next.sendBody(bytes, 0, bytes.length, true);
    if (this.#next.flush()) return;
    this.#pause(encoder);
    this.#next.blocked();
  }

  #pause(encoder: Encoder): void {
    this.#nextBlocked = true;
    encoder.pause();
  }
}
