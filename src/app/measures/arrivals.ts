// How many requests come a second, as of now: over the whole window, unless the last seconds had more than chance explains.
// Pure; knows two counts and how long each took.

export interface Arrivals {
  readonly count: number;
  readonly seconds: number;
}

/** Of counts that come by chance, one in thirty thousand is so many standard deviations above what is expected. */
const DEVIATIONS = 4;

/**
 * What `whole` or `recent` says, the latter being the end of the former. A rise shows within `recent`, so that nobody
 * waits until the window is full of it; noise, and a fall, are those of the window. Both last longer than nothing.
 */
export function ratedBy(whole: Arrivals, recent: Arrivals): Arrivals {
  const before = whole.seconds - recent.seconds;
  if (before <= 0) return whole;
  const expected = (Math.max(0, whole.count - recent.count) / before) * recent.seconds;
  return recent.count > expected + DEVIATIONS * Math.sqrt(Math.max(1, expected)) ? recent : whole;
}
