// Whether the main thread still gets to anything: one that stands still for good follows no change any more.
// Knows a counter and a clock; what silence means is for others.
import type { Cancel, Clock } from '#lib/clock.ts';

export interface WatchOptions {
  readonly clock: Clock;
  /** A counter that the main thread moves every `BEAT_MS`. */
  readonly beats: () => number;
  /** It stands still, or goes on after that; `ms` is for how long. */
  readonly onFit: (isFit: boolean, ms: number) => void;
}

/** Milliseconds between two beats of the main thread. */
export const BEAT_MS = 500;
/**
 * Milliseconds without one, after which the main thread counts as gone. Many times what the largest compilation of
 * Services takes, since the kernel serves on meanwhile; and short enough that a thread that hangs holds nothing for long.
 */
export const STANDSTILL_MS = 15_000;

export class Watch {
  readonly #options: WatchOptions;
  readonly #stop: Cancel;
  #seen: number;
  #since: number;
  #looked: number;
  #fit = true;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { clock, beats } = options;
    this.#seen = beats();
    this.#since = clock.now();
    this.#looked = clock.now();
    this.#stop = clock.every(BEAT_MS, () => this.#look());
  }

  get isFit(): boolean {
    return this.#fit;
  }

  close(): void {
    this.#stop();
  }

  #look(): void {
    const { clock, beats, onFit } = this.#options;
    const now = clock.now();
    // While this thread stood still too, nobody could have moved the counter: a process that was stopped.
    const own = now - this.#looked - BEAT_MS;
    if (own > BEAT_MS) this.#since += own;
    this.#looked = now;
    const count = beats();
    if (count === this.#seen) {
      if (!this.#fit || now - this.#since < STANDSTILL_MS) return;
      this.#fit = false;
      onFit(false, now - this.#since);
      return;
    }
    const stood = now - this.#since;
    this.#seen = count;
    this.#since = now;
    if (this.#fit) return;
    this.#fit = true;
    onFit(true, stood);
  }
}
