// The writes of a rollout: makes the new ReplicaSet, scales sets, removes old ones, keeps the revision.
// Decides nothing about sizes; arithmetic.ts and rollout.ts do.
import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { findCondition, withCondition } from '../common/conditions.ts';
import { controllerOf, controllerReference } from '../common/owners.ts';
import type { ControllerContext } from '../controller.ts';
import { newSetSize, sum } from './arithmetic.ts';
import { desiredReplicas, hasDeadline, limits, progressCondition } from './progress.ts';
import {
  HASH_LABEL,
  newSetAnnotations,
  nextRevision,
  REVISION,
  revisionOf,
  sameTemplate,
  sizeAnnotations,
  templateHash,
} from './revisions.ts';

export const DEPLOYMENTS = builtin('Deployment');
export const REPLICA_SETS = builtin('ReplicaSet');

/** The Deployment as it stands after a write, with the set that carries its template. */
export interface Synced {
  readonly deployment: Deployment;
  readonly fresh: ReplicaSet | undefined;
}

/** Brings revision, annotations and minReadySeconds of an existing new set up to date. */
export async function syncExisting(
  { client, clock }: ControllerContext,
  deployment: Deployment,
  fresh: ReplicaSet,
  old: readonly ReplicaSet[],
): Promise<Synced> {
  const annotations = newSetAnnotations(
    deployment,
    fresh.metadata?.annotations ?? {},
    nextRevision(old),
    sizesOf(deployment),
  );
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  let current = fresh;
  if (
    !semanticallyEqual(annotations, fresh.metadata?.annotations) ||
    (fresh.spec?.minReadySeconds ?? 0) !== minReadySeconds
  ) {
    current = await client.update<ReplicaSet>(REPLICA_SETS, {
      ...fresh,
      metadata: { ...fresh.metadata, annotations },
      spec: { ...(fresh.spec ?? { selector: {} }), minReadySeconds },
    });
  }
  const found = progressCondition(
    'True',
    'FoundNewReplicaSet',
    `Found new replica set "${fresh.metadata?.name}"`,
    clock.wall(),
  );
  const first = findCondition(deployment.status?.conditions, 'Progressing') === undefined;
  return { fresh: current, deployment: await noteRevision(client, deployment, current, first ? found : undefined) };
}

/** Creates the new set at the size that the surge allows. Throws after counting a collision of the hash. */
export async function createNew(
  context: ControllerContext,
  deployment: Deployment,
  old: readonly ReplicaSet[],
): Promise<Synced> {
  const { client, clock, events } = context;
  const set = newSet(deployment, old);
  const name = set.metadata?.name ?? '';
  let created: ReplicaSet;
  try {
    created = await client.create<ReplicaSet>(REPLICA_SETS, set);
  } catch (error) {
    if (isStatus(error, 409)) return { fresh: await existingOrCollision(context, deployment, set), deployment };
    const { message } = error as Error;
    const text = `Failed to create new replica set "${name}": ${message}`;
    if (hasDeadline(deployment)) {
      await noteCondition(client, deployment, progressCondition('False', 'ReplicaSetCreateError', text, clock.wall()));
    }
    events.event(deployment, 'Warning', 'ReplicaSetCreateError', text);
    throw error;
  }
  if ((set.spec?.replicas ?? 0) > 0) {
    const text = `Scaled up replica set ${name} from 0 to ${set.spec?.replicas}`;
    events.event(deployment, 'Normal', 'ScalingReplicaSet', text);
  }
  const made = progressCondition('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`, clock.wall());
  return { fresh: created, deployment: await noteRevision(client, deployment, created, made) };
}

function newSet(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet {
  const { name = '', namespace } = deployment.metadata ?? {};
  const { template, selector, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template?.metadata?.labels, [HASH_LABEL]: hash };
  const desired = desiredReplicas(deployment);
  const total = sum(old.map((set) => set.spec?.replicas ?? 0));
  const recreate = deployment.spec?.strategy?.type === 'Recreate';
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: newSetAnnotations(deployment, undefined, nextRevision(old), sizesOf(deployment)),
      ownerReferences: [controllerReference(DEPLOYMENTS, deployment)],
    },
    spec: {
      replicas: recreate ? desired : newSetSize(desired, limits(deployment).surge, 0, total),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}

/** The name is taken: by our own set that the informer has not shown yet, or by another template with the same hash. */
async function existingOrCollision(
  { client }: ControllerContext,
  deployment: Deployment,
  set: ReplicaSet,
): Promise<ReplicaSet> {
  const { name = '', namespace, uid } = { ...set.metadata, uid: deployment.metadata?.uid };
  const existing = await client.get<ReplicaSet>(REPLICA_SETS, name, namespace);
  if (controllerOf(existing)?.uid === uid && sameTemplate(existing.spec?.template, deployment.spec?.template)) {
    return existing;
  }
  const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
  await client.update(DEPLOYMENTS, { ...deployment, status: { ...deployment.status, collisionCount } } as Deployment, {
    subresource: 'status',
  });
  throw new Error(`Name "${name}" for the new ReplicaSet is taken by another one; trying another hash`);
}

/** Sets the size and the sizes that the set remembers; tells of it. Returns the set as it now stands. */
export async function scaleSet(
  { client, events }: ControllerContext,
  deployment: Deployment,
  set: ReplicaSet,
  replicas: number,
): Promise<ReplicaSet> {
  const before = set.spec?.replicas ?? 1;
  const annotations = { ...set.metadata?.annotations, ...sizeAnnotations(sizesOf(deployment)) };
  if (before === replicas && semanticallyEqual(annotations, set.metadata?.annotations)) return set;
  const updated = await client.update<ReplicaSet>(REPLICA_SETS, {
    ...set,
    metadata: { ...set.metadata, annotations },
    spec: { ...(set.spec ?? { selector: {} }), replicas },
  });
  if (before !== replicas) {
    const direction = replicas > before ? 'up' : 'down';
    const text = `Scaled ${direction} replica set ${set.metadata?.name} from ${before} to ${replicas}`;
    events.event(deployment, 'Normal', 'ScalingReplicaSet', text);
  }
  return updated;
}

/** Deletes the oldest empty sets beyond spec.revisionHistoryLimit. */
export async function cleanUp(
  { client }: ControllerContext,
  deployment: Deployment,
  old: readonly ReplicaSet[],
): Promise<void> {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const alive = old.filter((set) => set.metadata?.deletionTimestamp === undefined);
  const surplus = [...alive].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, alive.length - limit));
  for (const set of surplus) {
    const observed = (set.status?.observedGeneration ?? 0) >= (set.metadata?.generation ?? 0);
    if ((set.status?.replicas ?? 0) !== 0 || (set.spec?.replicas ?? 0) !== 0 || !observed) continue;
    try {
      await client.delete(REPLICA_SETS, set.metadata?.name ?? '', set.metadata?.namespace, {
        propagationPolicy: 'Background',
      });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
}

/** Writes the new set's revision to the Deployment, where rollout history finds it, and a condition if given. */
async function noteRevision(
  client: ControllerContext['client'],
  deployment: Deployment,
  fresh: ReplicaSet,
  condition: Parameters<typeof noteCondition>[2] | undefined,
): Promise<Deployment> {
  let current = deployment;
  const revision = fresh.metadata?.annotations?.[REVISION];
  if (revision !== undefined && deployment.metadata?.annotations?.[REVISION] !== revision) {
    const { name = '', namespace, resourceVersion } = deployment.metadata ?? {};
    const patch = { metadata: { resourceVersion, annotations: { [REVISION]: revision } } };
    current = await client.patch<Deployment>(DEPLOYMENTS, name, namespace, 'merge', patch);
  }
  if (condition === undefined || !hasDeadline(deployment)) return current;
  return noteCondition(client, current, condition);
}

export async function noteCondition(
  client: ControllerContext['client'],
  deployment: Deployment,
  condition: ReturnType<typeof progressCondition>,
): Promise<Deployment> {
  const conditions = withCondition(deployment.status?.conditions, condition);
  if (semanticallyEqual(conditions, deployment.status?.conditions)) return deployment;
  const next = { ...deployment, status: { ...deployment.status, conditions } };
  return client.update<Deployment>(DEPLOYMENTS, next, { subresource: 'status' });
}

function sizesOf(deployment: Deployment): { desired: number; max: number } {
  const desired = desiredReplicas(deployment);
  return { desired, max: desired + limits(deployment).surge };
}
