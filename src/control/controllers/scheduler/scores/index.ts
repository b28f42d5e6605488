// All scorers, and the sum that decides between nodes that all would do.
// Pure; chance decides only between equals.
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';
import { nodeAffinity } from './node-affinity.ts';
import { podAffinity } from './pod-affinity.ts';
import { balanced, leastAllocated } from './resources.ts';
import type { Scorer } from './scorer.ts';
import { spread } from './spread.ts';
import { taints } from './taints.ts';

/** With upstream's weights. Not among them: ImageLocality, as images here are commands or on the machine already. */
const scorers: readonly Scorer[] = [taints, nodeAffinity, spread, podAffinity, leastAllocated, balanced];

/** Weighted sums, in the order of the nodes. */
export function scoreNodes(pod: PodInfo, nodes: readonly NodeInfo[], cluster: ClusterView): number[] {
  const sums = nodes.map(() => 0);
  for (const { weight, score } of scorers) {
    score(pod, nodes, cluster)?.forEach((value, i) => {
      sums[i] = (sums[i] ?? 0) + weight * value;
    });
  }
  return sums;
}

/** The best of `nodes`, which must not be empty. */
export function best(pod: PodInfo, nodes: readonly NodeInfo[], cluster: ClusterView, random: () => number): NodeInfo {
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('A node can only be chosen out of at least one');
  if (others.length === 0) return first;
  const scores = scoreNodes(pod, nodes, cluster);
  const high = Math.max(...scores);
  const equals = nodes.filter((_node, i) => scores[i] === high);
  return equals[Math.floor(random() * equals.length)] ?? first;
}
