// Gives pods the time they stay on a node that is not ready or not reachable. Upstream: plugin DefaultTolerationSeconds.
// Knows nothing of who moves them after it.
import type { Pod, Toleration } from 'kubernetes-types/core/v1.js';
import type { AnyObject } from '../registry/any-object.ts';

/** Seconds; 0 moves pods at once. */
export interface TolerationSeconds {
  readonly notReady: number;
  readonly unreachable: number;
}

/** Upstream's. */
export const defaultTolerationSeconds: TolerationSeconds = { notReady: 300, unreachable: 300 };

/** Adds what the pod does not say itself; whoever tolerates the taint in any way, or everything, is left alone. */
export function addDefaultTolerations(object: AnyObject, seconds: TolerationSeconds): void {
  const { spec } = object as Pod;
  if (spec === undefined) return;
  const before = spec.tolerations ?? [];
  const added = [
    toleration('node.kubernetes.io/not-ready', seconds.notReady),
    toleration('node.kubernetes.io/unreachable', seconds.unreachable),
  ].filter(({ key }) => !before.some((each) => speaksOf(each, key)));
  if (added.length > 0) object.spec = { ...spec, tolerations: [...before, ...added] };
}

function speaksOf({ key = '', effect = '' }: Toleration, wanted: string): boolean {
  return (key === '' || key === wanted) && (effect === '' || effect === 'NoExecute');
}

function toleration(key: string, tolerationSeconds: number) {
  return { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds };
}
