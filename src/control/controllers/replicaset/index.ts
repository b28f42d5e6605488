// ReplicaSet: keeps the number of pods that match a selector at what the spec says.
// Knows nothing of Deployments beyond the owner that related ReplicaSets share.
import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { Expectations } from '../common/expectations.ts';
import { BY_CONTROLLER, byController, claim, controllerOf, controllerReference, orphanKey } from '../common/owners.ts';
import { deletePodOf } from '../common/pod-writes.ts';
import { isPodActive } from '../common/pods.ts';
import { slowStart } from '../common/slow-start.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { podsToDelete } from './ranking.ts';
import { nextAvailability, type ReplicaFailure, replicaSetStatus } from './status.ts';

const REPLICA_SETS = builtin('ReplicaSet');
const PODS = builtin('Pod');
/** Pods created or deleted in one reconcile at most, as upstream. */
const BURST = 500;

export const replicaSetController: Controller = {
  name: 'replicaset',
  component: 'replicaset-controller',
  setup: (context) => new ReplicaSetController(context).parts(),
};

class ReplicaSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#sets = context.informers.of<ReplicaSet>(REPLICA_SETS);
    this.#pods = context.informers.of<Pod>(PODS);
    this.#pods.addIndex(BY_CONTROLLER, byController);
    this.#sets.addIndex(BY_CONTROLLER, byController);
    this.#expectations = new Expectations(context.clock);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('replicaset', (key) => this.#reconcile(key), { clock, log, workers: 5 });
    this.#sets.onChange((key, now, before) => {
      // A new set under an old name must not inherit what its predecessor waited for.
      if (now === undefined || (before !== undefined && before.metadata?.uid !== now.metadata?.uid)) {
        this.#expectations.forget(key);
      }
      queue.add(key);
    });
    this.#pods.onChange((podKey, now, before) => this.#podChanged(podKey, now, before, queue.add.bind(queue)));
    return { queues: [queue], reads: [this.#sets, this.#pods] };
  }

  #podChanged(podKey: string, now: Pod | undefined, before: Pod | undefined, add: (key: string) => void): void {
    const going = now === undefined || now.metadata?.deletionTimestamp !== undefined;
    for (const pod of [before, now]) {
      if (pod === undefined) continue;
      const owner = this.#setOf(pod);
      if (owner === undefined) {
        // An orphan may be adopted by any set whose selector it matches.
        if (pod === now && controllerOf(pod) === undefined) for (const key of this.#setsMatching(pod)) add(key);
        continue;
      }
      if (going) this.#expectations.deleted(owner, podKey);
      else if (before === undefined) this.#expectations.created(owner);
      add(owner);
    }
  }

  #setOf(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return undefined;
    return `${pod.metadata?.namespace}/${owner.name}`;
  }

  #setsMatching(pod: Pod): string[] {
    return this.#sets
      .list(pod.metadata?.namespace)
      .filter((set) => labelSelectorMatches(set.spec?.selector, pod.metadata?.labels ?? {}))
      .map(objectKey);
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const { client, clock } = this.#context;
    const set = this.#sets.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      return undefined;
    }
    const trusted = this.#expectations.satisfied(key);
    const { uid = '', namespace } = set.metadata ?? {};
    const candidates = [
      ...this.#pods.byIndex(BY_CONTROLLER, uid),
      ...this.#pods.byIndex(BY_CONTROLLER, orphanKey(namespace)),
    ].filter(isPodActive);
    const pods = await claim<Pod>({
      client,
      ownerRef: REPLICA_SETS,
      owner: set,
      selector: set.spec?.selector,
      dependentRef: PODS,
      candidates,
    });
    let outcome: Outcome = {};
    if (trusted && set.metadata?.deletionTimestamp === undefined) outcome = await this.#scale(key, set, pods);
    const now = clock.wall();
    const status = replicaSetStatus(set, pods, outcome.failure, now, timestamp(now));
    if (!semanticallyEqual(status, set.status ?? {})) {
      await client.update<ReplicaSet>(REPLICA_SETS, { ...set, status }, { subresource: 'status' });
    }
    if (outcome.error !== undefined) throw outcome.error;
    const next = nextAvailability(pods, set.spec?.minReadySeconds ?? 0, now);
    return next === undefined ? undefined : { requeueAfterMs: next };
  }

  async #scale(key: string, set: ReplicaSet, pods: readonly Pod[]): Promise<Outcome> {
    const missing = (set.spec?.replicas ?? 1) - pods.length;
    if (missing > 0) return this.#create(key, set, Math.min(missing, BURST));
    if (missing < 0) return this.#delete(key, set, pods, Math.min(-missing, BURST));
    return {};
  }

  async #create(key: string, set: ReplicaSet, count: number): Promise<Outcome> {
    const { client, events } = this.#context;
    this.#expectations.expect(key, count);
    const { succeeded, error } = await slowStart(count, async () => {
      const created = await client.create<Pod>(PODS, podFrom(set));
      events.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
    });
    // What failed or was not tried will never be seen; not waiting for it lets the next run try again.
    this.#expectations.created(key, count - succeeded);
    if (error === undefined) return {};
    // In a namespace that is being deleted nothing can be created, and nothing should be.
    if (isStatus(error, 403) && error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating'))
      return {};
    const { message } = error as Error;
    events.event(set, 'Warning', 'FailedCreate', `Error creating: ${message}`);
    return { error, failure: { reason: 'FailedCreate', message } };
  }

  async #delete(key: string, set: ReplicaSet, pods: readonly Pod[], count: number): Promise<Outcome> {
    const { clock } = this.#context;
    const chosen = podsToDelete(pods, this.#relatedPods(set), count, clock.wall());
    this.#expectations.expect(key, 0, chosen.map(objectKey));
    const outcomes = await Promise.allSettled(
      chosen.map((pod) => deletePodOf(set, key, pod, this.#context, this.#expectations)),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return {};
    const { message } = failed.reason as Error;
    return { error: failed.reason, failure: { reason: 'FailedDelete', message } };
  }

  /** Active pods of every ReplicaSet under the same owner, this one among them. */
  #relatedPods(set: ReplicaSet): Pod[] {
    const owner = controllerOf(set);
    const family = owner === undefined ? [set] : this.#sets.byIndex(BY_CONTROLLER, owner.uid);
    return family
      .flatMap((member) => this.#pods.byIndex(BY_CONTROLLER, member.metadata?.uid ?? ''))
      .filter(isPodActive);
  }
}

interface Outcome {
  readonly error?: unknown;
  readonly failure?: ReplicaFailure;
}

function podFrom(set: ReplicaSet): Pod {
  const { template } = set.spec ?? {};
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: set.metadata?.namespace,
      generateName: `${set.metadata?.name}-`,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(REPLICA_SETS, set)],
    },
    ...(template?.spec === undefined ? {} : { spec: template.spec }),
  };
}
