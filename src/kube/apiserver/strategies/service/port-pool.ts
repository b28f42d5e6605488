// Hands out ports of one range, each to one holder.
// Knows numbers only; nothing of Services.
import type { Reservation } from './ip-pool.ts';

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export class PortPool {
  readonly range: PortRange;
  readonly #taken = new Set<number>();
  readonly #random: () => number;

  constructor(range: PortRange, random: () => number) {
    this.range = range;
    this.#random = random;
  }

  reserve(port: number): Reservation {
    if (port < this.range.from || port > this.range.to) return 'outside';
    if (this.#taken.has(port)) return 'taken';
    this.#taken.add(port);
    return 'reserved';
  }

  release(port: number): void {
    this.#taken.delete(port);
  }

  /** A free port, reserved; undefined when there is none. */
  next(): number | undefined {
    const count = this.range.to - this.range.from + 1;
    const start = Math.floor(this.#random() * count);
    for (let step = 0; step < count; step++) {
      const port = this.range.from + ((start + step) % count);
      if (this.reserve(port) === 'reserved') return port;
    }
    return undefined;
  }
}
