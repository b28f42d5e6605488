// Random ids of traces and spans, made many at a time: one for each request that is not recorded either.
// Knows nothing of what they name.
import { randomFillSync } from 'node:crypto';

const BYTES = 4096;

export class TraceIds {
  readonly #bytes = Buffer.alloc(BYTES);
  #hex = '';
  #at = 0;

  trace(): string {
    return this.#take(32);
  }

  span(): string {
    return this.#take(16);
  }

  #take(digits: number): string {
    if (this.#at + digits > this.#hex.length) {
      this.#hex = randomFillSync(this.#bytes).toString('hex');
      this.#at = 0;
    }
    const id = this.#hex.slice(this.#at, this.#at + digits);
    this.#at += digits;
    // All noughts are no id.
    return /[^0]/.test(id) ? id : this.#take(digits);
  }
}
