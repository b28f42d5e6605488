// The fewest pods that must leave a node so that another one fits, as few of them as possible against a budget.
// Pure; evicts nothing. Upstream: defaultpreemption, SelectVictimsOnNode.
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { Checks } from '../filters/index.ts';
import { fits } from '../find-node.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';
import { splitByBudgets } from './budgets.ts';

export interface Candidate {
  readonly node: string;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

/** A candidate, or the reasons why evicting pods of lower priority does not help there. */
export function victimsOn(
  pod: PodInfo,
  node: NodeInfo,
  checks: Checks,
  cluster: ClusterView,
  budgets: readonly PodDisruptionBudget[],
): Candidate | readonly string[] {
  const lower = [...node.pods()].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return ['No preemption victims found for incoming pod'];
  const what = node.clone();
  const leave = (other: PodInfo): void => {
    what.remove(other.key);
    checks.moved(other, node, -1);
  };
  const stay = (other: PodInfo): void => {
    what.add(other);
    checks.moved(other, node, 1);
  };
  for (const other of lower) leave(other);
  const victims: PodInfo[] = [];
  let violations = 0;
  try {
    const refusal = fits(pod, what, checks, cluster);
    if (refusal !== undefined) return refusal.reasons;
    const { breaking, within } = splitByBudgets([...lower].sort(byImportance), budgets);
    const reprieve = (other: PodInfo): boolean => {
      stay(other);
      if (fits(pod, what, checks, cluster) === undefined) return true;
      leave(other);
      victims.push(other);
      return false;
    };
    // Those whose eviction would break a budget have the first chance to stay.
    for (const other of breaking) if (!reprieve(other)) violations += 1;
    for (const other of within) reprieve(other);
  } finally {
    // The checks serve other nodes next.
    const there = new Set(what.pods());
    for (const other of lower) if (!there.has(other)) checks.moved(other, node, 1);
  }
  victims.sort(byImportance);
  return { node: node.name, victims, violations };
}

/** Higher priority first, then what has run longer. */
function byImportance(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  const [since, other] = [startOf(a), startOf(b)];
  if (since !== other) return since < other ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}

/** A pod that has not started counts as started now: after everything. */
export function startOf({ pod }: PodInfo): string {
  return pod.status?.startTime ?? '9999';
}
