// StatefulSet: pods with names and claims of their own, made, updated and removed in order.
// The order is decided in decide.ts; here it is carried out.
import type { ControllerRevision, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { BY_CONTROLLER, byController, claim, controllerOf, orphanKey } from '../common/owners.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { nextAvailability } from '../replicaset/status.ts';
import { REVISION_HASH, templateOf } from '../revisions/data.ts';
import { type Current, History } from '../revisions/history.ts';
import { CLAIMS, ensureClaims, PODS, retain, usesClaims } from './claims.ts';
import { keepsCurrentRevision, nextSteps, ordinals, type Situation, type Step } from './decide.ts';
import { missingLabels, ordinalOf, podFor, podName, podRevision, STATEFUL_SETS } from './identity.ts';
import { situationOf, statefulSetStatus } from './status.ts';

export const statefulSetController: Controller = {
  name: 'statefulset',
  component: 'statefulset-controller',
  setup: (context) => new StatefulSetController(context).parts(),
};

class StatefulSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #revisions: Informer<ControllerRevision>;
  readonly #history: History;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#sets = context.informers.of<StatefulSet>(STATEFUL_SETS);
    this.#pods = context.informers.of<Pod>(PODS);
    this.#claims = context.informers.of<PersistentVolumeClaim>(CLAIMS);
    this.#revisions = context.informers.of<ControllerRevision>(builtin('ControllerRevision'));
    this.#pods.addIndex(BY_CONTROLLER, byController);
    const of = { ownerRef: STATEFUL_SETS, hashLabel: REVISION_HASH };
    this.#history = new History(context.client, this.#revisions, of);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('statefulset', (key) => this.#reconcile(key), { clock, log, workers: 5 });
    this.#sets.onChange((key) => queue.add(key));
    this.#pods.onChange((_key, now, before) => {
      for (const pod of [before, now]) for (const key of this.#setsOf(pod)) queue.add(key);
    });
    // A claim that went makes room for a new one of its name.
    this.#claims.onChange((_key, now, before) => {
      if (now !== undefined || before === undefined) return;
      for (const set of this.#sets.list(before.metadata?.namespace)) if (usesClaims(set)) queue.add(objectKey(set));
    });
    return { queues: [queue], reads: [this.#sets, this.#pods, this.#claims, this.#revisions] };
  }

  #setsOf(pod: Pod | undefined): string[] {
    if (pod === undefined) return [];
    const owner = controllerOf(pod);
    if (owner !== undefined) return owner.kind === 'StatefulSet' ? [`${pod.metadata?.namespace}/${owner.name}`] : [];
    return this.#sets
      .list(pod.metadata?.namespace)
      .filter((set) => labelSelectorMatches(set.spec?.selector, pod.metadata?.labels ?? {}))
      .map(objectKey);
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const set = this.#sets.get(key);
    if (set === undefined) return undefined;
    const pods = await this.#ownPods(set);
    if (set.metadata?.deletionTimestamp !== undefined) return undefined;
    const history = await this.#history.sync(set);
    const now = this.#context.clock.wall();
    const current = currentOf(set, history);
    const revisions = { current: nameOf(current), update: nameOf(history.update) };
    const situation = situationOf(set, pods, revisions.update, now);
    const failure = await this.#carryOut(set, pods, situation, { current, update: history.update });
    const status = statefulSetStatus(set, pods, revisions, history.collisionCount, now);
    if (!semanticallyEqual(status, set.status)) {
      await this.#context.client.update<StatefulSet>(STATEFUL_SETS, { ...set, status }, { subresource: 'status' });
    }
    if (failure !== undefined) throw failure;
    const live = [status.currentRevision, status.updateRevision, revisions.current, ...pods.map(podRevision)];
    await this.#history.truncate(set, history.all, new Set(live.flatMap((name) => name ?? [])));
    const wait = nextAvailability(pods, set.spec?.minReadySeconds ?? 0, now);
    return wait === undefined ? undefined : { requeueAfterMs: wait };
  }

  #ownPods(set: StatefulSet): Promise<Pod[]> {
    const { uid = '', namespace } = set.metadata ?? {};
    const mine = (pod: Pod): boolean => ordinalOf(set, pod) !== undefined;
    return claim<Pod>({
      client: this.#context.client,
      ownerRef: STATEFUL_SETS,
      owner: set,
      selector: set.spec?.selector,
      dependentRef: PODS,
      candidates: [
        ...this.#pods.byIndex(BY_CONTROLLER, uid),
        ...this.#pods.byIndex(BY_CONTROLLER, orphanKey(namespace)).filter(mine),
      ],
    });
  }

  /** The first failure, once everything has been tried: what worked is to be counted all the same. */
  async #carryOut(
    set: StatefulSet,
    pods: readonly Pod[],
    situation: Situation,
    revisions: Revisions,
  ): Promise<unknown> {
    const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
    const wanted = new Set(ordinals(situation));
    const outcomes = await Promise.allSettled([
      ...pods.map((pod) => this.#keepUp(set, pod, !wanted.has(ordinalOf(set, pod) ?? -1))),
    ]);
    const steps = await Promise.allSettled(
      nextSteps(situation).map((step) => this.#take(step, set, byOrdinal.get(step.ordinal), situation, revisions)),
    );
    return [...outcomes, ...steps].find((outcome) => outcome.status === 'rejected')?.reason;
  }

  /** What belongs to a pod's identity and can be put right while it runs. */
  async #keepUp(set: StatefulSet, pod: Pod, condemned: boolean): Promise<void> {
    if (usesClaims(set)) await retain(this.#context, this.#claims, set, pod, condemned);
    const labels = missingLabels(set, pod);
    if (labels === undefined || pod.metadata?.deletionTimestamp !== undefined) return;
    const { name = '', namespace, uid } = pod.metadata ?? {};
    await this.#context.client.patch(PODS, name, namespace, 'merge', { metadata: { uid, labels } });
    const message = `update Pod ${name} in StatefulSet ${set.metadata?.name} successful`;
    this.#context.events.event(set, 'Normal', 'SuccessfulUpdate', message);
  }

  async #take(
    step: Step,
    set: StatefulSet,
    pod: Pod | undefined,
    situation: Situation,
    revisions: Revisions,
  ): Promise<void> {
    if (step.do === 'create') return this.#create(set, step.ordinal, situation, revisions);
    if (pod === undefined) return;
    if (step.do === 'replace') {
      const failed = pod.status?.phase === 'Failed';
      const [type, reason, word] = failed
        ? (['Warning', 'RecreatingFailedPod', 'failed'] as const)
        : (['Normal', 'RecreatingTerminatedPod', 'terminated'] as const);
      const { namespace, name } = set.metadata ?? {};
      const message = `StatefulSet ${namespace}/${name} is recreating ${word} Pod ${pod.metadata?.name}`;
      this.#context.events.event(set, type, reason, message);
    }
    await this.#delete(set, pod);
  }

  async #create(set: StatefulSet, ordinal: number, situation: Situation, revisions: Revisions): Promise<void> {
    const { client, events } = this.#context;
    const name = podName(set, ordinal);
    if (!(await ensureClaims(this.#context, this.#claims, set, ordinal))) return;
    const bare = set.spec?.updateStrategy?.rollingUpdate === undefined;
    const counted = bare ? (set.status?.currentReplicas ?? 0) : undefined;
    const revision = keepsCurrentRevision(situation, counted, ordinal) ? revisions.current : revisions.update;
    try {
      await client.create<Pod>(PODS, podFor(set, templateOf(revision), nameOf(revision), ordinal));
      const message = `create Pod ${name} in StatefulSet ${set.metadata?.name} successful`;
      events.event(set, 'Normal', 'SuccessfulCreate', message);
    } catch (error) {
      // Made in the round before, and not shown by the informer yet; or another's, which the claim will tell.
      if (isStatus(error, 409) && (await this.#isOwn(set, name))) return;
      if (isStatus(error, 403) && error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating'))
        return;
      const message = `create Pod ${name} in StatefulSet ${set.metadata?.name} failed error: ${(error as Error).message}`;
      events.event(set, 'Warning', 'FailedCreate', message);
      throw error;
    }
  }

  async #isOwn(set: StatefulSet, name: string): Promise<boolean> {
    try {
      const pod = await this.#context.client.get<Pod>(PODS, name, set.metadata?.namespace);
      return controllerOf(pod)?.uid === set.metadata?.uid;
    } catch (error) {
      if (isStatus(error, 404)) return true;
      throw error;
    }
  }

  async #delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { client, events } = this.#context;
    const { name = '', namespace, uid } = pod.metadata ?? {};
    try {
      await client.delete(PODS, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
      const message = `delete Pod ${name} in StatefulSet ${set.metadata?.name} successful`;
      events.event(set, 'Normal', 'SuccessfulDelete', message);
    } catch (error) {
      if (isStatus(error, 404) || isStatus(error, 409)) return;
      const message = `delete Pod ${name} in StatefulSet ${set.metadata?.name} failed error: ${(error as Error).message}`;
      events.event(set, 'Warning', 'FailedDelete', message);
      throw error;
    }
  }
}

interface Revisions {
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
}

/** A new set, or one whose current revision is gone, is at its update revision. */
function currentOf(set: StatefulSet, { all, update }: Current): ControllerRevision {
  return all.find((each) => nameOf(each) === set.status?.currentRevision) ?? update;
}

function nameOf(revision: ControllerRevision): string {
  return revision.metadata?.name ?? '';
}
