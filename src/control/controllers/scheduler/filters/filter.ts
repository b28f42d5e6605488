// What a filter is: it looks at the pod and the cluster once, and then says of each node why the pod may not run there.
// Pure; knows no filter.
import type { ClusterView } from '../state/cluster-state.ts';
import type { NodeInfo } from '../state/node-info.ts';
import type { PodInfo } from '../state/pod-info.ts';

/** Changes in the cluster that may let a pod fit that did not. */
export type ClusterChange =
  | 'node added'
  | 'node resources'
  | 'node labels'
  | 'node taints'
  | 'pod gone'
  | 'pod placed'
  | 'pod labels'
  | 'namespace labels'
  | 'storage';

export interface Rejection {
  /** In upstream's words, as they stand behind a number of nodes. */
  readonly reasons: readonly string[];
  /** True when evicting pods would not help. */
  readonly hopeless: boolean;
}

export interface Check {
  on(node: NodeInfo): Rejection | undefined;
  /** A what-if: `pod` came to the node (1) or left it (-1). Needed by filters that count over several nodes. */
  moved?(pod: PodInfo, node: NodeInfo, by: 1 | -1): void;
}

export interface Filter {
  readonly name: string;
  /** Besides a node that is added, which may help any pod. */
  readonly helpedBy: readonly ClusterChange[];
  /** A check; undefined when the filter has nothing to say of this pod; a text when no node at all will do. */
  prepare(pod: PodInfo, cluster: ClusterView): Check | string | undefined;
}

export function hopeless(...reasons: string[]): Rejection {
  return { reasons, hopeless: true };
}

export function resolvable(...reasons: string[]): Rejection {
  return { reasons, hopeless: false };
}
