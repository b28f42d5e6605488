// Replicas from one value for all pods: that of an object, or of something outside of the cluster.
// Knows amounts. (Upstream: GetObjectMetricReplicas, GetExternalMetricReplicas and their PerPod variants.)
import { ratioOf, replicasOf, shareOf } from '../numbers.ts';
import { countReadyRunning, type PodFacts } from '../pods.ts';
import type { Failed } from '../requests.ts';
import { isWithin, type Tolerances } from '../tolerance.ts';

export interface ByValue {
  readonly ok: true;
  readonly replicas: number;
  /** Thousandths: the whole of it, or a pod's share, as the target is. */
  readonly value: bigint;
}

/** `usage` and `target` are of the whole; `pods` are those of the target, of which the ready ones do the work. */
export function replicasByValue(
  usage: bigint,
  target: bigint,
  current: number,
  pods: readonly PodFacts[],
  tolerances: Tolerances,
): ByValue | Failed {
  const ratio = ratioOf(usage, target);
  // From nothing there is no deviation to tolerate: whatever there is to do asks for a pod.
  if (current === 0) return { ok: true, replicas: replicasOf(ratio), value: usage };
  if (isWithin(tolerances, ratio)) return { ok: true, replicas: current, value: usage };
  if (pods.length === 0) {
    const why = 'no pods returned by selector while calculating replica count';
    return { ok: false, message: `unable to calculate ready pods: ${why}` };
  }
  return { ok: true, replicas: replicasOf(ratio * countReadyRunning(pods)), value: usage };
}

/** `target` is a pod's share; `existing`: pods that there are. */
export function replicasByShare(usage: bigint, target: bigint, existing: number, tolerances: Tolerances): ByValue {
  const ratio = Number(usage) / (Number(target) * existing);
  const replicas = isWithin(tolerances, ratio) ? existing : replicasOf(ratioOf(usage, target));
  return { ok: true, replicas, value: shareOf(usage, existing) };
}
