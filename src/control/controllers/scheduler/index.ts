// Scheduler: gives each pod a node that it fits on, and says why when there is none.
// Runs no pod; the node's kubelet sees the binding.
import type { Binding, Node, Pod, PodCondition } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue, type WorkQueue } from '#kube/client/work-queue.ts';
import { backoffDelay } from '#lib/backoff.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { isPodFinished, podCondition } from '../common/pods.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { type NodeState, unfitMessage, whyNot } from './fits.ts';
import { best } from './score.ts';

const PODS = builtin('Pod');
const SCHEDULER = 'default-scheduler';
const BY_NODE = 'node';
/** A pod that did not fit is tried again this long after, doubling, however often the cluster changes. */
const BACKOFF = { baseMs: 1_000, capMs: 10_000 };
/** Every pod that waits is looked at again after this long, in case a change was not recognised as one that helps. */
const FLUSH_MS = 5 * 60_000;

export const schedulerController: Controller = {
  name: 'scheduler',
  component: SCHEDULER,
  setup: (context) => new Scheduler(context).parts(),
};

interface Unfit {
  tries: number;
  /** Monotonic time before which it is not tried again. */
  notBefore: number;
}

class Scheduler {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #queue: WorkQueue;
  /** Pods bound by us whose binding the informer has not shown yet; without them a node would be filled twice. */
  readonly #assumed = new Map<string, Pod>();
  readonly #unfit = new Map<string, Unfit>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#pods = context.informers.of<Pod>(PODS);
    this.#nodes = context.informers.of<Node>(builtin('Node'));
    this.#pods.addIndex(BY_NODE, byNode);
    const { clock, log } = context;
    // One pod at a time: each decision must see the one before.
    this.#queue = createWorkQueue('scheduler', (key) => this.#schedule(key), { clock, log });
  }

  parts(): ControllerParts {
    this.#pods.onChange((key, now, before) => this.#podChanged(key, now, before));
    this.#nodes.onChange((_key, now, before) => {
      if (now !== undefined && before !== undefined && !canHelp(now, before)) return;
      this.#retryUnfit();
    });
    return { queues: [this.#queue], reads: [this.#pods, this.#nodes] };
  }

  #podChanged(key: string, now: Pod | undefined, before: Pod | undefined): void {
    if (now !== undefined && needsNode(now)) {
      // Our own note of failure must not start the next try.
      if (before === undefined || !semanticallyEqual(now.spec, before.spec) || wasReplaced(now, before))
        this.#queue.add(key);
      return;
    }
    this.#assumed.delete(key);
    this.#unfit.delete(key);
    const freed = now === undefined || isPodFinished(now);
    if (freed && before?.spec?.nodeName !== undefined) this.#retryUnfit();
  }

  #retryUnfit(): void {
    const now = this.#context.clock.now();
    for (const [key, { notBefore }] of this.#unfit) this.#queue.addAfter(key, notBefore - now);
  }

  async #schedule(key: string): Promise<ReconcileResult> {
    const pod = this.#pods.get(key);
    if (pod === undefined || !needsNode(pod) || this.#assumed.has(key)) return undefined;
    const wait = (this.#unfit.get(key)?.notBefore ?? 0) - this.#context.clock.now();
    if (wait > 0) return { requeueAfterMs: wait };
    const states = this.#nodes.list().map((node) => this.#stateOf(node));
    const reasons = states.map((state) => whyNot(pod, state));
    const fitting = states.filter((_state, i) => reasons[i]?.length === 0);
    if (fitting.length === 0) return this.#fail(key, pod, unfitMessage(states.length, reasons));
    await this.#bind(key, pod, best(pod, fitting, this.#context.random).node);
    return undefined;
  }

  #stateOf(node: Node): NodeState {
    const name = node.metadata?.name ?? '';
    const pods = this.#pods.byIndex(BY_NODE, name).filter((pod) => !isPodFinished(pod));
    for (const assumed of this.#assumed.values()) if (assumed.spec?.nodeName === name) pods.push(assumed);
    return { node, pods };
  }

  async #bind(key: string, pod: Pod, node: Node): Promise<void> {
    const { client, events } = this.#context;
    const { name = '', namespace, uid } = pod.metadata ?? {};
    const nodeName = node.metadata?.name ?? '';
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    this.#assumed.set(key, { ...pod, spec: { containers: [], ...pod.spec, nodeName } });
    try {
      await client.create(PODS, binding, { subresource: 'binding' });
    } catch (error) {
      this.#assumed.delete(key);
      // Gone, replaced, or bound by someone else: the informer will tell.
      if (isStatus(error, 404) || isStatus(error, 409)) return;
      events.event(pod, 'Warning', 'FailedScheduling', `Binding rejected: ${(error as Error).message}`);
      throw error;
    }
    this.#unfit.delete(key);
    // The informer may have shown the binding before the answer came.
    const shown = this.#pods.get(key);
    if (shown === undefined || !needsNode(shown)) this.#assumed.delete(key);
    events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`);
  }

  async #fail(key: string, pod: Pod, message: string): Promise<ReconcileResult> {
    const { client, clock, events } = this.#context;
    const tries = (this.#unfit.get(key)?.tries ?? 0) + 1;
    this.#unfit.set(key, { tries, notBefore: clock.now() + backoffDelay(tries, BACKOFF) });
    events.event(pod, 'Warning', 'FailedScheduling', message);
    const current = podCondition(pod, 'PodScheduled');
    if (current?.status !== 'False' || current.reason !== 'Unschedulable' || current.message !== message) {
      const now = timestamp(clock.wall());
      const since = current?.status === 'False' ? (current.lastTransitionTime ?? now) : now;
      const condition: PodCondition = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
        lastTransitionTime: since,
      };
      const { name = '', namespace, uid } = pod.metadata ?? {};
      // A strategic patch merges by type, so that the conditions of others stay.
      const patch = { metadata: { uid }, status: { conditions: [condition] } };
      try {
        await client.patch<Pod>(PODS, name, namespace, 'strategic', patch, { subresource: 'status' });
      } catch (error) {
        if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
      }
    }
    return { requeueAfterMs: FLUSH_MS };
  }
}

function needsNode(pod: Pod): boolean {
  return (
    (pod.spec?.nodeName ?? '') === '' &&
    (pod.spec?.schedulerName ?? SCHEDULER) === SCHEDULER &&
    (pod.spec?.schedulingGates ?? []).length === 0 &&
    pod.metadata?.deletionTimestamp === undefined &&
    !isPodFinished(pod)
  );
}

function wasReplaced(now: Pod, before: Pod): boolean {
  return now.metadata?.uid !== before.metadata?.uid;
}

function byNode(pod: Pod): readonly string[] {
  return pod.spec?.nodeName === undefined ? [] : [pod.spec.nodeName];
}

/** Whether a node changed in a way that may let a pod fit; heartbeats do not. */
function canHelp(now: Node, before: Node): boolean {
  const relevant = (node: Node): unknown => [
    node.metadata?.labels,
    node.spec,
    node.status?.allocatable,
    node.status?.conditions?.map(({ type, status }) => [type, status]),
  ];
  return !semanticallyEqual(relevant(now), relevant(before));
}
