// What samples of memory say: the level early and late, and the line through them.
// Pure; knows nothing of where samples come from.

import { median, slope } from '../lib/statistics.ts';

export interface Trend {
  /** Medians of the first and of the last third, in bytes. */
  readonly first: number;
  readonly last: number;
  readonly bytesPerSecond: number;
}

export function trend(samples: readonly (readonly [seconds: number, bytes: number])[]): Trend {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const bytes = samples.map(([, size]) => size);
  return { first: median(bytes.slice(0, third)), last: median(bytes.slice(-third)), bytesPerSecond: slope(samples) };
}
