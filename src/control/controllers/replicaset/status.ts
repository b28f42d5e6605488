// The status of a ReplicaSet, computed from its pods. Upstream: pkg/controller/replicaset/replica_set_utils.go.
// Pure.
import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { findCondition, withCondition, withoutCondition } from '../common/conditions.ts';
import { withoutZeros } from '../common/counts.ts';
import { isPodAvailable, isPodReady } from '../common/pods.ts';

export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

const REPLICA_FAILURE = 'ReplicaFailure';

/** `pods` are the active ones; `nowMs` is wall time; `timestamp` that time as RFC 3339. */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  failure: ReplicaFailure | undefined,
  nowMs: number,
  timestamp: string,
): ReplicaSetStatus {
  const templateLabels = Object.entries(replicaSet.spec?.template?.metadata?.labels ?? {});
  const minReady = replicaSet.spec?.minReadySeconds ?? 0;
  const previous = replicaSet.status?.conditions;
  let conditions = previous ?? [];
  if (failure === undefined) {
    conditions = withoutCondition(previous, REPLICA_FAILURE);
  } else if (findCondition(previous, REPLICA_FAILURE) === undefined) {
    const condition: ReplicaSetCondition = {
      type: REPLICA_FAILURE,
      status: 'True',
      lastTransitionTime: timestamp,
      ...failure,
    };
    conditions = withCondition(previous, condition);
  }
  return {
    replicas: pods.length,
    ...withoutZeros({
      fullyLabeledReplicas: pods.filter((pod) =>
        templateLabels.every(([key, value]) => pod.metadata?.labels?.[key] === value),
      ).length,
      readyReplicas: pods.filter(isPodReady).length,
      availableReplicas: pods.filter((pod) => isPodAvailable(pod, minReady, nowMs)).length,
      observedGeneration: replicaSet.metadata?.generation ?? 0,
    }),
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
  };
}

/** Milliseconds until the next ready pod becomes available; undefined when none is waiting for that. */
export function nextAvailability(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  if (minReadySeconds === 0) return undefined;
  let next: number | undefined;
  for (const pod of pods) {
    const since = pod.status?.conditions?.find((c) => c.type === 'Ready' && c.status === 'True')?.lastTransitionTime;
    if (since === undefined) continue;
    const left = Date.parse(since) + minReadySeconds * 1000 - nowMs;
    if (left > 0 && (next === undefined || left < next)) next = left;
  }
  return next;
}
