// What was counted within the last seconds, out of counters that only grow: rates, shares and quantiles.
// Pure; knows nothing of what is counted or who counts.
import { bucketBounds, FINITE_BUCKETS } from './buckets.ts';

/** Of one series, since its beginning. */
export interface Counts {
  readonly events: number;
  /** Of these, those that went wrong. */
  readonly failed: number;
  /** Durations: the finite buckets and the one beyond, as in a histogram; empty where none are measured. */
  readonly buckets: readonly number[];
  /** Sum of the durations. */
  readonly seconds: number;
  /** Begun and not ended yet; between two readings: how many more there are, or fewer. */
  readonly open: number;
}

export type CountsBySeries = ReadonlyMap<string, Counts>;

const NOTHING: Counts = { events: 0, failed: 0, buckets: [], seconds: 0, open: 0 };

interface Reading {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly counts: CountsBySeries;
}

/** Holds as many readings as fit into its window, and one from before it. */
export class CountWindow {
  readonly #windowMs: number;
  #readings: Reading[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(at: number, counts: CountsBySeries): void {
    const first = this.#readings.findLastIndex((reading) => reading.at <= at - this.#windowMs);
    this.#readings = [...this.#readings.slice(Math.max(0, first)), { at, counts }];
  }

  /** Time between the ends, in seconds; 0 while there are not two readings. `lastMs`: of this latest part alone. */
  seconds(lastMs = Number.POSITIVE_INFINITY): number {
    const [first, last] = this.#ends(lastMs);
    return first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000;
  }

  forget(): void {
    this.#readings = [];
  }

  /** What the series that `belongs` have counted between the ends, together. */
  within(belongs: (series: string) => boolean, lastMs = Number.POSITIVE_INFINITY): Counts {
    const [first, last] = this.#ends(lastMs);
    let sum = NOTHING;
    if (first === undefined || last === undefined || first === last) return sum;
    for (const [series, now] of last.counts) {
      if (belongs(series)) sum = plus(sum, since(now, first.counts.get(series)));
    }
    return sum;
  }

  /** The part is never shorter than it says, unless nothing older is known. */
  #ends(lastMs: number): readonly [Reading | undefined, Reading | undefined] {
    const last = this.#readings.at(-1);
    const from = (last?.at ?? 0) - lastMs;
    return [this.#readings.findLast(({ at }) => at <= from) ?? this.#readings[0], last];
  }
}

/** A counter that is lower than before has begun anew. */
function since(now: Counts, before: Counts | undefined): Counts {
  if (before === undefined || now.events < before.events) return now;
  return {
    open: now.open - before.open,
    events: now.events - before.events,
    failed: Math.max(0, now.failed - before.failed),
    buckets: now.buckets.map((count, at) => Math.max(0, count - (before.buckets[at] ?? 0))),
    seconds: Math.max(0, now.seconds - before.seconds),
  };
}

function plus(a: Counts, b: Counts): Counts {
  const buckets = a.buckets.length === 0 ? b.buckets : a.buckets.map((count, at) => count + (b.buckets[at] ?? 0));
  return {
    events: a.events + b.events,
    failed: a.failed + b.failed,
    buckets,
    seconds: a.seconds + b.seconds,
    open: a.open + b.open,
  };
}

/** The duration, in seconds, within which the share `q` (0 to 1) of the events lay; 0 for none. Even within a bucket. */
export function quantile(buckets: readonly number[], q: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  const rank = q * total;
  let below = 0;
  for (const [at, count] of buckets.entries()) {
    if (below + count >= rank && count > 0) {
      // Nobody knows how far beyond the last bound these were.
      if (at >= FINITE_BUCKETS) break;
      const from = at === 0 ? 0 : (bucketBounds[at - 1] ?? 0);
      const to = bucketBounds[at] ?? 0;
      return from + ((to - from) * (rank - below)) / count;
    }
    below += count;
  }
  return bucketBounds.at(-1) ?? 0;
}
