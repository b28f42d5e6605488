// Taint eviction: deletes the pods that do not tolerate a NoExecute taint of their node, after the time they do.
// Sets no taint itself. Upstream: pkg/controller/tainteviction.
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue, type WorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { BY_NODE, byNode } from '../common/pods.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { toleratedFor } from './tolerations.ts';

const PODS = builtin('Pod');

export const taintEvictionController: Controller = {
  name: 'taint-eviction',
  component: 'taint-eviction-controller',
  setup: (context) => new TaintEviction(context).parts(),
};

class TaintEviction {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #queue: WorkQueue;
  /** By uid, the monotonic time since when a pod has been waiting for its end. */
  readonly #since = new Map<string, number>();

  constructor(context: ControllerContext) {
    const { informers, clock, log } = context;
    this.#context = context;
    this.#nodes = informers.of<Node>(builtin('Node'));
    this.#pods = informers.of<Pod>(PODS);
    this.#pods.addIndex(BY_NODE, byNode);
    this.#queue = createWorkQueue('taint-eviction', (key) => this.#reconcile(key), { clock, log, workers: 8 });
  }

  parts(): ControllerParts {
    const stops = [
      this.#pods.onChange((key, now, before) => {
        if (now?.metadata?.uid !== before?.metadata?.uid) this.#since.delete(before?.metadata?.uid ?? '');
        if (now !== undefined && this.#nodes.get(now.spec?.nodeName ?? '')?.spec?.taints !== undefined)
          this.#queue.add(key);
      }),
      this.#nodes.onChange((name, now, before) => {
        if (semanticallyEqual(now?.spec?.taints, before?.spec?.taints)) return;
        for (const pod of this.#pods.byIndex(BY_NODE, name)) this.#queue.add(objectKey(pod));
      }),
    ];
    return {
      queues: [this.#queue],
      reads: [this.#pods, this.#nodes],
      stop: () => {
        for (const stop of stops) stop();
      },
    };
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const pod = this.#pods.get(key);
    if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return undefined;
    const { events, clock } = this.#context;
    const { uid = '' } = pod.metadata ?? {};
    const taints = this.#nodes.get(pod.spec?.nodeName ?? '')?.spec?.taints ?? [];
    const stayMs = toleratedFor(taints, pod.spec?.tolerations ?? []);
    if (!Number.isFinite(stayMs)) {
      if (this.#since.delete(uid)) {
        const text = `Cancelling deletion of Pod ${key}`;
        events.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, 'Normal', 'TaintManagerEviction', text);
      }
      return undefined;
    }
    const since = this.#since.get(uid) ?? clock.now();
    this.#since.set(uid, since);
    const left = since + stayMs - clock.now();
    if (left > 0) return { requeueAfterMs: left };
    await this.#evict(key, pod);
    return undefined;
  }

  async #evict(key: string, pod: Pod): Promise<void> {
    const { client, clock, events } = this.#context;
    const { name = '', namespace, uid = '' } = pod.metadata ?? {};
    const text = `Marking for deletion Pod ${key}`;
    events.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, 'Normal', 'TaintManagerEviction', text);
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: timestamp(clock.wall()),
    };
    try {
      const body = { metadata: { uid }, status: { conditions: [condition] } };
      await client.patch<Pod>(PODS, name, namespace, 'strategic', body, { subresource: 'status' });
      await client.delete(PODS, name, namespace, { preconditions: { uid } });
      this.#since.delete(uid);
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  }
}
