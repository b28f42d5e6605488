// One decision: the node for a pod, or why there is none.
// Pure; neither binds nor evicts. Upstream: schedule_one.go.
import { type Checks, prepareChecks, type Refusal } from './filters/index.ts';
import { impossibleMessage, unfitMessage } from './message.ts';
import { best } from './scores/index.ts';
import type { ClusterView } from './state/cluster-state.ts';
import type { NodeInfo } from './state/node-info.ts';
import type { PodInfo } from './state/pod-info.ts';

export interface Unfit {
  readonly message: string;
  /** Names of the filters that refused. */
  readonly filters: ReadonlySet<string>;
  /** By node name; empty when no node could have done. */
  readonly refusals: ReadonlyMap<string, Refusal>;
}

export type Decision =
  | { readonly node: string; readonly unfit?: undefined }
  | { readonly node?: undefined; readonly unfit: Unfit };

/** Below this many nodes all are looked at; in larger clusters a share that shrinks from a half to a twentieth. */
const ENOUGH = 100;

export class NodeFinder {
  readonly #random: () => number;
  /** Where the next search begins, so that large clusters fill evenly. */
  #start = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  find(pod: PodInfo, cluster: ClusterView): Decision {
    const checks = prepareChecks(pod, cluster);
    const { nodes } = cluster;
    if (checks.impossible !== undefined) {
      const { filter, reason } = checks.impossible;
      const message = impossibleMessage(nodes.length, reason);
      return { unfit: { message, filters: new Set([filter]), refusals: new Map() } };
    }
    const nominated = cluster.node(cluster.nominations.nodeOf(pod.key) ?? '');
    // Room was made for it there.
    if (nominated !== undefined && fits(pod, nominated, checks, cluster) === undefined) return { node: nominated.name };

    const enough = searchLimit(nodes.length);
    const refusals = new Map<string, Refusal>();
    const fitting: NodeInfo[] = [];
    for (let i = 0; i < nodes.length && fitting.length < enough; i++) {
      const node = nodes[(this.#start + i) % nodes.length];
      if (node === undefined) continue;
      const refusal = fits(pod, node, checks, cluster);
      if (refusal === undefined) fitting.push(node);
      else refusals.set(node.name, refusal);
    }
    if (fitting.length > 0) {
      this.#start = (this.#start + fitting.length + refusals.size) % nodes.length;
      return { node: best(pod, fitting, cluster, this.#random).name };
    }
    const all = [...refusals.values()];
    const message = unfitMessage(
      nodes.length,
      all.map(({ reasons }) => reasons),
    );
    return { unfit: { message, filters: new Set(all.map(({ filter }) => filter)), refusals } };
  }
}

/** Upstream: numFeasibleNodesToFind. */
export function searchLimit(nodes: number): number {
  if (nodes <= ENOUGH) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(ENOUGH, Math.floor((nodes * percent) / 100));
}

/**
 * Asks with and without the pods of at least this priority that have been promised the node: they may come, and what
 * the pod needs of others must not depend on whether they do.
 */
export function fits(pod: PodInfo, node: NodeInfo, checks: Checks, cluster: ClusterView): Refusal | undefined {
  const promised = cluster.nominations
    .on(node.name)
    .filter((other) => other.priority >= pod.priority && other.key !== pod.key);
  if (promised.length > 0) {
    const later = node.clone();
    for (const other of promised) {
      later.add(other);
      checks.moved(other, node, 1);
    }
    const refusal = checks.on(later);
    for (const other of promised) checks.moved(other, node, -1);
    if (refusal !== undefined) return refusal;
  }
  return checks.on(node);
}
