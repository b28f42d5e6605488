// How long a target needs, as its last answers tell: up fast, down slowly.
// Knows no target and keeps no clock; times are monotonic milliseconds.

/** Below this, differences are noise, and a count of requests in flight must still weigh something. */
const MIN_MS = 0.1;

/**
 * What one answer may make of an estimate. A target that has become slow shows it in every answer, and is out of the
 * way after a few; one request that was slow by itself must not drive a fleet's load onto the other targets for as long
 * as a peak takes to decay.
 */
const MAX_RISE = 2;

export class PeakEstimate {
  readonly #decayMs: number;
  #value: number;
  #at: number | undefined;
  /** When it last rose. */
  #rose = Number.NEGATIVE_INFINITY;

  /** Without a `now` it does not decay before `start` or the first answer. */
  constructor(initialMs: number, decayMs: number, now?: number) {
    this.#decayMs = decayMs;
    this.#value = initialMs;
    this.#at = now;
  }

  /** Begins to decay, unless it has begun. */
  start(now: number): void {
    this.#at ??= now;
  }

  /**
   * An answer slower than the estimate counts at once, up to twice the estimate; a faster one pulls it down by the time
   * that has passed since the last, so that a burst of fast answers cannot wipe out a peak. Requests that were under way
   * when the estimate rose tell the same story again (a pod that starts cold, a pause of its collector): they do not
   * double it once more.
   */
  observe(latencyMs: number, now: number): void {
    const kept = this.#kept(now);
    if (latencyMs <= this.#value) {
      this.#value = this.#value * kept + latencyMs * (1 - kept);
    } else if (now - latencyMs >= this.#rose) {
      this.#value = Math.min(latencyMs, MAX_RISE * Math.max(MIN_MS, this.#value));
      this.#rose = now;
    }
    this.#at = Math.max(this.#at ?? now, now);
  }

  /** An attempt that failed after this long: slow when it was slow, but never fast. */
  observeFailure(elapsedMs: number, now: number): void {
    if (elapsedMs > this.at(now)) this.observe(elapsedMs, now);
  }

  /** Decays while nothing is heard, so that whoever was slow is tried again. */
  at(now: number): number {
    return Math.max(MIN_MS, this.#value * this.#kept(now));
  }

  #kept(now: number): number {
    return this.#at === undefined || now <= this.#at ? 1 : Math.exp((this.#at - now) / this.#decayMs);
  }
}
