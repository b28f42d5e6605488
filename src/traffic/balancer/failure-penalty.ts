// What failures of a target count for, as milliseconds: little for one now and then, much for one after the other.
// Shared by the policies that weigh latency; knows no target and keeps no clock.

/** Share of one outcome in the share of failures: sixteen in a row are most of it. */
const WEIGHT = 1 / 16;

/** A `Retry-After` beyond this is not believed. */
const MAX_RETRY_AFTER_MS = 300_000;

/**
 * A failure by accident, as any fleet has them, adds what one more request in flight does: it must not drive a fleet's
 * load onto those that have not failed of late. With the share of failures the penalty grows by its third power, so that
 * after three in a row a target looks dozens of times as slow, and soon as slow as `penaltyMs`. What has been added
 * decays with time, so that the target is tried again; if it fails again it is back where it was at once.
 */
export class FailurePenalty {
  readonly #decayMs: number;
  #failures = 0;
  #value = 0;
  #at = 0;

  constructor(decayMs: number) {
    this.#decayMs = decayMs;
  }

  succeeded(): void {
    this.#failures -= this.#failures * WEIGHT;
  }

  /** `usualMs` is what answers of the fleet take, `penaltyMs` what one failure after the other comes to. */
  failed(usualMs: number, penaltyMs: number, retryAfterMs: number, now: number): void {
    this.#failures += (1 - this.#failures) * WEIGHT;
    const grown = Math.min(penaltyMs, usualMs * (this.#failures / WEIGHT) ** 3);
    this.#value = Math.max(this.at(now), grown, Math.min(MAX_RETRY_AFTER_MS, retryAfterMs));
    this.#at = now;
  }

  /** Milliseconds to be added to the target's latency. */
  at(now: number): number {
    if (this.#value === 0) return 0;
    return this.#value * Math.exp(-Math.max(0, now - this.#at) / this.#decayMs);
  }
}
