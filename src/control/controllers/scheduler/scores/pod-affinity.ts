// Prefers domains by preferred affinity and anti-affinity between pods, of the new one and of those that stand.
// Upstream: plugins/interpodaffinity/scoring.go.
import { TopologyCounts } from '../filters/topology-counts.ts';
import type { AffinityTerm, WeightedTerm } from '../state/affinity-term.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';
import { MAX_SCORE, type Scorer } from './scorer.ts';

/** What required affinity of a pod that stands counts for a pod that it wants beside it. */
const HARD_WEIGHT = 1;

export const podAffinity: Scorer = {
  name: 'InterPodAffinity',
  weight: 2,
  score(pod, nodes, cluster) {
    const sums = new TopologyCounts();
    for (const node of cluster.nodes) addNode(sums, node, pod, cluster);
    if (sums.empty) return undefined;
    const scores = nodes.map((node) => {
      let score = 0;
      for (const [key, value] of Object.entries(node.node.metadata?.labels ?? {})) score += sums.of(key, value);
      return score;
    });
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    return scores.map((score) => (high === low ? 0 : Math.floor((MAX_SCORE * (score - low)) / (high - low))));
  },
};

function addNode(sums: TopologyCounts, node: NodeInfo, pod: PodInfo, cluster: ClusterView): void {
  const selects = (term: AffinityTerm, { namespace, labels }: PodInfo): boolean =>
    term.matches(namespace, labels, cluster.namespaceLabels);
  const add = ({ term, weight }: WeightedTerm, times: number): void =>
    sums.add(term.topologyKey, node.label(term.topologyKey), weight * times);
  const version = cluster.namespacesVersion();
  for (const each of pod.preferred)
    add(
      each,
      node.count(`${version} ${each.term.text}`, (other) => selects(each.term, other)),
    );
  for (const other of node.affinePods()) {
    for (const each of other.preferred) if (selects(each.term, pod)) add(each, 1);
    for (const term of other.affinity) if (selects(term, pod)) add({ term, weight: HARD_WEIGHT }, 1);
  }
}
