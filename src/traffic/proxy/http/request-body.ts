// The payload of a request, kept as long as it may have to be sent again.
// Knows nothing of framing and sockets; every try frames it anew.

import type { OutBuffer } from '../http1/out-buffer.ts';

export class RequestBody {
  /** Latin-1 text or bytes, in order; after `trim` only what has not been sent yet. */
  readonly parts: (string | Buffer)[] = [];
  /** Everything so far is still here, so that it can be sent again. */
  whole = true;
  /** The last of it is here. */
  ended = false;
  /** Trailer lines, known with the end. */
  trailers = '';
  #bytes = 0;

  begin(): void {
    this.parts.length = 0;
    this.whole = true;
    this.ended = false;
    this.trailers = '';
    this.#bytes = 0;
  }

  /** Payload bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes what `out` gathered; returns the index of the first part that is new. */
  take(out: OutBuffer): number {
    const first = this.parts.length;
    if (!out.empty) this.#bytes += out.take(this.parts);
    return first;
  }

  end(trailers: string): void {
    this.ended = true;
    this.trailers = trailers;
  }

  /** Everything here has been sent: what cannot be sent again need not be kept. */
  sent(): void {
    if (!this.whole) this.parts.length = 0;
  }

  /** Lets go of a request that has grown beyond `limit` bytes. */
  trim(limit: number): void {
    if (this.#bytes <= limit) return;
    this.whole = false;
    this.parts.length = 0;
  }
}
