// Finds the endpoints of an interval that stand out from their siblings: by success rate, and by latency.
// Pure arithmetic over one interval's sums; who is ejected in the end is decided elsewhere.
import type { OutlierSettings } from './settings.ts';

/** What one endpoint did in one interval. */
export interface Sample {
  readonly key: string;
  readonly requests: number;
  readonly failures: number;
  /** Sum over the answered requests. */
  readonly latencyMs: number;
}

/** Answered requests below which a mean latency is chance. */
const LATENCY_VOLUME = 10;
/** Fewer endpoints than this have no "others" to be compared with. */
const LATENCY_HOSTS = 3;

/**
 * Keys whose success rate lies more than `successRateStdevFactor` thousandths of a standard deviation below the mean
 * of all endpoints with enough requests. Source: Envoy, outlier detection, success rate.
 */
export function successRateOutliers(samples: readonly Sample[], settings: OutlierSettings): readonly string[] {
  if (settings.successRateStdevFactor === 0) return [];
  const known = samples.filter(({ requests }) => requests > 0 && requests >= settings.successRateRequestVolume);
  if (known.length === 0 || known.length < settings.successRateMinimumHosts) return [];
  const rates = known.map(({ requests, failures }) => (requests - failures) / requests);
  const mean = sum(rates) / rates.length;
  const deviation = Math.sqrt(sum(rates.map((rate) => (rate - mean) ** 2)) / rates.length);
  const floor = mean - (settings.successRateStdevFactor / 1000) * deviation;
  return known.filter((_, place) => (rates[place] ?? 1) < floor).map(({ key }) => key);
}

/** Keys whose mean latency is `latencyFactor` times the median of the others' means, and at least `latencyMinimumMs`. */
export function latencyOutliers(samples: readonly Sample[], settings: OutlierSettings): readonly string[] {
  if (settings.latencyFactor === 0) return [];
  const known = samples
    .map(({ key, requests, failures, latencyMs }) => ({ key, answered: requests - failures, latencyMs }))
    .filter(({ answered }) => answered >= LATENCY_VOLUME)
    .map(({ key, answered, latencyMs }) => ({ key, mean: latencyMs / answered }))
    .sort((a, b) => a.mean - b.mean);
  if (known.length < LATENCY_HOSTS) return [];
  return known
    .filter(({ mean }, place) => {
      if (mean < settings.latencyMinimumMs) return false;
      return mean > settings.latencyFactor * medianWithout(known, place);
    })
    .map(({ key }) => key);
}

/** Median of the sorted means, leaving out the one at `place`. */
function medianWithout(sorted: ReadonlyArray<{ readonly mean: number }>, place: number): number {
  const at = (rank: number): number => sorted[rank < place ? rank : rank + 1]?.mean ?? 0;
  const count = sorted.length - 1;
  const middle = Math.floor(count / 2);
  return count % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
