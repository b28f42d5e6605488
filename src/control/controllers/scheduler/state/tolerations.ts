// Taints of a node, and whether a pod tolerates them.
// Pure. Upstream: component-helpers/scheduling/corev1/helpers.go, ToleratesTaint.
import type { Node, Pod, Taint, Toleration } from 'kubernetes-types/core/v1.js';

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

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => toleratesBy(toleration, taint));
}

function toleratesBy({ key = '', operator = 'Equal', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  switch (operator) {
    case 'Exists':
      return true;
    case '':
    case 'Equal':
      return key !== '' && value === (taint.value ?? '');
    case 'Gt':
      return key !== '' && compare(taint.value, value, (a, b) => a > b);
    case 'Lt':
      return key !== '' && compare(taint.value, value, (a, b) => a < b);
    default:
      return false;
  }
}

/** Upstream's numeric operators: the taint's value stands on the left. */
function compare(taint: string | undefined, limit: string, by: (a: bigint, b: bigint) => boolean): boolean {
  if (taint === undefined || !/^[+-]?\d+$/.test(taint) || !/^[+-]?\d+$/.test(limit)) return false;
  return by(BigInt(taint), BigInt(limit));
}
