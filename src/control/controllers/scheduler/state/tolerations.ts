// Taints of a node that keep pods away.
// Pure; what tolerates one is the same for all controllers.
import type { Node, Pod, Taint } from 'kubernetes-types/core/v1.js';
import { tolerates } from '../../common/tolerations.ts';

/** Those that keep pods away; PreferNoSchedule is a matter of scores. */
export function hardTaints(node: Node): Taint[] {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return [...taints, ...readinessTaints(node)];
}

/**
 * The taint that upstream's API server and node lifecycle controller keep on a node that is not ready, read from its
 * condition: a node must not get pods in the moment before somebody has tainted it.
 */
function readinessTaints(node: Node): Taint[] {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  if (ready === 'True') return [];
  const key = ready === 'Unknown' ? 'node.kubernetes.io/unreachable' : 'node.kubernetes.io/not-ready';
  return [{ key, effect: 'NoSchedule' }];
}

export function untoleratedTaint(pod: Pod, node: Node): Taint | undefined {
  return hardTaints(node).find((taint) => !tolerates(pod.spec?.tolerations, taint));
}
