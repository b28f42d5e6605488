// What was sent of a request, kept as long as it may have to be sent again.
// Knows nothing of why; it only says whether all of it is still there.

import type { Socket } from 'node:net';
import { type OutBuffer, writeAll } from './out-buffer.ts';

export class Replay {
  /** Everything sent so far is still here. */
  whole = true;
  readonly #parts: (string | Buffer)[] = [];
  #bytes = 0;

  /** Starts a request with what `out` holds of it. */
  begin(out: OutBuffer): void {
    this.#parts.length = 0;
    this.whole = true;
    this.#bytes = out.take(this.#parts);
  }

  /** Sends everything from the start; false when the socket asks to wait for `drain`. */
  send(socket: Socket): boolean {
    return writeAll(socket, this.#parts, 0);
  }

  /** Sends what `out` holds, and keeps it; false when the socket asks to wait for `drain`. */
  sendMore(out: OutBuffer, socket: Socket): boolean {
    const first = this.#parts.length;
    this.#bytes += out.take(this.#parts);
    const free = this.#parts.length === first || writeAll(socket, this.#parts, first);
    if (!this.whole) this.#parts.length = 0;
    return free;
  }

  /** Lets go of a request that has grown beyond `limit` bytes. */
  trim(limit: number): void {
    if (this.#bytes <= limit) return;
    this.whole = false;
    this.#parts.length = 0;
  }
}
