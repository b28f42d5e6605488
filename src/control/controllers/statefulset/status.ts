// The status of a StatefulSet, counted from its pods, and what the decision needs to know of each pod.
// Pure; `nowMs` is wall time. Upstream: stateful_set_status.go.
import type { StatefulSet, StatefulSetStatus } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { withoutZeros } from '../common/counts.ts';
import { isPodAvailable, isPodFinished, isPodReady } from '../common/pods.ts';
import { resolve } from '../deployment/arithmetic.ts';
import type { PodState, Situation } from './decide.ts';
import { ordinalOf, podRevision, startOrdinal } from './identity.ts';

export interface RevisionNames {
  readonly current: string;
  readonly update: string;
}

function isUp(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isPodReady(pod);
}

function isGoing(pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined;
}

export function situationOf(set: StatefulSet, pods: readonly Pod[], update: string, nowMs: number): Situation {
  const { replicas = 1, minReadySeconds = 0, updateStrategy, podManagementPolicy } = set.spec ?? {};
  const rolling = updateStrategy?.rollingUpdate;
  const stateOf = (pod: Pod): PodState[] => {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) return [];
    const ready = isUp(pod);
    return [
      {
        ordinal,
        updated: podRevision(pod) === update,
        finished: isPodFinished(pod),
        terminating: isGoing(pod),
        ready,
        available: ready && isPodAvailable(pod, minReadySeconds, nowMs),
      },
    ];
  };
  return {
    replicas,
    start: startOrdinal(set),
    parallel: podManagementPolicy === 'Parallel',
    onDelete: updateStrategy?.type === 'OnDelete',
    partition: rolling?.partition ?? 0,
    // As upstream: rounded up, and never so low that nothing could move.
    maxUnavailable: Math.max(1, resolve(rolling?.maxUnavailable ?? 1, replicas, 'up')),
    pods: pods.flatMap(stateOf),
  };
}

export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: RevisionNames,
  collisionCount: number,
  nowMs: number,
): StatefulSetStatus {
  const { replicas: wanted = 1, minReadySeconds = 0, updateStrategy } = set.spec ?? {};
  const count = (holds: (pod: Pod) => boolean): number => pods.filter(holds).length;
  const of = (revision: string) => (pod: Pod) => !isGoing(pod) && podRevision(pod) === revision;
  const ready = count(isUp);
  let { current } = revisions;
  let currentReplicas = count(of(current));
  const updated = count(of(revisions.update));
  const rolled = updated === wanted && ready === wanted && pods.length === wanted;
  if (updateStrategy?.type !== 'OnDelete' && rolled) {
    current = revisions.update;
    currentReplicas = updated;
  }
  return {
    replicas: pods.length,
    // Upstream always writes it.
    availableReplicas: count((pod) => isUp(pod) && isPodAvailable(pod, minReadySeconds, nowMs)),
    ...withoutZeros({
      readyReplicas: ready,
      currentReplicas,
      updatedReplicas: updated,
      observedGeneration: set.metadata?.generation ?? 0,
    }),
    currentRevision: current,
    updateRevision: revisions.update,
    collisionCount,
  };
}
