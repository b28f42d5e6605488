// Which pods the scheduler has to do with.
// Pure.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { semanticallyEqual } from '../common/canonical.ts';
import { isPodFinished } from '../common/pods.ts';

export const SCHEDULER = 'default-scheduler';

/** Ours, without a node, held back by no gate, and not on its way out. */
export function needsNode(pod: Pod): boolean {
  return (
    (pod.spec?.nodeName ?? '') === '' &&
    (pod.spec?.schedulerName ?? SCHEDULER) === SCHEDULER &&
    (pod.spec?.schedulingGates ?? []).length === 0 &&
    pod.metadata?.deletionTimestamp === undefined &&
    !isPodFinished(pod)
  );
}

/** Takes up room on a node. */
export function isPlaced(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? '') !== '' && !isPodFinished(pod);
}

/** Whether nothing has changed that decides where the pod may go. */
export function sameWish(now: Pod, before: Pod): boolean {
  return (
    now.metadata?.uid === before.metadata?.uid &&
    semanticallyEqual(now.spec, before.spec) &&
    semanticallyEqual(now.metadata?.labels, before.metadata?.labels)
  );
}
