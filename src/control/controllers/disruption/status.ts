// The arithmetic of a PodDisruptionBudget. Upstream: pkg/controller/disruption/disruption.go.
// Pure.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1.js';
import { withCondition } from '../common/conditions.ts';
import { isPodReady } from '../common/pods.ts';

/** An eviction that was allowed but did not happen within this time is given back. */
export const EVICTION_TIMEOUT_MS = 2 * 60_000;

/** Percentages of a budget round up, as upstream. */
export function scaled(value: number | string, total: number): number {
  if (typeof value === 'number') return value;
  return Math.ceil((Number(value.replace(/%$/, '')) * total) / 100);
}

/**
 * `expected` is the number of pods there should be, from the scale of their controllers where the budget counts
 * relative to it. `nowMs` is wall time, `timestamp` the same as RFC 3339.
 */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expected: number,
  nowMs: number,
  timestamp: string,
): PodDisruptionBudgetStatus {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const desired =
    maxUnavailable !== undefined
      ? Math.max(0, expected - scaled(maxUnavailable, expected))
      : scaled(minAvailable ?? 1, expected);
  const disruptedPods = stillDisrupted(budget, pods, nowMs);
  const current = pods.filter(
    (pod) =>
      isPodReady(pod) &&
      pod.metadata?.deletionTimestamp === undefined &&
      disruptedPods[pod.metadata?.name ?? ''] === undefined,
  ).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, current - desired);
  const generation = budget.metadata?.generation ?? 0;
  const condition = {
    type: 'DisruptionAllowed',
    status: allowed > 0 ? 'True' : 'False',
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    lastTransitionTime: timestamp,
    observedGeneration: generation,
  };
  return {
    observedGeneration: generation,
    currentHealthy: current,
    desiredHealthy: desired,
    expectedPods: expected,
    disruptionsAllowed: allowed,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    conditions: withCondition(budget.status?.conditions, condition),
  };
}

/** Evictions noted by the API server whose pods are still there and not yet marked; they count as gone already. */
function stillDisrupted(budget: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const pod of pods) {
    const name = pod.metadata?.name ?? '';
    const at = budget.status?.disruptedPods?.[name];
    if (at === undefined || pod.metadata?.deletionTimestamp !== undefined) continue;
    if (Date.parse(at) + EVICTION_TIMEOUT_MS > nowMs) kept[name] = at;
  }
  return kept;
}
