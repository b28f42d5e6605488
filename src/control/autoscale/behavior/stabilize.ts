// Holds a change back while what was recommended lately contradicts it.
// Knows recommendations. (Upstream: stabilizeRecommendation and stabilizeRecommendationWithBehaviors.)
import type { History } from './history.ts';

export interface Stabilized {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

const LOWER = 'recent recommendations were lower than current one, applying the lowest recent recommendation';
const HIGHER = 'recent recommendations were higher than current one, applying the highest recent recommendation';
const READY = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };

/** Without behaviour: the most that was recommended within the window, of which both ends count. */
export function stabilizeDown(history: History, desired: number, windowMs: number, now: number): Stabilized {
  const recent = history.recommendations.filter(({ at }) => at >= now - windowMs);
  const replicas = Math.max(desired, ...recent.map((one) => one.replicas));
  if (replicas === desired) return { replicas, ...READY };
  return { replicas, reason: 'ScaleDownStabilized', message: HIGHER };
}

export interface Windows {
  readonly upSeconds: number;
  readonly downSeconds: number;
}

/** With behaviour: the current size, moved into the bounds of what was recommended within either window. */
export function stabilize(
  history: History,
  desired: number,
  current: number,
  windows: Windows,
  now: number,
): Stabilized {
  const within = (seconds: number): number[] =>
    history.recommendations.filter(({ at }) => at > now - seconds * 1000).map((one) => one.replicas);
  const least = Math.min(desired, ...within(windows.upSeconds));
  const most = Math.max(desired, ...within(windows.downSeconds));
  const replicas = Math.min(Math.max(current, least), most);
  if (replicas === desired) return { replicas, ...READY };
  return desired >= current
    ? { replicas, reason: 'ScaleUpStabilized', message: LOWER }
    : { replicas, reason: 'ScaleDownStabilized', message: HIGHER };
}
