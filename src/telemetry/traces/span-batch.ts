// Spans of one thread on their way to the exporter: gathered, handed over now and then, and dropped when that is too slow.
// Knows no network; never waits for anybody.
import type { Cancel, Clock } from '#lib/clock.ts';
import { type Span, SpanEncoder } from './otlp.ts';
import { ProtoBuffer } from './proto-buffer.ts';

/** Milliseconds that a span waits for others, at most. */
const FLUSH_EVERY = 1000;
/** Bytes after which they no longer wait. */
const FLUSH_AT = 64 * 1024;
/** Batches handed over and not taken yet, beyond which spans are dropped. */
const MOST_UNTAKEN = 8;

export interface EncodedSpans {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

export class SpanBatch {
  /** Spans that nobody will see. */
  dropped = 0;
  readonly #hand: (spans: EncodedSpans) => void;
  readonly #encoder = new SpanEncoder();
  readonly #buffer = new ProtoBuffer(FLUSH_AT);
  readonly #cancel: Cancel;
  #count = 0;
  #untaken = 0;

  /** Whoever is handed a batch calls `taken` once it holds it. */
  constructor(clock: Clock, hand: (spans: EncodedSpans) => void) {
    this.#hand = hand;
    this.#cancel = clock.every(FLUSH_EVERY, () => this.#flush());
  }

  add(span: Span): void {
    if (this.#untaken >= MOST_UNTAKEN) {
      this.dropped++;
      return;
    }
    this.#encoder.encode(span, this.#buffer);
    this.#count++;
    if (this.#buffer.length >= FLUSH_AT) this.#flush();
  }

  /** A batch has come to whom it was handed. */
  taken(): void {
    this.#untaken = Math.max(0, this.#untaken - 1);
  }

  /** Hands over what there is. */
  close(): void {
    this.#cancel();
    this.#flush();
  }

  #flush(): void {
    if (this.#count === 0) return;
    const spans = { bytes: this.#buffer.copy(), count: this.#count };
    this.#buffer.clear();
    this.#count = 0;
    this.#untaken++;
    this.#hand(spans);
  }
}
