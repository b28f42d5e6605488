// DaemonSet: one pod on every node that wants it, replaced node by node when the template changes.
// Binds no pod: each says by its affinity which node it is for, and the scheduler does the rest.
import type { ControllerRevision, DaemonSet } from 'kubernetes-types/apps/v1.js';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { backoffDelay } from '#lib/backoff.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { Expectations } from '../common/expectations.ts';
import { BY_CONTROLLER, byController, claim, controllerOf, orphanKey } from '../common/owners.ts';
import { deletePodOf } from '../common/pod-writes.ts';
import { isPodAvailable, isPodFinished } from '../common/pods.ts';
import { slowStart } from '../common/slow-start.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { nextAvailability } from '../replicaset/status.ts';
import { POD_REVISION } from '../revisions/data.ts';
import { History } from '../revisions/history.ts';
import { manage } from './manage.ts';
import { nodeOf, wantedOn } from './placement.ts';
import { DAEMON_SETS, podFor } from './pod-for.ts';
import { daemonSetStatus, type NodeEntry } from './status.ts';
import { limits, type NodePods, updateStep } from './update.ts';

const PODS = builtin('Pod');
/** A pod that failed is replaced this long after, doubling. */
const BACKOFF = { baseMs: 1_000, capMs: 15 * 60_000 };

export const daemonSetController: Controller = {
  name: 'daemonset',
  component: 'daemonset-controller',
  setup: (context) => new DaemonSetController(context).parts(),
};

class DaemonSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<DaemonSet>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #history: History;
  readonly #expectations: Expectations;
  /** By set and node. */
  readonly #failures = new Map<string, { count: number; notBefore: number }>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#sets = context.informers.of<DaemonSet>(DAEMON_SETS);
    this.#pods = context.informers.of<Pod>(PODS);
    this.#nodes = context.informers.of<Node>(builtin('Node'));
    this.#revisions = context.informers.of<ControllerRevision>(builtin('ControllerRevision'));
    this.#pods.addIndex(BY_CONTROLLER, byController);
    this.#history = new History(context.client, this.#revisions, { ownerRef: DAEMON_SETS, hashLabel: POD_REVISION });
    this.#expectations = new Expectations(context.clock);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('daemonset', (key) => this.#reconcile(key), { clock, log, workers: 2 });
    this.#sets.onChange((key, now, before) => {
      if (now === undefined || (before !== undefined && before.metadata?.uid !== now.metadata?.uid)) this.#forget(key);
      queue.add(key);
    });
    this.#pods.onChange((podKey, now, before) => this.#podChanged(podKey, now, before, (key) => queue.add(key)));
    this.#nodes.onChange((_key, now, before) => {
      // A heartbeat changes nothing for anybody.
      const relevant = (node: Node | undefined): unknown => [node?.metadata?.labels, node?.spec];
      if (now !== undefined && before !== undefined && semanticallyEqual(relevant(now), relevant(before))) return;
      for (const set of this.#sets.list()) queue.add(objectKey(set));
    });
    return { queues: [queue], reads: [this.#sets, this.#pods, this.#nodes, this.#revisions] };
  }

  #forget(key: string): void {
    this.#expectations.forget(key);
    for (const each of this.#failures.keys()) if (each.startsWith(`${key} `)) this.#failures.delete(each);
  }

  #podChanged(podKey: string, now: Pod | undefined, before: Pod | undefined, add: (key: string) => void): void {
    const going = now === undefined || now.metadata?.deletionTimestamp !== undefined;
    for (const pod of [before, now]) {
      if (pod === undefined) continue;
      const owner = controllerOf(pod);
      if (owner === undefined) {
        if (pod === now) for (const set of this.#setsMatching(pod)) add(objectKey(set));
        continue;
      }
      if (owner.kind !== 'DaemonSet') continue;
      const key = `${pod.metadata?.namespace}/${owner.name}`;
      if (going) this.#expectations.deleted(key, podKey);
      else if (before === undefined) this.#expectations.created(key);
      add(key);
    }
  }

  #setsMatching(pod: Pod): DaemonSet[] {
    const labels = pod.metadata?.labels ?? {};
    return this.#sets.list(pod.metadata?.namespace).filter((set) => labelSelectorMatches(set.spec?.selector, labels));
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const set = this.#sets.get(key);
    if (set === undefined) {
      this.#forget(key);
      return undefined;
    }
    if (set.metadata?.deletionTimestamp !== undefined) return undefined;
    const history = await this.#history.sync(set);
    const hash = history.update.metadata?.labels?.[POD_REVISION] ?? '';
    const pods = await this.#ownPods(set);
    const entries = this.#entries(set, pods);
    const now = this.#context.clock.wall();
    const outcome = this.#expectations.satisfied(key) ? await this.#act(key, set, entries, hash, now) : {};
    const status = daemonSetStatus(set, entries, hash, history.collisionCount, now);
    if (!semanticallyEqual(status, set.status)) {
      await this.#context.client.update<DaemonSet>(DAEMON_SETS, { ...set, status }, { subresource: 'status' });
    }
    if (outcome.error !== undefined) throw outcome.error;
    const used = new Set(pods.map((pod) => pod.metadata?.labels?.[POD_REVISION]));
    const live = history.all.filter(
      (each) => each === history.update || used.has(each.metadata?.labels?.[POD_REVISION]),
    );
    await this.#history.truncate(set, history.all, new Set(live.map((each) => each.metadata?.name ?? '')));
    const waits = [outcome.waitMs, nextAvailability(pods, set.spec?.minReadySeconds ?? 0, now)];
    const wait = Math.min(...waits.map((ms) => ms ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(wait) ? { requeueAfterMs: wait } : undefined;
  }

  #ownPods(set: DaemonSet): Promise<Pod[]> {
    const { uid = '', namespace } = set.metadata ?? {};
    return claim<Pod>({
      client: this.#context.client,
      ownerRef: DAEMON_SETS,
      owner: set,
      selector: set.spec?.selector,
      dependentRef: PODS,
      candidates: [
        ...this.#pods.byIndex(BY_CONTROLLER, uid),
        ...this.#pods.byIndex(BY_CONTROLLER, orphanKey(namespace)),
      ],
    });
  }

  #entries(set: DaemonSet, pods: readonly Pod[]): NodeEntry[] {
    const created = (pod: Pod): number => Date.parse(pod.metadata?.creationTimestamp ?? '') || 0;
    const sorted = pods
      // Gone but for its processes having ended: it is in nobody's way.
      .filter((pod) => !(isPodFinished(pod) && pod.metadata?.deletionTimestamp !== undefined))
      .sort((a, b) => created(a) - created(b));
    return this.#nodes.list().map((node) => {
      const name = node.metadata?.name ?? '';
      return { node: name, ...wantedOn(set, node), pods: sorted.filter((pod) => nodeOf(pod) === name) };
    });
  }

  async #act(key: string, set: DaemonSet, entries: readonly NodeEntry[], hash: string, now: number): Promise<Outcome> {
    const rolling = set.spec?.updateStrategy?.rollingUpdate;
    const allowed = limits(rolling, entries.filter(({ run }) => run).length);
    const isFresh = (pod: Pod): boolean => pod.metadata?.labels?.[POD_REVISION] === hash;
    const { create, remove, finished } = manage(entries, isFresh, allowed.surge > 0);
    const due = finished.filter(({ node, pod }) => this.#mayReplace(key, set, node, pod));
    const gone = [...remove, ...due.map(({ pod }) => pod)];
    if (create.length > 0 || gone.length > 0) return this.#write(key, set, create, gone, hash);
    const outcome = {
      ...this.#untilReplaced(
        key,
        finished.map(({ node }) => node),
      ),
    };
    if (set.spec?.updateStrategy?.type === 'OnDelete') return outcome;
    const step = updateStep(
      entries.flatMap((entry) => this.#nodePods(set, entry, isFresh, now)),
      allowed,
    );
    const named = new Set(step.remove);
    const old = entries.flatMap(({ pods }) => pods.filter((pod) => named.has(pod.metadata?.name ?? '')));
    if (old.length + step.create.length === 0) return outcome;
    return { ...outcome, ...(await this.#write(key, set, step.create, old, hash)) };
  }

  #nodePods(set: DaemonSet, { node, run, pods }: NodeEntry, isFresh: (pod: Pod) => boolean, now: number): NodePods[] {
    if (!run && pods.length === 0) return [];
    const present = pods.filter((pod) => pod.metadata?.deletionTimestamp === undefined);
    const one = (pod: Pod) => ({
      name: pod.metadata?.name ?? '',
      available: isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, now),
    });
    const fresh = present.filter(isFresh).map(one);
    return [{ node, wanted: run, fresh, old: present.filter((pod) => !isFresh(pod)).map(one) }];
  }

  /** A pod that fails at once must not be made anew without end. */
  #mayReplace(key: string, set: DaemonSet, node: string, pod: Pod): boolean {
    const { events, clock } = this.#context;
    const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    if (pod.status?.phase === 'Succeeded') {
      const message = `Found succeeded daemon pod ${name} on node ${node}, will try to delete it`;
      events.event(set, 'Normal', 'SucceededDaemonPod', message);
      return true;
    }
    const past = this.#failures.get(`${key} ${node}`);
    if (past !== undefined && clock.now() < past.notBefore) return false;
    const count = (past?.count ?? 0) + 1;
    this.#failures.set(`${key} ${node}`, { count, notBefore: clock.now() + backoffDelay(count, BACKOFF) });
    const message = `Found failed daemon pod ${name} on node ${node}, will try to kill it`;
    events.event(set, 'Warning', 'FailedDaemonPod', message);
    return true;
  }

  #untilReplaced(key: string, nodes: readonly string[]): { waitMs?: number } {
    const now = this.#context.clock.now();
    const waits = nodes.flatMap((node) => this.#failures.get(`${key} ${node}`)?.notBefore ?? []);
    return waits.length === 0 ? {} : { waitMs: Math.max(1, Math.min(...waits) - now) };
  }

  async #write(
    key: string,
    set: DaemonSet,
    create: readonly string[],
    remove: readonly Pod[],
    hash: string,
  ): Promise<Outcome> {
    this.#expectations.expect(key, create.length, remove.map(objectKey));
    const { client, events } = this.#context;
    const made = await slowStart(create.length, async (index) => {
      const pod = await client.create<Pod>(PODS, podFor(set, create[index] ?? '', hash));
      events.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata?.name}`);
    });
    this.#expectations.created(key, create.length - made.succeeded);
    const removed = await Promise.allSettled(
      remove.map((pod) => deletePodOf(set, key, pod, this.#context, this.#expectations)),
    );
    const failed = removed.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) return { error: failed.reason };
    if (made.error === undefined) return {};
    if (
      isStatus(made.error, 403) &&
      made.error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')
    )
      return {};
    events.event(set, 'Warning', 'FailedCreate', `Error creating: ${(made.error as Error).message}`);
    return { error: made.error };
  }
}

interface Outcome {
  readonly error?: unknown;
  /** When a failed pod may be replaced. */
  readonly waitMs?: number;
}
