// Whether a pod tolerates a taint: for the scheduler, for daemons and for those who evict.
// Pure. Upstream: component-helpers/scheduling/corev1/helpers.go, ToleratesTaint.
import type { Taint, Toleration } from 'kubernetes-types/core/v1.js';

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => toleratesBy(toleration, taint));
}

/** One toleration alone; without a key only Exists means anything: every taint. */
export function toleratesBy(
  { key = '', operator = 'Equal', value = '', effect = '' }: Toleration,
  taint: Taint,
): boolean {
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
