// Status and conditions of a Deployment: what rollout status, wait and people read. Upstream: sync.go, progress.go.
// Pure; wall times are milliseconds.
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import { timestamp } from '#kube/client/events.ts';
import { findCondition, withCondition, withoutCondition } from '../common/conditions.ts';
import { withoutZeros } from '../common/counts.ts';
import { fenceposts, sum } from './arithmetic.ts';

const PROGRESSING = 'Progressing';
const NEW_AVAILABLE = 'NewReplicaSetAvailable';
const TIMED_OUT = 'ProgressDeadlineExceeded';
const NO_DEADLINE = 2 ** 31 - 1;

export function desiredReplicas(deployment: Deployment): number {
  return deployment.spec?.replicas ?? 1;
}

/** Surge and unavailability in pods; both 0 for Recreate. */
export function limits(deployment: Deployment): { surge: number; unavailable: number } {
  const { strategy } = deployment.spec ?? {};
  if (strategy?.type === 'Recreate') return { surge: 0, unavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  return fenceposts(maxSurge, maxUnavailable, desiredReplicas(deployment));
}

export function hasDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== NO_DEADLINE;
}

function condition(type: string, status: string, reason: string, message: string, nowMs: number): DeploymentCondition {
  const now = timestamp(nowMs);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}

export function progressCondition(status: string, reason: string, message: string, nowMs: number): DeploymentCondition {
  return condition(PROGRESSING, status, reason, message, nowMs);
}

/** Numbers and the Available condition; Progressing is left as it was. */
export function baseStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  fresh: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const available = sum(all.map((set) => set.status?.availableReplicas ?? 0));
  const wanted = sum(all.map((set) => set.spec?.replicas ?? 0));
  const enough = available >= desiredReplicas(deployment) - limits(deployment).unavailable;
  const collisions = deployment.status?.collisionCount;
  return {
    ...withoutZeros({
      observedGeneration: deployment.metadata?.generation ?? 0,
      replicas: sum(all.map((set) => set.status?.replicas ?? 0)),
      updatedReplicas: fresh?.status?.replicas ?? 0,
      readyReplicas: sum(all.map((set) => set.status?.readyReplicas ?? 0)),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, wanted - available),
    }),
    ...(collisions === undefined ? {} : { collisionCount: collisions }),
    conditions: withCondition(
      deployment.status?.conditions,
      enough
        ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
        : condition(
            'Available',
            'False',
            'MinimumReplicasUnavailable',
            'Deployment does not have minimum availability.',
            nowMs,
          ),
    ),
  };
}

/** The whole status while a rollout is under way or done. */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  fresh: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const status = baseStatus(deployment, all, fresh, nowMs);
  let conditions = status.conditions ?? [];
  const current = findCondition(deployment.status?.conditions, PROGRESSING);
  if (!hasDeadline(deployment)) {
    conditions = withoutCondition(conditions, PROGRESSING);
  } else if (!(status.replicas === status.updatedReplicas && current?.reason === NEW_AVAILABLE)) {
    conditions = withProgress(deployment, status, fresh, conditions, current, nowMs);
  }
  const failure = replicaFailure(all, fresh);
  conditions =
    failure === undefined ? withoutCondition(conditions, 'ReplicaFailure') : withCondition(conditions, failure);
  return { ...status, conditions };
}

function withProgress(
  deployment: Deployment,
  status: DeploymentStatus,
  fresh: ReplicaSet | undefined,
  conditions: DeploymentCondition[],
  current: DeploymentCondition | undefined,
  nowMs: number,
): DeploymentCondition[] {
  const subject =
    fresh === undefined ? `Deployment "${deployment.metadata?.name}"` : `ReplicaSet "${fresh.metadata?.name}"`;
  if (isComplete(deployment, status)) {
    const done = `${subject} has successfully progressed.`;
    return withCondition(conditions, progressCondition('True', NEW_AVAILABLE, done, nowMs));
  }
  if (madeProgress(deployment, status)) {
    const next = progressCondition('True', 'ReplicaSetUpdated', `${subject} is progressing.`, nowMs);
    const since = current?.status === 'True' ? current.lastTransitionTime : undefined;
    // Replaced even when nothing but the time differs: the deadline runs from the last progress.
    return [
      ...withoutCondition(conditions, PROGRESSING),
      since === undefined ? next : { ...next, lastTransitionTime: since },
    ];
  }
  if (isTimedOut(deployment, status, nowMs)) {
    const late = `${subject} has timed out progressing.`;
    return withCondition(conditions, progressCondition('False', TIMED_OUT, late, nowMs));
  }
  return conditions;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

function madeProgress(deployment: Deployment, next: DeploymentStatus): boolean {
  const before = deployment.status ?? {};
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (next.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(next) < old(before) ||
    (next.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(deployment: Deployment, status: DeploymentStatus, nowMs: number): boolean {
  const current = findCondition(status.conditions, PROGRESSING);
  // A rollout that was complete may lose pods later; that is not a failure to progress.
  if (current === undefined || current.reason === NEW_AVAILABLE) return false;
  if (current.reason === TIMED_OUT) return true;
  return deadlineOf(deployment, current) < nowMs;
}

function deadlineOf(deployment: Deployment, current: DeploymentCondition): number {
  return Date.parse(current.lastUpdateTime ?? '') + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
}

/** Milliseconds until a rollout that is stuck has to be looked at again; undefined when it need not be. */
export function untilDeadline(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const current = findCondition(status.conditions, PROGRESSING);
  if (!hasDeadline(deployment) || current === undefined) return undefined;
  if (isComplete(deployment, status) || current.reason === TIMED_OUT) return undefined;
  // A second more, because the times in conditions have whole seconds.
  return Math.max(0, deadlineOf(deployment, current) - nowMs) + 1000;
}

/** The Progressing condition that pausing or resuming calls for; undefined when it is as it should be. */
export function pauseCondition(deployment: Deployment, nowMs: number): DeploymentCondition | undefined {
  if (!hasDeadline(deployment)) return undefined;
  const current = findCondition(deployment.status?.conditions, PROGRESSING);
  if (current?.reason === TIMED_OUT) return undefined;
  const shown = current?.reason === 'DeploymentPaused';
  const paused = deployment.spec?.paused === true;
  if (paused === shown) return undefined;
  // Unknown, so that the deadline does not run while paused and starts afresh on resuming.
  return paused
    ? progressCondition('Unknown', 'DeploymentPaused', 'Deployment is paused', nowMs)
    : progressCondition('Unknown', 'DeploymentResumed', 'Deployment is resumed', nowMs);
}

function replicaFailure(all: readonly ReplicaSet[], fresh: ReplicaSet | undefined): DeploymentCondition | undefined {
  for (const set of [...(fresh === undefined ? [] : [fresh]), ...all]) {
    const failure = findCondition(set.status?.conditions, 'ReplicaFailure');
    if (failure === undefined) continue;
    const { type, status, reason, message, lastTransitionTime } = failure;
    return { type, status, reason, message, lastTransitionTime, lastUpdateTime: lastTransitionTime };
  }
  return undefined;
}
