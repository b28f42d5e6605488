// How long a pod may stay on a node with NoExecute taints. Upstream: pkg/controller/tainteviction.
// Pure.
import type { Taint, Toleration } from 'kubernetes-types/core/v1.js';
import { toleratesBy } from '../common/tolerations.ts';

/**
 * Milliseconds that a pod with these tolerations may stay: 0 when a taint is not tolerated at all, infinite when
 * all are for ever. Of several tolerations with a time the shortest counts, as upstream.
 */
export function toleratedFor(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  const executing = taints.filter(({ effect }) => effect === 'NoExecute');
  const used: Toleration[] = [];
  for (const taint of executing) {
    const found = tolerations.find((toleration) => toleratesBy(toleration, taint));
    if (found === undefined) return 0;
    used.push(found);
  }
  const seconds = used.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [tolerationSeconds]));
  return Math.max(0, Math.min(Number.POSITIVE_INFINITY, ...seconds)) * 1000;
}
