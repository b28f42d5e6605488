// The order in which objects are applied: what others need comes first.
// Knows kinds by name only.
import type { ManifestObject } from './document.ts';

/** Everything that is not named comes last, in the order of the files. */
const FIRST = [
  'Namespace',
  'CustomResourceDefinition',
  'PriorityClass',
  'StorageClass',
  'IngressClass',
  'ServiceAccount',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'Secret',
  'ConfigMap',
  'Service',
];

/** Stable: objects of the same rank keep the order they were read in. */
export function inApplyOrder(objects: readonly ManifestObject[]): ManifestObject[] {
  const rank = (object: ManifestObject): number => {
    const index = FIRST.indexOf(object.object.kind);
    return index < 0 ? FIRST.length : index;
  };
  return [...objects].sort((a, b) => rank(a) - rank(b));
}
