// How long a target needs, as its last answers tell: up at once, down slowly.
// Knows no target and keeps no clock; times are monotonic milliseconds.

/** Below this, differences are noise, and a count of requests in flight must still weigh something. */
const MIN_MS = 0.1;

export class PeakEstimate {
  readonly #decayMs: number;
  #value: number;
  #at: number;

  constructor(initialMs: number, decayMs: number, now: number) {
    this.#decayMs = decayMs;
    this.#value = initialMs;
    this.#at = now;
  }

  /**
   * An answer slower than the estimate counts whole and at once; a faster one pulls it down by the time that has
   * passed since the last, so that a burst of fast answers cannot wipe out a peak.
   */
  observe(latencyMs: number, now: number): void {
    const kept = this.#kept(now);
    this.#value = latencyMs > this.#value ? latencyMs : this.#value * kept + latencyMs * (1 - kept);
    this.#at = Math.max(this.#at, now);
  }

  /** Decays while nothing is heard, so that whoever was slow is tried again. */
  at(now: number): number {
    return Math.max(MIN_MS, this.#value * this.#kept(now));
  }

  /** The same down to nothing, for penalties that end. */
  excess(now: number): number {
    const value = this.#value * this.#kept(now);
    return value < MIN_MS ? 0 : value;
  }

  #kept(now: number): number {
    return now <= this.#at ? 1 : Math.exp((this.#at - now) / this.#decayMs);
  }
}
