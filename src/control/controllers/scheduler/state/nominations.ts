// Nodes on which room is being made for a pod: what is of no higher priority must not take it meanwhile.
// Pure. Upstream: the nominator of the scheduling queue.
import { type PodInfo, podInfo } from './pod-info.ts';

export class Nominations {
  readonly #byPod = new Map<string, { node: string; pod: PodInfo }>();
  readonly #byNode = new Map<string, Map<string, PodInfo>>();

  nodeOf(key: string): string | undefined {
    return this.#byPod.get(key)?.node;
  }

  on(node: string): readonly PodInfo[] {
    return [...(this.#byNode.get(node)?.values() ?? [])];
  }

  set(pod: PodInfo['pod'], node: string): void {
    const info = podInfo(pod);
    this.remove(info.key);
    this.#byPod.set(info.key, { node, pod: info });
    const there = this.#byNode.get(node) ?? new Map<string, PodInfo>();
    this.#byNode.set(node, there.set(info.key, info));
  }

  remove(key: string): void {
    const known = this.#byPod.get(key);
    if (known === undefined) return;
    this.#byPod.delete(key);
    const there = this.#byNode.get(known.node);
    there?.delete(key);
    if (there?.size === 0) this.#byNode.delete(known.node);
  }
}
