// When each request of a constant-rate load is meant to start.
// Pure: no clock and no requests, only arithmetic.

export interface Schedule {
  /** Requests in all. */
  readonly total: number;
  /** Milliseconds from the start at which request `index` (from 0) is meant to leave. */
  startOf(index: number): number;
  /** How many requests are meant to have left by `elapsedMs`. */
  dueBy(elapsedMs: number): number;
}

/** `rate` requests a second, evenly spaced, for `durationMs`; at least one. */
export function constantRate(rate: number, durationMs: number): Schedule {
  const total = Math.max(1, Math.round((rate * durationMs) / 1000));
  return {
    total,
    startOf: (index) => (index * 1000) / rate,
    dueBy: (elapsedMs) => (elapsedMs < 0 ? 0 : Math.min(total, Math.floor((elapsedMs * rate) / 1000) + 1)),
  };
}
