// The status of a DaemonSet, counted node by node.
// Pure; `nowMs` is wall time. Upstream: updateDaemonSetStatus.
import type { DaemonSet, DaemonSetStatus } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { withoutZeros } from '../common/counts.ts';
import { isPodAvailable, isPodReady } from '../common/pods.ts';
import { POD_REVISION } from '../revisions/data.ts';

/** A node, whether it should run the pod, and the set's pods there, oldest first. */
export interface NodeEntry {
  readonly node: string;
  readonly run: boolean;
  readonly stay: boolean;
  readonly pods: readonly Pod[];
}

export function daemonSetStatus(
  set: DaemonSet,
  entries: readonly NodeEntry[],
  hash: string,
  collisionCount: number,
  nowMs: number,
): DaemonSetStatus {
  const wanted = entries.filter(({ run }) => run);
  // Of several on a node the oldest speaks for it.
  const first = wanted.flatMap(({ pods }) => pods.slice(0, 1));
  const available = first.filter((pod) => isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)).length;
  return {
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: first.length,
    numberMisscheduled: entries.filter(({ run, pods }) => !run && pods.length > 0).length,
    numberReady: first.filter(isPodReady).length,
    ...withoutZeros({
      updatedNumberScheduled: first.filter((pod) => pod.metadata?.labels?.[POD_REVISION] === hash).length,
      numberAvailable: available,
      numberUnavailable: wanted.length - available,
      observedGeneration: set.metadata?.generation ?? 0,
      collisionCount,
    }),
  };
}
