// One step of a rollout: rolling update, recreate, or a change of scale; each run does one step and leaves the rest.
// Knows nothing of queues; the next change of a ReplicaSet brings the next step.
import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { isPodFinished } from '../common/pods.ts';
import type { ControllerContext } from '../controller.ts';
import { newSetSize, oldSetSizes, proportionalSizes, type Size, sum } from './arithmetic.ts';
import { desiredReplicas, limits } from './progress.ts';
import { byName, DESIRED_REPLICAS, intAnnotation, MAX_REPLICAS, oldestFirst } from './revisions.ts';
import { scaleSet } from './sets.ts';

export interface Sets {
  readonly fresh: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

const specReplicas = (set: ReplicaSet): number => set.spec?.replicas ?? 0;
const sizeOf = (set: ReplicaSet): Size => ({
  replicas: specReplicas(set),
  available: set.status?.availableReplicas ?? 0,
});

/** The sets that have or want pods. */
export function activeSets({ fresh, old }: Sets): ReplicaSet[] {
  return [...old, ...(fresh === undefined ? [] : [fresh])].filter((set) => specReplicas(set) > 0);
}

/** Scales one side of a rolling update: up first, down in a later run, when the informer shows what became of it. */
export async function rollingStep(
  context: ControllerContext,
  deployment: Deployment,
  { fresh, old }: Sets,
): Promise<Sets> {
  if (fresh === undefined) throw new Error('A rolling update needs its new ReplicaSet first');
  const desired = desiredReplicas(deployment);
  const { surge, unavailable } = limits(deployment);
  const total = sum([fresh, ...old].map(specReplicas));
  const size = newSetSize(desired, surge, specReplicas(fresh), total);
  if (size !== specReplicas(fresh)) return { fresh: await scaleSet(context, deployment, fresh, size), old };

  const sorted = oldestFirst(old);
  const sizes = oldSetSizes(desired, unavailable, sizeOf(fresh), sorted.map(sizeOf));
  const scaled: ReplicaSet[] = [];
  for (const [i, set] of sorted.entries()) {
    const next = sizes[i] ?? 0;
    scaled.push(next < specReplicas(set) ? await scaleSet(context, deployment, set, next) : set);
  }
  return { fresh, old: scaled };
}

/** Scales the old sets of a Recreate rollout to nothing. True when there was something to do. */
export async function scaleDownForRecreate(
  context: ControllerContext,
  deployment: Deployment,
  old: readonly ReplicaSet[],
): Promise<boolean> {
  const running = old.filter((set) => specReplicas(set) > 0);
  for (const set of running) await scaleSet(context, deployment, set, 0);
  return running.length > 0;
}

/** Whether a pod of an older template still exists, even one that is being stopped: Recreate waits for it. */
export function hasOldPods(
  pods: readonly (readonly [ReplicaSet, readonly Pod[]])[],
  fresh: ReplicaSet | undefined,
): boolean {
  return pods.some(
    ([set, own]) => set.metadata?.uid !== fresh?.metadata?.uid && own.some((pod) => !isPodFinished(pod)),
  );
}

/** Whether spec.replicas has changed since the sets were last sized. */
export function isScaling(deployment: Deployment, sets: Sets): boolean {
  return activeSets(sets).some((set) => {
    const sized = intAnnotation(set, DESIRED_REPLICAS);
    return sized !== undefined && sized !== desiredReplicas(deployment);
  });
}

/** Applies spec.replicas without moving the rollout on: in proportion while several sets are active. */
export async function scaleStep(context: ControllerContext, deployment: Deployment, sets: Sets): Promise<Sets> {
  const desired = desiredReplicas(deployment);
  const only = activeOrLatest(sets);
  const targets = new Map<string, number>();
  if (only !== undefined) {
    targets.set(uidOf(only), desired);
  } else if (sets.fresh !== undefined && isSaturated(desired, sets.fresh)) {
    for (const set of sets.old) if (specReplicas(set) > 0) targets.set(uidOf(set), 0);
  } else if (deployment.spec?.strategy?.type !== 'Recreate') {
    proportion(deployment, sets, targets);
  }
  const apply = async (set: ReplicaSet): Promise<ReplicaSet> => {
    const target = targets.get(uidOf(set));
    return target === undefined ? set : scaleSet(context, deployment, set, target);
  };
  const old: ReplicaSet[] = [];
  for (const set of sets.old) old.push(await apply(set));
  return { fresh: sets.fresh === undefined ? undefined : await apply(sets.fresh), old };
}

function proportion(deployment: Deployment, sets: Sets, targets: Map<string, number>): void {
  const desired = desiredReplicas(deployment);
  const { surge } = limits(deployment);
  const active = activeSets(sets);
  const growing = desired + surge > sum(active.map(specReplicas));
  // Largest first; among equals the newest grows first and the oldest shrinks first.
  const age = new Map(oldestFirst(active).map((set, i) => [uidOf(set), i]));
  const ageOf = (set: ReplicaSet): number => age.get(uidOf(set)) ?? 0;
  active.sort(
    (a, b) =>
      specReplicas(b) - specReplicas(a) || (growing ? ageOf(b) - ageOf(a) : ageOf(a) - ageOf(b)) || byName(a, b),
  );
  const sizes = proportionalSizes(
    active.map((set) => ({ replicas: specReplicas(set), annotatedMax: intAnnotation(set, MAX_REPLICAS) })),
    desired,
    surge,
    deployment.status?.replicas ?? 0,
  );
  active.forEach((set, i) => {
    targets.set(uidOf(set), sizes[i] ?? 0);
  });
}

/** The set to scale when there is no choice: the only active one, or the latest when none is. */
function activeOrLatest(sets: Sets): ReplicaSet | undefined {
  const active = activeSets(sets);
  if (active.length === 1) return active[0];
  if (active.length > 1) return undefined;
  return sets.fresh ?? oldestFirst(sets.old).at(-1);
}

function isSaturated(desired: number, fresh: ReplicaSet): boolean {
  return (
    intAnnotation(fresh, DESIRED_REPLICAS) === desired &&
    specReplicas(fresh) === desired &&
    (fresh.status?.availableReplicas ?? 0) === desired
  );
}

function uidOf(set: ReplicaSet): string {
  return set.metadata?.uid ?? '';
}
