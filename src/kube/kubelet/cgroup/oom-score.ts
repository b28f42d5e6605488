// Whom the kernel ends first when the machine itself has no memory left.
// Pure; knows the pod's quality of service, not how the score gets to a process.
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';
import { qosClass } from '../pod/qos.ts';

const GUARANTEED = -997;
const BEST_EFFORT = 1000;
/** From this priority on a pod is one the node cannot do without. */
const CRITICAL_PRIORITY = 2_000_000_000;

/** -997..1000; the higher, the sooner. `capacity` in bytes. (Upstream: pkg/kubelet/qos/policy.go.) */
export function oomScoreAdj(pod: Pod, container: Container, capacity: number): number {
  if ((pod.spec?.priority ?? 0) >= CRITICAL_PRIORITY) return GUARANTEED;
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return GUARANTEED;
  if (qos === 'BestEffort') return BEST_EFFORT;
  const { requests, limits } = container.resources ?? {};
  const written = requests?.memory ?? limits?.memory ?? '0';
  const score = BEST_EFFORT - Math.floor((BEST_EFFORT * Number(parseQuantity(written).value())) / capacity);
  return Math.min(BEST_EFFORT - 1, Math.max(BEST_EFFORT + GUARANTEED, score));
}
