// The shape that every Kubernetes object shares, and the few helpers that need nothing more.
// Knows no kind: typed kinds come from `kubernetes-types`, which this shape is compatible with.
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';

export type { ListMeta, ObjectMeta, OwnerReference } from 'kubernetes-types/meta/v1.js';

/** Any Kubernetes object as it stands on the wire (times are RFC 3339 strings). */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

/** A list as it stands on the wire. */
export interface KubeList<T extends KubeObject = KubeObject> {
  apiVersion?: string;
  kind?: string;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** Key of an object within its resource: `namespace/name`, or `name` when it has no namespace. */
export function objectKey(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** Splits what `objectKey` made. */
export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  if (slash < 0) return { namespace: undefined, name: key };
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
