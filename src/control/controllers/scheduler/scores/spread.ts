// Prefers domains with fewer pods of the same kind: by ScheduleAnyway constraints, or upstream's defaults for all others.
// Upstream: plugins/podtopologyspread/scoring.go and its system default constraints.
import { isSelected, spreadCounts } from '../filters/spread.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import { type PodInfo, type SpreadConstraint, selectionText } from '../state/pod-info.ts';
import { MAX_SCORE, type Scorer } from './scorer.ts';

const HOSTNAME = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';
const DEFAULTS = [
  { topologyKey: HOSTNAME, maxSkew: 3 },
  { topologyKey: ZONE, maxSkew: 5 },
] as const;

export const spread: Scorer = {
  name: 'PodTopologySpread',
  weight: 2,
  score(pod, nodes, cluster) {
    const own = pod.spread.length > 0;
    const constraints = own ? pod.spread.filter(({ hard }) => !hard) : defaultConstraints(pod, cluster);
    if (constraints.length === 0) return undefined;
    // With constraints of its own a node without the labels is the worst; the defaults make do with what there is.
    const ignored = nodes.map((node) => own && !hasKeys(node, constraints));
    const considered = nodes.filter((_node, i) => ignored[i] === false);
    const sums = nodes.map(() => 0);
    for (const constraint of constraints) {
      const counts = countByDomain(pod, constraint, constraints, own, considered, cluster);
      // Domains differ in number: a few zones must not drown in many hosts.
      const weight = Math.log(counts.size + 2);
      nodes.forEach((node, i) => {
        const domain = node.label(constraint.topologyKey);
        if (domain === undefined || ignored[i] === true) return;
        sums[i] = (sums[i] ?? 0) + (counts.get(domain) ?? 0) * weight + (constraint.maxSkew - 1);
      });
    }
    return turned(sums.map(Math.round), ignored);
  },
};

/** Pods of each domain that one of the nodes to choose from stands in. */
function countByDomain(
  pod: PodInfo,
  constraint: SpreadConstraint,
  all: readonly SpreadConstraint[],
  own: boolean,
  considered: readonly NodeInfo[],
  cluster: ClusterView,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of considered) {
    const domain = node.label(constraint.topologyKey);
    if (domain !== undefined) counts.set(domain, 0);
  }
  const perNode = constraint.topologyKey === HOSTNAME;
  for (const node of perNode ? considered : cluster.nodes) {
    const domain = node.label(constraint.topologyKey);
    const before = domain === undefined ? undefined : counts.get(domain);
    if (domain === undefined || before === undefined) continue;
    if (!perNode && ((own && !hasKeys(node, all)) || !spreadCounts(pod, constraint, node))) continue;
    counts.set(domain, before + node.count(constraint.text, (other) => isSelected(pod, constraint, other)));
  }
  return counts;
}

function hasKeys(node: NodeInfo, constraints: readonly SpreadConstraint[]): boolean {
  return constraints.every(({ topologyKey }) => node.label(topologyKey) !== undefined);
}

/** Few pods make a high score. */
function turned(sums: readonly number[], ignored: readonly boolean[]): number[] {
  const seen = sums.filter((_sum, i) => ignored[i] === false);
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  return sums.map((sum, i) => {
    if (ignored[i] === true) return 0;
    return high === 0 ? MAX_SCORE : Math.floor((MAX_SCORE * (high + low - sum)) / high);
  });
}

function defaultConstraints(pod: PodInfo, cluster: ClusterView): SpreadConstraint[] {
  const query = cluster.siblings(pod.pod);
  if (query === undefined) return [];
  const text = selectionText(pod.namespace, query);
  const common = { minDomains: 1, hard: false, query, text, honorAffinity: true, honorTaints: false };
  return DEFAULTS.map((each) => ({ ...common, ...each }));
}
