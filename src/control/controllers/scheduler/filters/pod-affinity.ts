// Required affinity and anti-affinity between pods, with the anti-affinity of those that stand already.
// Upstream: plugins/interpodaffinity/filtering.go.
import type { AffinityTerm, NamespaceLabels } from '../state/affinity-term.ts';
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';
import { type Check, type Filter, hopeless, type Rejection, resolvable } from './filter.ts';
import { TopologyCounts } from './topology-counts.ts';

export const podAffinity: Filter = {
  name: 'InterPodAffinity',
  helpedBy: ['node labels', 'pod gone', 'pod placed', 'pod labels', 'namespace labels'],
  // Also for a pod without affinity: those that stand may not want it beside them.
  prepare: (pod, cluster) => new AffinityCheck(pod, cluster),
};

class AffinityCheck implements Check {
  readonly #pod: PodInfo;
  readonly #namespaces: NamespaceLabels;
  /** Pods that all affinity terms select, by the domains of each term. */
  readonly #wanted = new TopologyCounts();
  /** Pods that an anti-affinity term selects, by its domains. */
  readonly #shunned = new TopologyCounts();
  /** Pods that want none like this one in their domain. */
  readonly #unwelcome = new TopologyCounts();
  readonly #matchesItself: boolean;

  constructor(pod: PodInfo, cluster: ClusterView) {
    this.#pod = pod;
    this.#namespaces = cluster.namespaceLabels;
    this.#matchesItself = pod.affinity.every((term) => this.#selects(term, pod));
    const { affinity, antiAffinity } = pod;
    const version = cluster.namespacesVersion();
    const text = `${version} ${affinity.map((term) => term.text).join(' & ')}`;
    for (const node of cluster.nodes) {
      for (const other of node.antiAffinePods()) this.#countUnwelcome(other, node, 1);
      if (affinity.length > 0) {
        const count = node.count(text, (other) => this.#allSelect(other));
        for (const { topologyKey } of affinity) this.#wanted.add(topologyKey, node.label(topologyKey), count);
      }
      for (const term of antiAffinity) {
        const count = node.count(`${version} ${term.text}`, (other) => this.#selects(term, other));
        this.#shunned.add(term.topologyKey, node.label(term.topologyKey), count);
      }
    }
  }

  on(node: NodeInfo): Rejection | undefined {
    if (!this.#affinityHolds(node)) return hopeless("node(s) didn't match pod affinity rules");
    for (const { topologyKey } of this.#pod.antiAffinity) {
      const value = node.label(topologyKey);
      if (value !== undefined && this.#shunned.of(topologyKey, value) > 0)
        return resolvable("node(s) didn't match pod anti-affinity rules");
    }
    if (this.#unwelcome.empty) return undefined;
    for (const [key, value] of Object.entries(node.node.metadata?.labels ?? {})) {
      if (this.#unwelcome.of(key, value) > 0)
        return resolvable("node(s) didn't satisfy existing pods anti-affinity rules");
    }
    return undefined;
  }

  moved(other: PodInfo, node: NodeInfo, by: 1 | -1): void {
    this.#countUnwelcome(other, node, by);
    const { affinity, antiAffinity } = this.#pod;
    if (affinity.length > 0 && this.#allSelect(other))
      for (const { topologyKey } of affinity) this.#wanted.add(topologyKey, node.label(topologyKey), by);
    for (const term of antiAffinity) {
      if (this.#selects(term, other)) this.#shunned.add(term.topologyKey, node.label(term.topologyKey), by);
    }
  }

  #affinityHolds(node: NodeInfo): boolean {
    let missing = false;
    for (const { topologyKey } of this.#pod.affinity) {
      const value = node.label(topologyKey);
      // Without the label the node is in no domain at all.
      if (value === undefined) return false;
      if (this.#wanted.of(topologyKey, value) <= 0) missing = true;
    }
    // The first of a group that wants to be together has nobody to join.
    return !missing || (this.#wanted.empty && this.#matchesItself);
  }

  #countUnwelcome(other: PodInfo, node: NodeInfo, by: 1 | -1): void {
    for (const term of other.antiAffinity) {
      if (this.#selects(term, this.#pod)) this.#unwelcome.add(term.topologyKey, node.label(term.topologyKey), by);
    }
  }

  #allSelect(other: PodInfo): boolean {
    return this.#pod.affinity.every((term) => this.#selects(term, other));
  }

  #selects(term: AffinityTerm, { namespace, labels }: PodInfo): boolean {
    return term.matches(namespace, labels, this.#namespaces);
  }
}
