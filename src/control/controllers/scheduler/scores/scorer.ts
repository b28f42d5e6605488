// What a scorer is: it looks at the pod and the cluster once, and then says how much each node suits, 0 to 100.
// Pure; knows no scorer.
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';

export const MAX_SCORE = 100;

export interface Scorer {
  readonly name: string;
  /** Upstream's default. */
  readonly weight: number;
  /** Scores of `nodes`, in their order; undefined when all nodes are the same to it. `nodes` all pass the filters. */
  score(pod: PodInfo, nodes: readonly NodeInfo[], cluster: ClusterView): readonly number[] | undefined;
}

/** Stretches counts so that the largest becomes 100; `reverse` for counts of what is bad. Upstream: DefaultNormalizeScore. */
export function normalized(counts: readonly number[], reverse = false): number[] {
  const largest = Math.max(0, ...counts);
  if (largest === 0) return counts.map(() => (reverse ? MAX_SCORE : 0));
  return counts.map((count) => {
    const score = Math.floor((count * MAX_SCORE) / largest);
    return reverse ? MAX_SCORE - score : score;
  });
}
