// One coarse timer for every time-out of a worker: setting a deadline is one assignment, not a timer.
// Knows nothing of what it times; deadlines fire up to one tick late and never early.

import type { Cancel, Clock } from '#lib/clock.ts';

export interface Timed {
  /** Called every tick with the monotonic time in milliseconds; compares it with its own deadlines. */
  onTick(now: number): void;
}

/** Milliseconds between two ticks: how late a time-out may fire. */
export const TICK = 250;

export class Sweeper {
  readonly #timed = new Set<Timed>();
  readonly #cancel: Cancel;

  constructor(clock: Clock) {
    this.#cancel = clock.every(TICK, () => {
      const now = clock.now();
      // A Set may lose members while it is walked.
      for (const timed of this.#timed) timed.onTick(now);
    });
  }

  add(timed: Timed): void {
    this.#timed.add(timed);
  }

  remove(timed: Timed): void {
    this.#timed.delete(timed);
  }

  stop(): void {
    this.#cancel();
    this.#timed.clear();
  }
}
