// Objects to and from what the store keeps: JSON without the resourceVersion, which is the record's revision.
// Knows no kind and no request.
import type { StoreRecord } from '#kube/store/store.ts';
import { type AnyObject, deepFreeze } from './any-object.ts';

/** An object as it stands in the store; shared by all requests and frozen. */
export interface Stored {
  readonly key: string;
  readonly revision: number;
  readonly object: AnyObject;
}

export function decode(record: StoreRecord): Stored {
  const object = JSON.parse(record.value) as AnyObject;
  object.metadata = { ...object.metadata, resourceVersion: String(record.revision) };
  return { key: record.key, revision: record.revision, object: deepFreeze(object) };
}

export function encode(object: AnyObject): string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...kept } = metadata ?? {};
  return JSON.stringify({ kind, apiVersion, metadata: kept, ...rest });
}
