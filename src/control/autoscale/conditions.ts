// Conditions of an autoscaler, and how a new state of one goes into the list.
// Knows no API; times are texts that are handed in. (Upstream: setConditionInList in horizontal.go.)

export interface Condition {
  /** All but `Forecasting` are upstream's. */
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited' | 'ScaledToZero' | 'Forecasting';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface TimedCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** Each keeps its place; the time changes with the status only, reason and message always. */
export function withConditions(
  current: readonly TimedCondition[],
  changes: readonly Condition[],
  now: string,
): TimedCondition[] {
  const next = [...current];
  for (const { type, status, reason, message } of changes) {
    const place = next.findIndex((condition) => condition.type === type);
    const before = next[place];
    const since = before?.status === status ? before.lastTransitionTime : now;
    const made = { type, status, ...(since === undefined ? {} : { lastTransitionTime: since }), reason, message };
    if (place < 0) next.push(made);
    else next[place] = made;
  }
  return next;
}
