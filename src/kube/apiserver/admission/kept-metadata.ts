// What only this server writes of an object's metadata stays, whatever admission says.
// Knows metadata only.
import type { Metadata } from '../registry/any-object.ts';

export function keptMetadata(next: Metadata | undefined, current: Metadata | undefined): Metadata {
  const { name, namespace, uid, creationTimestamp, generation, resourceVersion, managedFields } = current ?? {};
  const kept = { name, namespace, uid, creationTimestamp, generation, resourceVersion, managedFields };
  const present = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  return { ...next, ...present };
}
