// When each request of a load is meant to start, whatever shape the load has.
// Pure: no clock and no requests, only arithmetic.

export interface Schedule {
  /** Requests in all. */
  readonly total: number;
  /** Milliseconds from the start to the end of the load, which may be after the last request. */
  readonly durationMs: number;
  /** Milliseconds from the start at which request `index` (from 0) is meant to leave. */
  startOf(index: number): number;
  /** How many requests are meant to have left by `elapsedMs`. */
  dueBy(elapsedMs: number): number;
}

/** The load at a moment; between two knots the rate changes evenly. */
export interface Knot {
  readonly atMs: number;
  /** Requests a second. */
  readonly rate: number;
}

/** `rate` requests a second, evenly spaced, for `durationMs`; at least one. */
export function constantRate(rate: number, durationMs: number): Schedule {
  const total = Math.max(1, Math.round((rate * durationMs) / 1000));
  return {
    total,
    durationMs,
    startOf: (index) => (index * 1000) / rate,
    dueBy: (elapsedMs) => (elapsedMs < 0 ? 0 : Math.min(total, Math.floor((elapsedMs * rate) / 1000) + 1)),
  };
}

/** What rounding may take from a sum of many thousand requests. */
const TOLERANCE = 1e-6;

/**
 * A rate that changes along `knots`, which are in order of time, the first at 0; two knots at one moment are a step.
 * Request n leaves when the rate has added up to n; at least one request leaves.
 */
export function varyingRate(knots: readonly Knot[]): Schedule {
  const sums = [0];
  for (let i = 1; i < knots.length; i++) {
    const [before, after] = [knots[i - 1] as Knot, knots[i] as Knot];
    sums.push((sums[i - 1] as number) + ((after.atMs - before.atMs) * (before.rate + after.rate)) / 2000);
  }
  const durationMs = knots.at(-1)?.atMs ?? 0;
  const total = Math.max(1, Math.round((sums.at(-1) as number) - TOLERANCE));
  const startOf = (index: number): number => {
    const nth = lastAtMost(sums, index);
    const [from, to] = [knots[nth], knots[nth + 1]];
    if (from === undefined || to === undefined) return durationMs;
    const rate = from.rate / 1000;
    const change = (to.rate - from.rate) / 1000 / (to.atMs - from.atMs);
    const left = index - (sums[nth] as number);
    // The root of left = rate*x + change*x^2/2, in the form that also holds where the change is 0.
    const x = left === 0 ? 0 : (2 * left) / (rate + Math.sqrt(Math.max(0, rate * rate + 2 * change * left)));
    return Math.min(to.atMs, from.atMs + x);
  };
  return {
    total,
    durationMs,
    startOf,
    dueBy(elapsedMs) {
      if (elapsedMs < 0) return 0;
      if (elapsedMs >= durationMs) return total;
      const nth = lastAtMost(knots, elapsedMs, ({ atMs }) => atMs);
      const [from, to] = [knots[nth] as Knot, knots[nth + 1] as Knot];
      const x = elapsedMs - from.atMs;
      const change = (to.rate - from.rate) / (to.atMs - from.atMs);
      let due = Math.min(total, Math.floor((sums[nth] as number) + (x * (from.rate + (change * x) / 2)) / 1000));
      // The sum is a guess, by rounding and where the rate is 0 for a while: `startOf` decides, so that none leaves early.
      while (due > 0 && startOf(due - 1) > elapsedMs) due--;
      while (due < total && startOf(due) <= elapsedMs) due++;
      return due;
    },
  };
}

/** Requests that leave when others have left before; `times` are milliseconds from the start, in order. */
export function recordedTimes(times: readonly number[]): Schedule {
  return {
    total: times.length,
    durationMs: times.at(-1) ?? 0,
    startOf: (index) => times[index] ?? 0,
    dueBy: (elapsedMs) => lastAtMost(times, elapsedMs) + 1,
  };
}

/** Index of the last value that is not above `limit`; -1 when all are. */
function lastAtMost<T>(values: readonly T[], limit: number, of: (value: T) => number = Number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (of(values[middle] as T) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
