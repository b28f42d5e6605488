// Who comes first where two ask for the same: the older object, then the first by namespace and name.
// Knows no kind.
import { type KubeObject, objectKey } from '#kube/api/object.ts';

export function byAge(a: KubeObject, b: KubeObject): number {
  const [aTime = '', bTime = ''] = [a, b].map(({ metadata }) => String(metadata?.creationTimestamp ?? ''));
  if (aTime !== bTime) return aTime < bTime ? -1 : 1;
  const [aKey, bKey] = [objectKey(a), objectKey(b)];
  return aKey === bKey ? 0 : aKey < bKey ? -1 : 1;
}
