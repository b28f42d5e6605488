// Which evictions would break a PodDisruptionBudget.
// Pure; upstream: defaultpreemption, filterPodsWithPDBViolation.
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { labelSelectorQuery } from '#kube/api/selector.ts';
import type { PodInfo } from '../state/pod-info.ts';

/** Splits `pods`, in their order: each takes from what its budgets allow, and the ones beyond break them. */
export function splitByBudgets(
  pods: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): { breaking: PodInfo[]; within: PodInfo[] } {
  const left = budgets.map((budget) => ({
    budget,
    query: budget.spec?.selector === undefined ? undefined : labelSelectorQuery(budget.spec.selector),
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }));
  const breaking: PodInfo[] = [];
  const within: PodInfo[] = [];
  for (const pod of pods) {
    let breaks = false;
    for (const each of left) {
      const { budget, query } = each;
      if (budget.metadata?.namespace !== pod.namespace || query === undefined || query.empty) continue;
      if (!query.matches(pod.labels)) continue;
      // Its eviction is counted already.
      if (budget.status?.disruptedPods?.[pod.pod.metadata?.name ?? ''] !== undefined) continue;
      each.allowed -= 1;
      if (each.allowed < 0) breaks = true;
    }
    (breaks ? breaking : within).push(pod);
  }
  return { breaking, within };
}
