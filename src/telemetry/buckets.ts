// The fixed latency buckets of every histogram: each twice as wide as the one before.
// Pure numbers; knows nothing of who observes what.

/** Upper bound of the first bucket in microseconds. */
const FIRST = 125;
/** Finite buckets: 125 µs to 65.5 s. The cell behind them counts everything slower. */
export const FINITE_BUCKETS = 20;

/** Upper bounds in seconds, as Prometheus prints them in `le`. */
export const bucketBounds: readonly number[] = Array.from({ length: FINITE_BUCKETS }, (_, i) => (FIRST * 2 ** i) / 1e6);

/** Index of the bucket for a duration in milliseconds; `FINITE_BUCKETS` when it is beyond the last bound. */
export function bucketOf(milliseconds: number): number {
  const steps = Math.ceil((milliseconds * 1000) / FIRST);
  if (steps <= 1) return 0;
  if (steps > 2 ** (FINITE_BUCKETS - 1)) return FINITE_BUCKETS;
  return 32 - Math.clz32(steps - 1);
}
