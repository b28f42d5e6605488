// Ownership after a create, update or patch: the managedFields that go with the new object.
// Knows no request but its manager. Upstream source: managedfields/internal/fieldmanager.go and its chain.
import type { JsonObject } from '#lib/json.ts';
import type { KubeObject } from '../object.ts';
import type { Schema } from '../schema/schema.ts';
import { FieldSet } from './field-set.ts';
import {
  capUpdaters,
  type ManagedFields,
  type Manager,
  type Managers,
  noManagers,
  readManagers,
  writeManagers,
} from './managers.ts';
import { ownAfterUpdate } from './ownership.ts';
import { beforeCreation, serverFields } from './unowned.ts';

export interface TrackRequest {
  /** The stored object; undefined when the request creates it. */
  readonly before: KubeObject | undefined;
  /** The object as it will be stored, with the managedFields that the client sent. */
  readonly after: KubeObject;
  readonly manager: string;
  readonly operation: 'Update';
  readonly schema: Schema | undefined;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  /** `status`, `scale` ...; owners of a subresource are told apart. */
  readonly subresource?: string;
}

/**
 * The managedFields of `after`. Its time moves only when the update changed a field.
 * A client may write managedFields itself; `[{}]` drops all ownership, and what cannot be read is ignored.
 */
export function trackManagers(request: TrackRequest): ManagedFields | undefined {
  const { before, after, schema, now } = request;
  const subresource = request.subresource ?? '';
  const managers = startingManagers(before, after, subresource);
  // An object without owners, such as one that dropped them, stays without: tracking starts at creation or apply.
  if (before !== undefined && managers.size === 0) return undefined;
  const by: Manager = {
    name: request.manager,
    operation: 'Update',
    apiVersion: after.apiVersion ?? '',
    subresource,
    time: now,
    fields: FieldSet.empty,
  };
  const next = withoutManagedFields(after);
  const updated = ownAfterUpdate({
    before: before === undefined ? beforeCreation(next) : withoutManagedFields(before),
    after: next,
    schema,
    managers,
    by,
    unowned: serverFields,
  });
  return writeManagers(capUpdaters(updated));
}

function startingManagers(before: KubeObject | undefined, after: KubeObject, subresource: string): Managers {
  const stored = readManagers(before?.metadata?.managedFields) ?? noManagers;
  if (subresource !== '') return stored;
  const sent = after.metadata?.managedFields;
  if (isReset(sent)) return noManagers;
  const managers = readManagers(sent);
  return managers === undefined || managers.size === 0 ? stored : managers;
}

/** `[{}]` asks for no ownership at all; `[]` is what a client sends that does not know the field, and asks for nothing. */
function isReset(entries: ManagedFields | undefined | null): boolean {
  return entries?.length === 1 && Object.keys(entries[0] ?? {}).length === 0;
}

/** The object as ownership sees it. Shares all else with the object: parts that a request did not touch compare at once. */
export function withoutManagedFields(object: KubeObject): JsonObject {
  if (object.metadata === undefined) return { ...object } as unknown as JsonObject;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata } as unknown as JsonObject;
}
