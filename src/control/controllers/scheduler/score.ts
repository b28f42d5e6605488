// Which of the nodes that fit is the best: the one that is left emptiest, then the one with fewest of the pod's siblings.
// Pure; upstream: NodeResourcesLeastAllocated and the default PodTopologySpread.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { controllerOf } from '../common/owners.ts';
import type { NodeState } from './fits.ts';
import { add, amounts, scoringRequests } from './requests.ts';

/** Mean free share of cpu and memory with the pod on it, 0 to 100; higher is better. */
export function leastAllocated(pod: Pod, { node, pods }: NodeState): number {
  const allocatable = amounts(node.status?.allocatable);
  const used = [...pods, pod].map(scoringRequests).reduce(add, {});
  const scores = ['cpu', 'memory'].map((name) => {
    const total = allocatable[name] ?? 0;
    return total <= 0 ? 0 : Math.max(0, Math.floor(((total - (used[name] ?? 0)) * 100) / total));
  });
  return Math.floor(scores.reduce((sum, score) => sum + score, 0) / scores.length);
}

/** Pods of the same controller that stand on the node already. */
export function siblings(pod: Pod, { pods }: NodeState): number {
  const uid = controllerOf(pod)?.uid;
  return uid === undefined ? 0 : pods.filter((other) => controllerOf(other)?.uid === uid).length;
}

/** The best of `states`, which must not be empty. Spreading siblings weighs more than a few percent of free space. */
export function best(pod: Pod, states: readonly NodeState[], random: () => number): NodeState {
  const scored = states.map((state) => ({
    state,
    score: leastAllocated(pod, state) - 20 * siblings(pod, state),
    // Equal nodes take turns by chance rather than by name.
    tie: random(),
  }));
  scored.sort((a, b) => b.score - a.score || a.tie - b.tie);
  const first = scored[0];
  if (first === undefined) throw new Error('A node can only be chosen out of at least one');
  return first.state;
}
