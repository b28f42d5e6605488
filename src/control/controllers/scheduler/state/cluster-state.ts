// The cluster as the scheduler sees it: nodes with their pods, kept up to date change by change.
// Pure; knows nothing of watches. A pod that was given a node counts there before the API has shown it.
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import type { LabelQuery } from '#kube/api/selector.ts';
import type { NamespaceLabels } from './affinity-term.ts';
import { NodeInfo } from './node-info.ts';
import { Nominations } from './nominations.ts';
import { type PodInfo, podInfo } from './pod-info.ts';

/** Objects besides nodes and pods that decisions depend on. */
export interface Lookups {
  namespaceLabels: NamespaceLabels;
  /** Grows when labels of a namespace change, so that counts over namespaces are made anew. */
  namespacesVersion(): number;
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  /** What selects the pod together with its siblings: its Services and its controller; undefined when nothing does. */
  siblings(pod: Pod): LabelQuery | undefined;
}

export interface ClusterView extends Lookups {
  readonly nodes: readonly NodeInfo[];
  readonly nominations: Nominations;
  node(name: string): NodeInfo | undefined;
}

export class ClusterState {
  readonly #nodes = new Map<string, NodeInfo>();
  /** Node of each pod that has one. */
  readonly #placed = new Map<string, string>();
  /** Pods on nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
  readonly nominations = new Nominations();
  #list: readonly NodeInfo[] | undefined;

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  view(lookups: Lookups): ClusterView {
    return {
      ...lookups,
      nodes: this.nodes,
      nominations: this.nominations,
      node: (name) => this.#nodes.get(name),
    };
  }

  setNode(node: Node): void {
    const name = node.metadata?.name ?? '';
    const known = this.#nodes.get(name);
    if (known !== undefined) {
      known.node = node;
      return;
    }
    const info = new NodeInfo(node);
    for (const pod of this.#homeless.get(name)?.values() ?? []) info.add(pod);
    this.#homeless.delete(name);
    this.#nodes.set(name, info);
    this.#list = undefined;
  }

  removeNode(name: string): void {
    const known = this.#nodes.get(name);
    if (known === undefined) return;
    const left = new Map([...known.pods()].map((pod) => [pod.key, pod]));
    if (left.size > 0) this.#homeless.set(name, left);
    this.#nodes.delete(name);
    this.#list = undefined;
  }

  /** The pod stands on the node; wherever it stood before it does not any more. */
  place(pod: Pod, nodeName: string): void {
    const info = podInfo(pod);
    if (this.#placed.get(info.key) !== nodeName) this.remove(info.key);
    this.#placed.set(info.key, nodeName);
    const node = this.#nodes.get(nodeName);
    if (node !== undefined) {
      node.add(info);
      return;
    }
    const waiting = this.#homeless.get(nodeName) ?? new Map<string, PodInfo>();
    this.#homeless.set(nodeName, waiting.set(info.key, info));
  }

  remove(key: string): void {
    const nodeName = this.#placed.get(key);
    if (nodeName === undefined) return;
    this.#placed.delete(key);
    this.#nodes.get(nodeName)?.remove(key);
    const waiting = this.#homeless.get(nodeName);
    if (waiting?.delete(key) === true && waiting.size === 0) this.#homeless.delete(nodeName);
  }
}
