// Time as a value that is passed in: the system's clock, or one that a test moves by hand.
// Knows nothing of who waits, or why.

/** Cancels a timer; calling it twice is harmless. */
export type Cancel = () => void;

/** All times are milliseconds. */
export interface Clock {
  /** Wall time since the Unix epoch; may step backwards. */
  wall(): number;
  /** Monotonic time from an arbitrary origin; never steps backwards. */
  now(): number;
  /** Calls `fn` once after `ms`. The timer does not keep the process alive. */
  after(ms: number, fn: () => void): Cancel;
  /** Calls `fn` every `ms` until cancelled. The timer does not keep the process alive. */
  every(ms: number, fn: () => void): Cancel;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  now: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(ms, fn) {
    const timer = setInterval(fn, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

interface Pending {
  readonly id: number;
  readonly due: number;
  readonly fn: () => void;
}

/** A clock that moves only when `advance` is called; due timers run in order of their due time. */
export class FakeClock implements Clock {
  #wall: number;
  #now = 0;
  #nextId = 0;
  #pending: Pending[] = [];

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  wall(): number {
    return this.#wall;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): Cancel {
    const id = this.#nextId++;
    this.#pending.push({ id, due: this.#now + Math.max(0, ms), fn });
    return () => {
      this.#pending = this.#pending.filter((timer) => timer.id !== id);
    };
  }

  every(ms: number, fn: () => void): Cancel {
    let cancel: Cancel = () => {};
    const arm = (): void => {
      cancel = this.after(ms, () => {
        arm();
        fn();
      });
    };
    arm();
    return () => cancel();
  }

  /** Moves time on by `ms`, running every timer that falls due on the way. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      const next = this.#pending.filter((timer) => timer.due <= target).sort((a, b) => a.due - b.due || a.id - b.id)[0];
      if (next === undefined) break;
      this.#pending = this.#pending.filter((timer) => timer.id !== next.id);
      this.#wall += next.due - this.#now;
      this.#now = next.due;
      next.fn();
    }
    this.#wall += target - this.#now;
    this.#now = target;
  }
}
