// The timers of a worker: a coarse one that looks at everything, and a wheel for the few deadlines that are near.
// Knows nothing of what it times; deadlines fire late by a tick at most, and never early.

import type { Cancel, Clock } from '#lib/clock.ts';

export interface Timed {
  /** Called every tick with the monotonic time in milliseconds; compares it with its own deadlines. */
  onTick(now: number): void;
}

/** Milliseconds between two ticks: how late a time-out may fire. */
export const TICK = 250;

/** Milliseconds a slot of the wheel spans: how late a near deadline may fire. */
const SLOT = 10;
const SLOTS = 128;
/** Deadlines closer than this are near: a tick would be a large part of them. */
export const NEAR = 1000;

export class Sweeper {
  readonly #timed = new Set<Timed>();
  readonly #clock: Clock;
  readonly #wheel: Timed[][] = [];
  /** Slot that was looked at last, counted from the beginning of time. */
  #turned = 0;
  #waiting = 0;
  #cancelWheel: Cancel | undefined;
  readonly #cancel: Cancel;

  constructor(clock: Clock) {
    this.#clock = clock;
    for (let slot = 0; slot < SLOTS; slot++) this.#wheel.push([]);
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

  /** Calls `timed.onTick` once at the deadline `at`, at most `NEAR` away. A deadline that moves need not be taken back. */
  soon(timed: Timed, at: number): void {
    if (this.#cancelWheel === undefined) {
      this.#turned = Math.floor(this.#clock.now() / SLOT);
      this.#cancelWheel = this.#clock.every(SLOT, () => this.#turn());
    }
    // A slot is looked at once all of it has passed.
    const slot = Math.max(Math.ceil(at / SLOT), this.#turned + 1);
    (this.#wheel[slot % SLOTS] as Timed[]).push(timed);
    this.#waiting++;
  }

  #turn(): void {
    const now = this.#clock.now();
    const last = Math.floor(now / SLOT);
    // After a long stall every slot is due, each once.
    const first = Math.max(this.#turned + 1, last - SLOTS + 1);
    for (let slot = first; slot <= last; slot++) {
      const due = this.#wheel[slot % SLOTS] as Timed[];
      if (due.length === 0) continue;
      this.#wheel[slot % SLOTS] = [];
      this.#waiting -= due.length;
      for (const timed of due) timed.onTick(now);
    }
    this.#turned = last;
    // Whoever was called may have set the next deadline: the wheel that turns already is the only one.
    if (this.#waiting > 0) return;
    this.#cancelWheel?.();
    this.#cancelWheel = undefined;
  }

  stop(): void {
    this.#cancel();
    this.#cancelWheel?.();
    this.#timed.clear();
  }
}
