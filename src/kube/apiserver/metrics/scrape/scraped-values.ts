// What pods say of themselves, as metrics of pods: gauges as they are, counters as rates.
// Knows names and readings; who reads is scraper.ts. (Names: as of the usual rules of prometheus-adapter.)
import type { AnyObject } from '../../registry/any-object.ts';
import type { MeasuredValue } from '../measured.ts';
import { type Sample, samplesOf } from './read-exposition.ts';
import type { Readings, Scraper } from './scraper.ts';

type Matches = (labels: Readonly<Record<string, string>>) => boolean;

const PER_SECOND = '_per_second';

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

/** `x_per_second` is how fast the counter `x_total` grows, or one that is called `x`. */
export function measuredBy({ latest, before }: Readings, metric: string, matches: Matches): MeasuredValue | undefined {
  const gauge = sum(latest.text, metric, matches);
  if (gauge !== undefined) return { value: gauge, windowSeconds: 0 };
  if (!metric.endsWith(PER_SECOND) || before === undefined) return undefined;
  const base = metric.slice(0, -PER_SECOND.length);
  for (const counter of [`${base}_total`, base]) {
    const now = sum(latest.text, counter, matches);
    if (now === undefined) continue;
    const then = sum(before.text, counter, matches) ?? 0;
    const seconds = (latest.at - before.at) / 1000;
    // A counter that went back has begun anew.
    return { value: (now < then ? now : now - then) / seconds, windowSeconds: seconds };
  }
  return undefined;
}

function sum(text: string, name: string, matches: Matches): number | undefined {
  const samples = samplesOf(text, name).filter(({ labels }: Sample) => matches(labels));
  return samples.length === 0 ? undefined : samples.reduce((total, { value }) => total + value, 0);
}
