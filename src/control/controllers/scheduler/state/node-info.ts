// A node with what stands on it: sums and counts that change with each pod, never counted anew.
// Pure; only the cluster's state and what-ifs of preemption change one.
import type { Node } from 'kubernetes-types/core/v1.js';
import type { PodInfo } from './pod-info.ts';
import { type Amounts, amounts } from './requests.ts';

/** More selections than this on one node are the leftovers of rollouts: forget them all. */
const MAX_COUNTS = 256;

export class NodeInfo {
  readonly name: string;
  #node: Node;
  #allocatable: Amounts;
  readonly #pods = new Map<string, PodInfo>();
  /** Pods with required anti-affinity, and those with any affinity: few where there are many pods. */
  readonly #antiAffine = new Map<string, PodInfo>();
  readonly #affine = new Map<string, PodInfo>();
  readonly #requested: Record<string, number> = {};
  readonly #scoring: Record<string, number> = {};
  readonly #counts = new Map<string, number>();

  constructor(node: Node) {
    this.name = node.metadata?.name ?? '';
    this.#node = node;
    this.#allocatable = amounts(node.status?.allocatable);
  }

  get node(): Node {
    return this.#node;
  }

  set node(node: Node) {
    this.#node = node;
    this.#allocatable = amounts(node.status?.allocatable);
  }

  get allocatable(): Amounts {
    return this.#allocatable;
  }

  get requested(): Amounts {
    return this.#requested;
  }

  /** As `requested`, with something for containers that ask for nothing. */
  get scoring(): Amounts {
    return this.#scoring;
  }

  get size(): number {
    return this.#pods.size;
  }

  pods(): Iterable<PodInfo> {
    return this.#pods.values();
  }

  antiAffinePods(): Iterable<PodInfo> {
    return this.#antiAffine.values();
  }

  affinePods(): Iterable<PodInfo> {
    return this.#affine.values();
  }

  label(key: string): string | undefined {
    return this.#node.metadata?.labels?.[key];
  }

  add(pod: PodInfo): void {
    this.remove(pod.key);
    this.#pods.set(pod.key, pod);
    if (pod.antiAffinity.length > 0) this.#antiAffine.set(pod.key, pod);
    if (pod.affinity.length + pod.preferred.length > 0) this.#affine.set(pod.key, pod);
    this.#sum(pod, 1);
  }

  remove(key: string): void {
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    this.#pods.delete(key);
    this.#antiAffine.delete(key);
    this.#affine.delete(key);
    this.#sum(pod, -1);
  }

  /** How many pods `selects` selects; kept under `text` until a pod comes or goes. */
  count(text: string, selects: (pod: PodInfo) => boolean): number {
    let count = this.#counts.get(text);
    if (count !== undefined) return count;
    count = 0;
    for (const pod of this.#pods.values()) if (selects(pod)) count++;
    if (this.#counts.size >= MAX_COUNTS) this.#counts.clear();
    this.#counts.set(text, count);
    return count;
  }

  clone(): NodeInfo {
    const copy = new NodeInfo(this.#node);
    for (const pod of this.#pods.values()) copy.add(pod);
    return copy;
  }

  #sum(pod: PodInfo, sign: 1 | -1): void {
    this.#counts.clear();
    for (const [sums, own] of [
      [this.#requested, pod.requests],
      [this.#scoring, pod.scoring],
    ] as const) {
      for (const [name, amount] of Object.entries(own)) sums[name] = (sums[name] ?? 0) + sign * amount;
    }
  }
}
