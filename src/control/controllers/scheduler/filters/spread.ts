// Topology spread constraints that must hold: no domain may have more than maxSkew pods above the emptiest.
// Upstream: plugins/podtopologyspread/filtering.go.
import { wantsNode } from '../../common/node-affinity.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo, SpreadConstraint } from '../state/pod-info.ts';
import { untoleratedTaint } from '../state/tolerations.ts';
import { type Check, type Filter, hopeless, type Rejection, resolvable } from './filter.ts';

const SKEWED = "node(s) didn't match pod topology spread constraints";

export const spread: Filter = {
  name: 'PodTopologySpread',
  helpedBy: ['node labels', 'node taints', 'pod gone', 'pod placed', 'pod labels'],
  prepare(pod, cluster) {
    const hard = pod.spread.filter((constraint) => constraint.hard);
    return hard.length === 0 ? undefined : new SpreadCheck(pod, hard, cluster.nodes);
  },
};

interface Counted {
  readonly constraint: SpreadConstraint;
  /** Pods by domain; a domain without pods stands there with 0. */
  readonly domains: Map<string, number>;
  readonly self: 0 | 1;
  least: number | undefined;
}

class SpreadCheck implements Check {
  readonly #pod: PodInfo;
  readonly #counted: readonly Counted[];

  constructor(pod: PodInfo, constraints: readonly SpreadConstraint[], nodes: readonly NodeInfo[]) {
    this.#pod = pod;
    this.#counted = constraints.map((constraint) => ({
      constraint,
      domains: new Map(),
      self: constraint.query?.matches(pod.labels) === true ? 1 : 0,
      least: undefined,
    }));
    for (const node of nodes) {
      if (!this.#hasAllKeys(node)) continue;
      for (const { constraint, domains } of this.#counted) {
        if (!spreadCounts(pod, constraint, node)) continue;
        const domain = node.label(constraint.topologyKey) ?? '';
        const count = node.count(constraint.text, (other) => isSelected(pod, constraint, other));
        domains.set(domain, (domains.get(domain) ?? 0) + count);
      }
    }
  }

  on(node: NodeInfo): Rejection | undefined {
    for (const counted of this.#counted) {
      const { topologyKey, maxSkew } = counted.constraint;
      const domain = node.label(topologyKey);
      if (domain === undefined) return hopeless(`${SKEWED} (missing required label)`);
      const skew = (counted.domains.get(domain) ?? 0) + counted.self - least(counted);
      if (skew > maxSkew) return resolvable(SKEWED);
    }
    return undefined;
  }

  moved(other: PodInfo, node: NodeInfo, by: 1 | -1): void {
    if (!this.#hasAllKeys(node)) return;
    for (const counted of this.#counted) {
      const { constraint, domains } = counted;
      if (!isSelected(this.#pod, constraint, other) || !spreadCounts(this.#pod, constraint, node)) continue;
      const domain = node.label(constraint.topologyKey) ?? '';
      domains.set(domain, (domains.get(domain) ?? 0) + by);
      counted.least = undefined;
    }
  }

  /** A node that is missing one of the labels is counted for none of the constraints. */
  #hasAllKeys(node: NodeInfo): boolean {
    return this.#counted.every(({ constraint }) => node.label(constraint.topologyKey) !== undefined);
  }
}

/** Pods in the emptiest domain; 0 as long as there are fewer domains than there should be. */
function least(counted: Counted): number {
  const { constraint, domains } = counted;
  if (domains.size < constraint.minDomains) return 0;
  if (counted.least === undefined) {
    let smallest = Number.POSITIVE_INFINITY;
    for (const count of domains.values()) smallest = Math.min(smallest, count);
    counted.least = domains.size === 0 ? 0 : smallest;
  }
  return counted.least;
}

/** Whether the node is one whose pods count: the policies of the constraint decide. */
export function spreadCounts({ pod }: PodInfo, constraint: SpreadConstraint, { node }: NodeInfo): boolean {
  if (constraint.honorAffinity && !wantsNode(pod, node)) return false;
  return !constraint.honorTaints || untoleratedTaint(pod, node) === undefined;
}

/** Pods that are going are not counted, as upstream. */
export function isSelected(pod: PodInfo, { query }: SpreadConstraint, other: PodInfo): boolean {
  return query !== undefined && !other.terminating && other.namespace === pod.namespace && query.matches(other.labels);
}
