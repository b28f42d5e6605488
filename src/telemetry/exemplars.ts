// The latest traced observation of each bucket, from one reading of the metrics to the next.
// Knows cells and ids of traces; the thread that counts fills it, the one that prints takes it.
import { bucketOf } from './buckets.ts';
import type { Exemplar } from './series.ts';

/** Buckets that are remembered between two readings. */
const MOST = 2000;

export class Exemplars {
  readonly #wall: () => number;
  #latest = new Map<number, Exemplar>();

  /** `wall` tells the milliseconds since the epoch. */
  constructor(wall: () => number) {
    this.#wall = wall;
  }

  /** The histogram at `cell` has observed so many milliseconds. */
  note(cell: number, milliseconds: number, traceId: string): void {
    const bucket = cell + bucketOf(milliseconds);
    if (this.#latest.size >= MOST && !this.#latest.has(bucket)) return;
    this.#latest.set(bucket, { traceId, seconds: milliseconds / 1000, at: this.#wall() });
  }

  /** What is new since the last time. */
  take(): ReadonlyMap<number, Exemplar> {
    const taken = this.#latest;
    if (taken.size > 0) this.#latest = new Map();
    return taken;
  }
}
