// Deployment: rolls a pod template out through ReplicaSets, one per template, so that it can be rolled back.
// Creates no pod; the ReplicaSet controller does.
import type { Deployment, DeploymentStatus, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { BY_CONTROLLER, byController, claim, controllerOf, orphanKey } from '../common/owners.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { baseStatus, desiredReplicas, isComplete, pauseCondition, rolloutStatus, untilDeadline } from './progress.ts';
import { findNewSet } from './revisions.ts';
import { hasOldPods, isScaling, rollingStep, type Sets, scaleDownForRecreate, scaleStep } from './rollout.ts';
import { cleanUp, createNew, DEPLOYMENTS, noteCondition, REPLICA_SETS, scaleSet, syncExisting } from './sets.ts';

export const deploymentController: Controller = {
  name: 'deployment',
  component: 'deployment-controller',
  setup: (context) => new DeploymentController(context).parts(),
};

class DeploymentController {
  readonly #context: ControllerContext;
  readonly #deployments: Informer<Deployment>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#deployments = context.informers.of<Deployment>(DEPLOYMENTS);
    this.#sets = context.informers.of<ReplicaSet>(REPLICA_SETS);
    this.#pods = context.informers.of<Pod>(builtin('Pod'));
    this.#sets.addIndex(BY_CONTROLLER, byController);
    this.#pods.addIndex(BY_CONTROLLER, byController);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('deployment', (key) => this.#reconcile(key), { clock, log, workers: 5 });
    this.#deployments.onChange((key) => queue.add(key));
    this.#sets.onChange((_key, now, before) => {
      for (const set of [before, now]) for (const key of this.#deploymentsFor(set)) queue.add(key);
    });
    // Recreate waits for the last old pod; nothing else here depends on single pods.
    this.#pods.onChange((_key, now, before) => {
      if (now !== undefined || before === undefined) return;
      const key = this.#recreatedBy(before);
      if (key !== undefined) queue.add(key);
    });
    return { queues: [queue], reads: [this.#deployments, this.#sets, this.#pods] };
  }

  #deploymentsFor(set: ReplicaSet | undefined): string[] {
    if (set === undefined) return [];
    const owner = controllerOf(set);
    if (owner !== undefined) return owner.kind === 'Deployment' ? [`${set.metadata?.namespace}/${owner.name}`] : [];
    return this.#deployments
      .list(set.metadata?.namespace)
      .filter((deployment) => labelSelectorMatches(deployment.spec?.selector, set.metadata?.labels ?? {}))
      .map(objectKey);
  }

  #recreatedBy(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return undefined;
    const set = this.#sets.get(`${pod.metadata?.namespace}/${owner.name}`);
    return this.#deploymentsFor(set).find((key) => this.#deployments.get(key)?.spec?.strategy?.type === 'Recreate');
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const deployment = this.#deployments.get(key);
    if (deployment === undefined) return undefined;
    const { selector } = deployment.spec ?? {};
    if (Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0) {
      const text = 'This deployment is selecting all pods. A non-empty selector is required.';
      this.#context.events.event(deployment, 'Warning', 'SelectingAll', text);
      return undefined;
    }
    const sets = await this.#ownSets(deployment);
    if (deployment.metadata?.deletionTimestamp !== undefined) {
      return this.#writeStatus(deployment, this.#base(deployment, this.#split(deployment, sets)));
    }
    return this.#step(deployment, sets);
  }

  async #step(found: Deployment, sets: readonly ReplicaSet[]): Promise<ReconcileResult> {
    let deployment = found;
    const pause = pauseCondition(deployment, this.#context.clock.wall());
    if (pause !== undefined) deployment = await noteCondition(this.#context.client, deployment, pause);
    const split = this.#split(deployment, sets);
    const paused = deployment.spec?.paused === true;
    if (paused || isScaling(deployment, split)) {
      const synced = await this.#syncRevision(deployment, split, false);
      const scaled = await scaleStep(this.#context, synced.deployment, synced.sets);
      if (paused) await cleanUp(this.#context, synced.deployment, scaled.old);
      return this.#writeStatus(synced.deployment, this.#base(synced.deployment, scaled));
    }
    return deployment.spec?.strategy?.type === 'Recreate'
      ? this.#recreate(deployment, split)
      : this.#roll(deployment, split);
  }

  async #roll(found: Deployment, split: Sets): Promise<ReconcileResult> {
    const { deployment, sets } = await this.#syncRevision(found, split, true);
    const next = await rollingStep(this.#context, deployment, sets);
    return this.#finish(deployment, next);
  }

  async #recreate(found: Deployment, split: Sets): Promise<ReconcileResult> {
    const { deployment, sets } = await this.#syncRevision(found, split, false);
    if (await scaleDownForRecreate(this.#context, deployment, sets.old)) return this.#finish(deployment, sets);
    const pods = [...sets.old, ...(sets.fresh === undefined ? [] : [sets.fresh])].map(
      (set) => [set, this.#pods.byIndex(BY_CONTROLLER, set.metadata?.uid ?? '')] as const,
    );
    if (hasOldPods(pods, sets.fresh)) return this.#finish(deployment, sets);
    const ready = await this.#syncRevision(deployment, sets, true);
    if (ready.sets.fresh === undefined) return undefined;
    const fresh = await scaleSet(this.#context, ready.deployment, ready.sets.fresh, desiredReplicas(ready.deployment));
    return this.#finish(ready.deployment, { fresh, old: ready.sets.old });
  }

  async #finish(deployment: Deployment, sets: Sets): Promise<ReconcileResult> {
    if (isComplete(deployment, deployment.status ?? {})) await cleanUp(this.#context, deployment, sets.old);
    const now = this.#context.clock.wall();
    return this.#writeStatus(deployment, rolloutStatus(deployment, everySet(sets), sets.fresh, now));
  }

  async #syncRevision(
    deployment: Deployment,
    { fresh, old }: Sets,
    create: boolean,
  ): Promise<{ deployment: Deployment; sets: Sets }> {
    if (fresh === undefined && !create) return { deployment, sets: { fresh, old } };
    const synced =
      fresh === undefined
        ? await createNew(this.#context, deployment, old)
        : await syncExisting(this.#context, deployment, fresh, old);
    return { deployment: synced.deployment, sets: { fresh: synced.fresh, old } };
  }

  #base(deployment: Deployment, sets: Sets): DeploymentStatus {
    return baseStatus(deployment, everySet(sets), sets.fresh, this.#context.clock.wall());
  }

  async #writeStatus(deployment: Deployment, status: DeploymentStatus): Promise<ReconcileResult> {
    if (!semanticallyEqual(status, deployment.status)) {
      await this.#context.client.update<Deployment>(DEPLOYMENTS, { ...deployment, status }, { subresource: 'status' });
    }
    if (deployment.spec?.paused === true) return undefined;
    const wait = untilDeadline(deployment, status, this.#context.clock.wall());
    return wait === undefined ? undefined : { requeueAfterMs: wait };
  }

  #split(deployment: Deployment, sets: readonly ReplicaSet[]): Sets {
    const fresh = findNewSet(deployment, sets);
    return { fresh, old: sets.filter((set) => set !== fresh) };
  }

  #ownSets(deployment: Deployment): Promise<ReplicaSet[]> {
    const { uid = '', namespace } = deployment.metadata ?? {};
    return claim<ReplicaSet>({
      client: this.#context.client,
      ownerRef: DEPLOYMENTS,
      owner: deployment,
      selector: deployment.spec?.selector,
      dependentRef: REPLICA_SETS,
      candidates: [
        ...this.#sets.byIndex(BY_CONTROLLER, uid),
        ...this.#sets.byIndex(BY_CONTROLLER, orphanKey(namespace)),
      ],
    });
  }
}

function everySet({ fresh, old }: Sets): ReplicaSet[] {
  return fresh === undefined ? [...old] : [...old, fresh];
}
