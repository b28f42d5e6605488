// What an autoscaler remembers: what it would have done lately, and what it has done.
// Immutable; times are monotonic milliseconds. (Upstream: recommendations, scaleUpEvents, scaleDownEvents.)
import type { FullRules } from './rules.ts';

export interface Recommendation {
  readonly replicas: number;
  readonly at: number;
}

export interface ScaleEvent {
  /** Pods added or taken, always positive. */
  readonly change: number;
  readonly at: number;
}

export interface History {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleEvent[];
  readonly downs: readonly ScaleEvent[];
}

/** What is there at first counts as recommended: a controller that just started must not shrink what was needed. */
export function initialHistory(current: number, now: number): History {
  return { recommendations: [{ replicas: current, at: now }], ups: [], downs: [] };
}

/** Forgets what has left every window of `keepMs`. */
export function withRecommendation(history: History, made: Recommendation, keepMs: number): History {
  const recent = history.recommendations.filter(({ at }) => at >= made.at - keepMs);
  return { ...history, recommendations: [...recent, made] };
}

/** A change of nothing is none. */
export function withChange(
  history: History,
  from: number,
  to: number,
  rules: { readonly up: FullRules; readonly down: FullRules },
  now: number,
): History {
  if (to === from) return history;
  const isUp = to > from;
  const { policies } = isUp ? rules.up : rules.down;
  const keepMs = 1000 * Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds));
  const events = (isUp ? history.ups : history.downs).filter(({ at }) => at >= now - keepMs);
  const next = [...events, { change: Math.abs(to - from), at: now }];
  return isUp ? { ...history, ups: next } : { ...history, downs: next };
}

/** Pods of the events within the last `periodSeconds`; one that is exactly so old is outside. */
export function changedWithin(events: readonly ScaleEvent[], periodSeconds: number, now: number): number {
  const since = now - periodSeconds * 1000;
  return events.reduce((sum, { change, at }) => (at > since ? sum + change : sum), 0);
}
