// Changes an object that stands in the store: the one loop behind PUT, PATCH and every subresource.
// Knows the order of the steps and optimistic concurrency; how the new object is made is handed in.
import { isDeepStrictEqual } from 'node:util';
import { trackManagers } from '#kube/api/apply/index.ts';
import { conflict, invalid, notFound, objectModified } from '#kube/api/status.ts';
import type { Annotate } from '../admission/attributes.ts';
import { admitUpdate } from '../admission/index.ts';
import { admitWrite, mutateWrite } from '../admission/write.ts';
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Stored } from '../registry/codec.ts';
import { type Resource, storedForm } from '../registry/registry.ts';
import { assertValid } from './check.ts';
import { withRevision } from './create.ts';
import { decode } from './input.ts';
import type { WriteOptions } from './options.ts';
import { strategyContext } from './strategy-context.ts';
import { timestamp } from './times.ts';

export interface UpdateInput {
  readonly server: ServerContext;
  readonly resource: Resource;
  readonly user: User;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly options: Pick<WriteOptions, 'dryRun' | 'manager'>;
  /** Which part of the object this write is for; `undefined` is the object but its status. */
  readonly subresource?: 'status' | 'scale' | 'finalize' | 'approval' | 'ephemeralcontainers' | 'internal';
  /** A full update names the version it replaces where the strategy insists; a patch does not. */
  readonly replaces?: boolean;
  /** Server-side apply has made the entries itself. */
  readonly keepManagedFields?: boolean;
  /** Texts for `Warning` headers are added here. */
  readonly warnings?: string[];
  readonly annotate?: Annotate;
}

/**
 * Makes the new object from the current one, which is shared and must not be changed; called again when another writer
 * got in between. A resourceVersion or uid on what it returns is a precondition.
 */
export type Change = (current: AnyObject) => AnyObject;

/** Returns the object as stored. Throws `StatusError` 404, 409, 422 and what `change` throws. */
export async function updateObject(input: UpdateInput, change: Change): Promise<AnyObject> {
  const { resource, namespace, name } = input;
  for (;;) {
    const stored = resource.collection.get(namespace, name);
    if (stored === undefined) throw notFound(resource.definition, name);
    await resource.prepare([stored.object]);
    const current = resource.view(stored.object);
    const next = { ...change(current) };
    assertPreconditions(input, next, current);
    const written = await tryUpdate(input, stored, current, next);
    // Undefined: another writer came first. A write bound to a version fails above on the next turn.
    if (written !== undefined) return written;
  }
}

function assertPreconditions({ resource, name, replaces }: UpdateInput, next: AnyObject, current: AnyObject): void {
  const { resourceVersion, uid } = next.metadata ?? {};
  const { definition, strategy } = resource;
  if (uid !== undefined && uid !== '' && uid !== current.metadata?.uid) {
    throw conflict(
      definition,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata?.uid}`,
    );
  }
  if (resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0') {
    if (replaces === true && strategy.requiresResourceVersion === true) {
      throw invalid(definition.group, definition.kind, name, [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: 0: must be specified for an update',
          field: 'metadata.resourceVersion',
        },
      ]);
    }
    return;
  }
  if (resourceVersion !== current.metadata?.resourceVersion) throw conflict(definition, name, objectModified);
}

async function tryUpdate(
  input: UpdateInput,
  stored: Stored,
  current: AnyObject,
  sent: AnyObject,
): Promise<AnyObject | undefined> {
  const { server, resource, options, subresource } = input;
  const { strategy, collection } = resource;
  const context = strategyContext(server, input.user);
  keepSystemMetadata(sent, current);
  if (subresource === 'status') keepAllButStatus(sent, current);
  else if (subresource === undefined) keepStatus(sent, current, resource);
  // As upstream, a client owns what it sent; what the strategy carries over or allocates is nobody's.
  if (input.keepManagedFields !== true) recordManager(input, sent, current);
  if (subresource === 'status') strategy.prepareForStatusUpdate?.(sent, current, context);
  if (subresource === undefined) admitUpdate(resource, sent, server);
  const change = { operation: 'UPDATE', subresource: subresource ?? '', object: sent, oldObject: current } as const;
  const again = (object: AnyObject): void => {
    if (subresource === undefined) admitUpdate(resource, object, server);
  };
  const mutated = subresource === 'internal' ? undefined : await mutateWrite(input, change, again);
  const next = mutated ?? sent;
  if (mutated !== undefined) {
    decode(resource, next, 'Ignore', []);
    if (subresource === undefined) keepStatus(next, current, resource);
  }
  if (subresource === undefined) strategy.prepareForUpdate?.(next, current, context);
  if (strategy.countsGenerations === true && specChanged(next, current)) {
    next.metadata = { ...next.metadata, generation: (current.metadata?.generation ?? 0) + 1 };
  }
  const undo = subresource === undefined ? strategy.reserve?.(next, current, context) : undefined;
  let uncharge = (): void => {};
  try {
    assertValid(server, resource, next, current, input.warnings);
    if (subresource !== 'internal') {
      await admitWrite(input, {
        operation: 'UPDATE',
        subresource: subresource ?? '',
        object: next,
        oldObject: current,
      });
    }
    if (subresource === undefined) uncharge = server.quotas.chargeUpdate(resource, next, current);
    if (sameButTimes(next, current)) {
      undo?.();
      return current;
    }
    if (options.dryRun) {
      undo?.();
      return withRevision(next, stored.revision);
    }
    const toStored = await keptStatus(resource, next, stored.object, subresource);
    const outcome = shouldVanish(next, resource)
      ? await collection.delete(stored.key, stored.revision)
      : await collection.put(stored.key, toStored, stored.revision);
    if (outcome.ok) {
      await resource.prepare([toStored]);
      return withRevision(resource.view(toStored), outcome.revision);
    }
    undo?.();
    return undefined;
  } catch (error) {
    undo?.();
    throw error;
  } finally {
    uncharge();
  }
}

/** A status that the version of the request cannot show in full is not lost by a write that is not for it. */
async function keptStatus(
  resource: Resource,
  next: AnyObject,
  before: AnyObject,
  subresource: UpdateInput['subresource'],
): Promise<AnyObject> {
  const { conversion, definition, custom } = resource;
  if (conversion === undefined) return next;
  const made = await storedForm(resource, next);
  // A custom resource shows all of its status in every version.
  if (custom !== undefined || subresource === 'status' || !definition.subresources.includes('status')) return made;
  return before.status === undefined ? made : { ...made, status: before.status };
}

/** What only the server writes is taken from the stored object, whatever the client sent. */
function keepSystemMetadata(next: AnyObject, current: AnyObject): void {
  const metadata = { ...next.metadata };
  const kept = current.metadata ?? {};
  const owned = [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'resourceVersion',
  ] as const;
  for (const field of owned) {
    if (kept[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: kept[field] });
  }
  // A generateName is history; upstream keeps what the object was created with.
  if (metadata.generateName === undefined && kept.generateName !== undefined) metadata.generateName = kept.generateName;
  delete metadata.selfLink;
  next.metadata = metadata;
  next.apiVersion = current.apiVersion ?? '';
  next.kind = current.kind ?? '';
}

function keepStatus(next: AnyObject, current: AnyObject, { definition }: Resource): void {
  if (!definition.subresources.includes('status')) return;
  if (current.status === undefined) delete next.status;
  else next.status = current.status;
}

/** The status subresource writes status, annotations and finalizers, and leaves the rest alone. */
function keepAllButStatus(next: AnyObject, current: AnyObject): void {
  for (const field of Object.keys(next)) if (!(field in current) && field !== 'status') delete next[field];
  for (const [field, value] of Object.entries(current)) {
    if (field !== 'status' && field !== 'metadata') next[field] = value;
  }
  const metadata = { ...next.metadata };
  for (const field of ['labels', 'ownerReferences'] as const) {
    const value = current.metadata?.[field];
    if (value === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: value });
  }
  next.metadata = metadata;
}

function specChanged(next: AnyObject, current: AnyObject): boolean {
  const bare = ({ metadata: _m, status: _s, apiVersion: _a, kind: _k, ...rest }: AnyObject) => rest;
  return !isDeepStrictEqual(bare(next), bare(current));
}

function recordManager(input: UpdateInput, next: AnyObject, current: AnyObject): void {
  const { server, resource, options, subresource } = input;
  const managed = trackManagers({
    before: current,
    after: next,
    manager: options.manager,
    operation: 'Update',
    schema: resource.schema(),
    now: timestamp(server.clock.wall()),
    ...(subresource === 'status' || subresource === 'scale' || subresource === 'approval' ? { subresource } : {}),
  });
  const metadata = { ...next.metadata };
  if (managed === undefined || managed.length === 0) delete metadata.managedFields;
  else metadata.managedFields = managed;
  next.metadata = metadata;
}

/** A write that changes nothing but the times of managers is none. */
function sameButTimes(next: AnyObject, current: AnyObject): boolean {
  return isDeepStrictEqual(withoutTimes(next), withoutTimes(current));
}

function withoutTimes(object: AnyObject): AnyObject {
  const { managedFields, ...metadata } = object.metadata ?? {};
  if (managedFields === undefined) return object;
  return { ...object, metadata: { ...metadata, managedFields: managedFields.map(({ time: _, ...entry }) => entry) } };
}

/** Marked for deletion, nothing to wait for: this write takes the last finalizer away. */
function shouldVanish(next: AnyObject, { strategy }: Resource): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = next.metadata ?? {};
  if (deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) > 0) return false;
  return (finalizers ?? []).length === 0 && (strategy.otherFinalizers?.(next) ?? []).length === 0;
}
