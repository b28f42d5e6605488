// Pods, nodes and clusters for tests of the scheduler's pure files.
// Knows no API server.
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { labelSelectorQuery } from '#kube/api/selector.ts';
import { NodeFinder } from './find-node.ts';
import { ClusterState, type ClusterView, type Lookups } from './state/cluster-state.ts';
import { podInfo } from './state/pod-info.ts';

type PodSpec = NonNullable<Pod['spec']>;

/** One container with these requests. */
export function aPod(
  name: string,
  requests: Record<string, string> = {},
  spec: Partial<PodSpec> = {},
  labels: Record<string, string> = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, labels },
    spec: { containers: [{ name: 'c', resources: { requests } }], ...spec },
  };
}

/** Ready, with 4 CPUs, 8Gi, and room for 10 pods. */
export function aNode(
  name: string,
  labels: Record<string, string> = {},
  spec: Node['spec'] = {},
  allocatable: Record<string, string> = {},
): Node {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '10', ...allocatable },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** Nodes, and pods by the name of their node; nothing else exists unless given. */
export function aCluster(
  nodes: readonly Node[],
  placed: ReadonlyArray<readonly [string, Pod]> = [],
  lookups: Partial<Lookups> = {},
): ClusterView & { readonly state: ClusterState } {
  const state = new ClusterState();
  for (const node of nodes) state.setNode(node);
  for (const [node, pod] of placed) state.place(pod, node);
  const view = state.view({
    namespaceLabels: () => undefined,
    namespacesVersion: () => 0,
    claim: () => undefined,
    volume: () => undefined,
    volumes: () => [],
    storageClass: () => undefined,
    siblings: () => undefined,
    ...lookups,
  });
  return { ...view, state };
}

/** The node that is chosen, or the message why there is none. */
export function decide(pod: Pod, cluster: ClusterView, random: () => number = () => 0): string {
  const { node, unfit } = new NodeFinder(random).find(podInfo(pod), cluster);
  return node ?? unfit.message;
}

/** As a Service or ReplicaSet with this selector would make pods siblings. */
export function siblingsBy(matchLabels: Record<string, string>): Lookups['siblings'] {
  return () => labelSelectorQuery({ matchLabels });
}
