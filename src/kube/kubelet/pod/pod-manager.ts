// The pods of this node: one worker each, made when the API shows the pod and dropped when it is gone.
// Knows which changes concern which pod; decides nothing about a pod itself.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { Informer } from '#kube/client/informer.ts';
import type { PodContainers } from '../stats/sampler.ts';
import { PodWorker } from './pod-worker.ts';
import { references } from './references.ts';
import type { PodWorkerDependencies } from './worker-types.ts';

/** What a stop may take beyond the containers' grace, in milliseconds. */
const STOP_MARGIN_MS = 1_500;

export class PodManager {
  readonly #deps: PodWorkerDependencies;
  readonly #workers = new Map<string, PodWorker>();
  #stopping = false;

  constructor(deps: PodWorkerDependencies) {
    this.#deps = deps;
  }

  /** Follows the pods of the informer, which must be limited to this node. Returns the way to stop listening. */
  follow(pods: Informer<Pod>): () => void {
    return pods.onChange((_key, now, before) => {
      const gone = before?.metadata?.uid;
      if (gone !== undefined && gone !== now?.metadata?.uid) this.#workers.get(gone)?.removed();
      if (now !== undefined) this.#see(now);
    });
  }

  isReady(uid: string): boolean {
    const { status } = this.#workers.get(uid)?.pod ?? {};
    return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
  }

  /** Resolves when the API knows how each of the pods is that there are now. */
  async told(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.told()));
  }

  /** A ConfigMap or Secret changed: pods that use it look again. */
  referenceChanged(kind: 'ConfigMap' | 'Secret', object: KubeObject): void {
    const reference = `${kind}/${objectKey(object)}`;
    for (const worker of this.#workers.values()) {
      if (references(worker.pod).has(reference)) worker.refresh();
    }
  }

  /** Something in the pod's volumes is due to be made anew. */
  refresh(uid: string): void {
    this.#workers.get(uid)?.refresh();
  }

  /** Ends the pod for good, since it takes what it may not; the object stays and says so. */
  evict(uid: string, message: string): void {
    this.#workers.get(uid)?.evict(message);
  }

  /** What the pod's containers share has ended under them. */
  sandboxLost(uid: string): void {
    this.#workers.get(uid)?.sandboxLost();
  }

  find(namespace: string, name: string): PodWorker | undefined {
    // A successor may bear the name of a pod that is still ending.
    return [...this.#workers.values()].findLast(
      ({ pod }) => pod.metadata?.namespace === namespace && pod.metadata?.name === name,
    );
  }

  /** What runs now, pod by pod. */
  running(): PodContainers[] {
    return [...this.#workers.values()].map((worker) => {
      const { pod } = worker;
      const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
      const all = [...initContainers, ...containers, ...ephemeralContainers];
      const running = all.flatMap(({ name }) => {
        const handle = worker.running(name);
        return handle === undefined ? [] : [{ name, handle }];
      });
      return { pod, running };
    });
  }

  list(): Pod[] {
    return [...this.#workers.values()].map((worker) => worker.pod);
  }

  /** Ends every container within `graceMs`; the objects stay in the API. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const all = Promise.all([...this.#workers.values()].map((worker) => worker.shutdown(graceMs)));
    // A worker that waits for an API server which is gone must not hold up the end; its processes are swept after it.
    const late = new Promise<void>((resolve) => void this.#deps.clock.after(graceMs + STOP_MARGIN_MS, resolve));
    await Promise.race([all, late]);
  }

  #see(pod: Pod): void {
    const uid = pod.metadata?.uid ?? '';
    let worker = this.#workers.get(uid);
    if (worker === undefined) {
      if (this.#stopping) return;
      worker = new PodWorker(pod, this.#deps);
      this.#workers.set(uid, worker);
      void worker.done.then(() => this.#workers.delete(uid));
    }
    worker.update(pod);
  }
}
