// What pods say of themselves, as metrics of pods: gauges as they are, counters as rates.
// Knows names and readings; who reads is scraper.ts. (Names: as of the usual rules of prometheus-adapter.)
import type { AnyObject } from '../../registry/any-object.ts';
import type { MeasuredValue } from '../measured.ts';
import { type Sample, samplesOf } from './read-exposition.ts';
import type { Reading, Readings, Scraper } from './scraper.ts';

type Matches = (labels: Readonly<Record<string, string>>) => boolean;

const PER_SECOND = '_per_second';
const OF_HISTOGRAM = /^(.+)_(average|p(50|90|95|99))$/;

/** Of each pod, in order; undefined when none of them says anything of this metric. */
export async function scrapedValues(
  scraper: Scraper,
  pods: readonly AnyObject[],
  metric: string,
  matches: Matches,
): Promise<readonly (MeasuredValue | undefined)[] | undefined> {
  const all = await Promise.all(pods.map((pod) => scraper.read(pod)));
  const values = all.map((readings) => readings && measuredBy(readings, metric, matches));
  return values.some((value) => value !== undefined) ? values : undefined;
}

/**
 * `x_per_second` is how fast the counter `x_total` grows, or one that is called `x`; `x_average` and `x_p50` to `x_p99`
 * are of a histogram or a summary `x`, of what it was given between the two readings.
 */
export function measuredBy({ latest, before }: Readings, metric: string, matches: Matches): MeasuredValue | undefined {
  const gauge = sum(latest.text, metric, matches);
  if (gauge !== undefined) return { value: gauge, windowSeconds: 0 };
  if (before === undefined) return undefined;
  const windowSeconds = (latest.at - before.at) / 1000;
  const growth = (counter: string): number | undefined =>
    grown(sum(latest.text, counter, matches), sum(before.text, counter, matches));
  const told = (value: number | undefined): MeasuredValue | undefined =>
    value === undefined ? undefined : { value, windowSeconds };
  if (metric.endsWith(PER_SECOND)) {
    const base = metric.slice(0, -PER_SECOND.length);
    const much = growth(`${base}_total`) ?? growth(base);
    return told(much === undefined ? undefined : much / windowSeconds);
  }
  const [, name = '', part = '', percent] = OF_HISTOGRAM.exec(metric) ?? [];
  if (part === 'average') {
    const count = growth(`${name}_count`);
    // An average of nothing is 0, as that of the gateway's own.
    return told(count === 0 ? 0 : count && (growth(`${name}_sum`) ?? 0) / count);
  }
  return percent === undefined ? undefined : told(quantileOf(latest, before, name, Number(percent) / 100, matches));
}

/** Of the buckets' growth; linear within a bucket, the last finite bound beyond it. (Upstream: histogram_quantile.) */
function quantileOf(
  latest: Reading,
  before: Reading,
  name: string,
  quantile: number,
  matches: Matches,
): number | undefined {
  const now = bucketsOf(latest.text, name, matches);
  if (now.size === 0) return undefined;
  const then = bucketsOf(before.text, name, matches);
  const buckets = [...now].map(([bound, count]) => ({ bound, count: grown(count, then.get(bound)) ?? 0 }));
  buckets.sort((a, b) => a.bound - b.bound);
  const rank = (buckets.at(-1)?.count ?? 0) * quantile;
  if (rank === 0) return 0;
  let low = { bound: 0, count: 0 };
  for (const high of buckets) {
    if (high.count >= rank) {
      if (high.bound === Number.POSITIVE_INFINITY) return low.bound;
      return low.bound + ((high.bound - low.bound) * (rank - low.count)) / (high.count - low.count);
    }
    low = high;
  }
  return low.bound;
}

/** Counts of all series together, by upper bound. */
function bucketsOf(text: string, name: string, matches: Matches): Map<number, number> {
  const all = new Map<number, number>();
  for (const { labels, value } of samplesOf(text, `${name}_bucket`)) {
    const { le = '', ...rest } = labels;
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    if (le !== '' && !Number.isNaN(bound) && matches(rest)) all.set(bound, (all.get(bound) ?? 0) + value);
  }
  return all;
}

/** A counter that went back has begun anew; one that has come meanwhile began with nothing. */
function grown(now: number | undefined, then = 0): number | undefined {
  return now === undefined ? undefined : now < then ? now : now - then;
}

function sum(text: string, name: string, matches: Matches): number | undefined {
  const samples = samplesOf(text, name).filter(({ labels }: Sample) => matches(labels));
  return samples.length === 0 ? undefined : samples.reduce((total, { value }) => total + value, 0);
}
