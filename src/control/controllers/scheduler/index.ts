// Scheduler: gives each pod a node that it fits on, makes room for important ones, and says why when there is none.
// Decides by pure files beside it and runs no pod; the node's kubelet sees the binding.
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import type { Controller, ControllerContext, ControllerParts } from '../controller.ts';
import { nodeChanges, podChange } from './changes.ts';
import { changesThatHelp } from './filters/index.ts';
import { NodeFinder, type Unfit } from './find-node.ts';
import { InformedLookups } from './lookups.ts';
import { isPlaced, needsNode, SCHEDULER, sameWish } from './pending.ts';
import { findVictims } from './preemption/index.ts';
import type { Candidate } from './preemption/victims.ts';
import { SchedulingQueue } from './queue/index.ts';
import { ClusterState, type ClusterView } from './state/cluster-state.ts';
import { type PodInfo, podInfo } from './state/pod-info.ts';
import { chooseVolumes, openClaims } from './volume-binding.ts';
import { bindPod, clearNomination, evictFor, tellWaiting } from './writes.ts';

export const schedulerController: Controller = {
  name: 'scheduler',
  component: SCHEDULER,
  setup: (context) => new Scheduler(context).parts(),
};

class Scheduler {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #lookups: InformedLookups;
  readonly #queue: SchedulingQueue;
  readonly #cluster = new ClusterState();
  readonly #finder: NodeFinder;
  /** Pods (key to uid) that we gave a node and the informer has not shown there; they count already. */
  readonly #assumed = new Map<string, string | undefined>();

  constructor(context: ControllerContext) {
    this.#context = context;
    const { informers, clock, log, random } = context;
    this.#pods = informers.of<Pod>(builtin('Pod'));
    this.#nodes = informers.of<Node>(builtin('Node'));
    this.#budgets = informers.of<PodDisruptionBudget>(builtin('PodDisruptionBudget'));
    this.#queue = new SchedulingQueue({ clock, log, schedule: (key) => this.#schedule(key) });
    this.#lookups = new InformedLookups(informers, (change) => this.#queue.changed(change));
    this.#finder = new NodeFinder(random);
  }

  parts(): ControllerParts {
    const stops = [
      this.#pods.onChange((key, now, before) => this.#podChanged(key, now, before)),
      this.#nodes.onChange((key, now, before) => this.#nodeChanged(key, now, before)),
    ];
    return {
      queues: [this.#queue],
      reads: [this.#pods, this.#nodes, this.#budgets, ...this.#lookups.reads],
      stop: () => {
        for (const stop of stops) stop();
      },
    };
  }

  #nodeChanged(name: string, now: Node | undefined, before: Node | undefined): void {
    if (now === undefined) this.#cluster.removeNode(name);
    else this.#cluster.setNode(now);
    for (const change of nodeChanges(now, before)) this.#queue.changed(change);
  }

  #podChanged(key: string, now: Pod | undefined, before: Pod | undefined): void {
    if (now !== undefined && needsNode(now)) {
      this.#pendingChanged(key, now, before);
      return;
    }
    this.#queue.forget(key);
    this.#assumed.delete(key);
    const promised = this.#cluster.nominations.nodeOf(key) !== undefined;
    this.#cluster.nominations.remove(key);
    if (now !== undefined && isPlaced(now)) this.#cluster.place(now, now.spec?.nodeName ?? '');
    else this.#cluster.remove(key);
    const change = podChange(now, before);
    if (change !== undefined) this.#queue.changed(change);
    // The room that was kept for it is free.
    else if (promised && now === undefined) this.#queue.changed('pod gone');
  }

  #pendingChanged(key: string, now: Pod, before: Pod | undefined): void {
    const { uid } = now.metadata ?? {};
    if (this.#assumed.has(key)) {
      if (this.#assumed.get(key) === uid) return;
      // A namesake of the one that we placed.
      this.#assumed.delete(key);
    }
    this.#cluster.remove(key);
    const [promised, earlier] = [now.status?.nominatedNodeName ?? '', before?.status?.nominatedNodeName ?? ''];
    if (promised !== earlier) {
      if (promised === '') this.#cluster.nominations.remove(key);
      else this.#cluster.nominations.set(now, promised);
    }
    // Our own note of failure must not start the next try.
    if (before === undefined || !sameWish(now, before)) this.#queue.add(key, podInfo(now).priority);
  }

  async #schedule(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod === undefined || !needsNode(pod) || this.#assumed.has(key)) {
      this.#queue.forget(key);
      return;
    }
    const info = podInfo(pod);
    const cluster = this.#cluster.view(this.#lookups);
    const { node, unfit } = this.#finder.find(info, cluster);
    if (unfit !== undefined) await this.#fail(info, unfit, cluster);
    else await this.#place(info, node, cluster);
  }

  async #place(info: PodInfo, nodeName: string, cluster: ClusterView): Promise<void> {
    const { pod, key } = info;
    const claims = openClaims(info, cluster);
    const node = cluster.node(nodeName);
    if (claims.length > 0 && node !== undefined) {
      // Its room is kept while volumes are made; once they are bound they lead it here.
      this.#cluster.nominations.set(pod, nodeName);
      this.#queue.park(key, new Set(['storage']));
      await chooseVolumes(this.#context.client, claims, node, cluster);
      return;
    }
    this.#assumed.set(key, pod.metadata?.uid);
    this.#cluster.place(pod, nodeName);
    this.#cluster.nominations.remove(key);
    try {
      await bindPod(this.#context, pod, nodeName);
    } catch (error) {
      await this.#bindingFailed(info, error as Error);
    }
    // Shown on its node already, or soon.
    const shown = this.#pods.get(key);
    if (shown === undefined || !needsNode(shown)) this.#assumed.delete(key);
  }

  async #bindingFailed({ key, pod }: PodInfo, error: Error): Promise<void> {
    if (!this.#assumed.delete(key)) return;
    this.#cluster.remove(key);
    const shown = this.#pods.get(key);
    if (shown === undefined || !needsNode(shown)) return;
    this.#queue.changed('pod gone');
    this.#queue.retry(key);
    // Gone, replaced, or bound by someone else: the informer will tell.
    if (isStatus(error, 404) || isStatus(error, 409)) return;
    const message = `binding rejected: ${error.message}`;
    await tellWaiting(this.#context, pod, { reason: 'SchedulerError', message });
  }

  async #fail(info: PodInfo, unfit: Unfit, cluster: ClusterView): Promise<void> {
    const { key, pod } = info;
    const { random } = this.#context;
    const preemption = findVictims(info, unfit, cluster, this.#budgets.list(), random);
    const { candidate } = preemption;
    // Before anything is awaited: a change that comes meanwhile must find the pod waiting for it.
    this.#queue.park(key, changesThatHelp(unfit.filters));
    if (candidate !== undefined) {
      const { node } = candidate;
      await this.#preempt(info, candidate);
      await tellWaiting(this.#context, pod, { reason: 'Unschedulable', message: unfit.message, nominated: node });
      return;
    }
    const message = cluster.nodes.length === 0 ? unfit.message : `${unfit.message} preemption: ${preemption.message}`;
    if (!preemption.wait) this.#cluster.nominations.remove(key);
    const nominated = preemption.wait ? {} : { nominated: null };
    await tellWaiting(this.#context, pod, { reason: 'Unschedulable', message, ...nominated });
  }

  async #preempt(info: PodInfo, { node, victims }: Candidate): Promise<void> {
    const { nominations } = this.#cluster;
    const outdone = nominations.on(node).filter(({ priority }) => priority < info.priority);
    nominations.set(info.pod, node);
    for (const other of outdone) nominations.remove(other.key);
    try {
      await Promise.all(victims.map((victim) => evictFor(this.#context, info.pod, victim.pod, node)));
      // What was promised less important pods does not hold any more; they look for another node.
      await Promise.all(outdone.map((other) => clearNomination(this.#context, other.pod)));
    } catch (error) {
      nominations.remove(info.key);
      throw error;
    }
    for (const other of outdone) this.#queue.add(other.key, other.priority);
  }
}
