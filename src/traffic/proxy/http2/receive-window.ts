// How much the peer may send on a connection, and when it is told that it may send more.
// Knows nothing of streams, which have windows of their own.

import { DEFAULT_WINDOW } from './frames.ts';

export class ReceiveWindow {
  #left = DEFAULT_WINDOW;
  #owed = 0;
  #size = DEFAULT_WINDOW;

  /** Grows to `size`; returns by how much. */
  widen(size: number): number {
    const more = size - this.#size;
    this.#size = size;
    this.#left += more;
    return more;
  }

  /** So much has come; false when it is more than it may be. */
  receive(count: number): boolean {
    this.#left -= count;
    return this.#left >= 0;
  }

  /** So much was dealt with; returns what the peer is to be told of now, often nothing: half a window is worth a frame. */
  consume(count: number): number {
    this.#owed += count;
    if (this.#owed * 2 < this.#size) return 0;
    const owed = this.#owed;
    this.#owed = 0;
    this.#left += owed;
    return owed;
  }
}
