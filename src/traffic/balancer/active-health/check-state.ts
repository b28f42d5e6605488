// What a row of health checks makes of one endpoint: healthy, unhealthy, or not known yet.
// Pure: results come in one by one; it starts no check and keeps no time.

export interface Thresholds {
  /** Failed checks in a row that take an endpoint out. */
  readonly unhealthyThreshold: number;
  /** Good checks in a row that bring it back. */
  readonly healthyThreshold: number;
  /** Takes no request before its first good check. */
  readonly initiallyUnhealthy?: boolean;
}

export interface CheckState {
  /** `pending`: not known yet, and not to be used until it is. */
  readonly health: 'healthy' | 'unhealthy' | 'pending';
  /** Results in a row that speak against `health`. */
  readonly against: number;
}

export function initialCheckState(thresholds: Thresholds): CheckState {
  return { health: thresholds.initiallyUnhealthy === true ? 'pending' : 'healthy', against: 0 };
}

/**
 * The state after one more result. A first good check counts at once, whatever the threshold: nothing speaks against
 * an endpoint that has only just come (as in Envoy). One that has never passed stays pending, however often it fails.
 */
export function afterCheck(state: CheckState, good: boolean, thresholds: Thresholds): CheckState {
  const { health } = state;
  if (good === (health === 'healthy')) return { health, against: 0 };
  if (health === 'pending' && good) return { health: 'healthy', against: 0 };
  const against = state.against + 1;
  const needed = good ? thresholds.healthyThreshold : thresholds.unhealthyThreshold;
  if (against < Math.max(1, needed)) return { health, against };
  return { health: good ? 'healthy' : 'unhealthy', against: 0 };
}

/** Milliseconds to the next check: the interval, shortened or lengthened by up to `jitterPercent` of it at random. */
export function nextCheckIn(interval: number, jitterPercent: number, random: () => number): number {
  const share = (Math.min(100, Math.max(0, jitterPercent)) / 100) * (2 * random() - 1);
  return Math.max(1, interval * (1 + share));
}
