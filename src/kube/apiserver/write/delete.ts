// Deletes an object, or marks it until its finalizers and its grace period let it go.
// Knows upstream's rules of graceful deletion and propagation; who acts on the marks are controllers and the kubelet.
import { badRequest, conflict, forbidden, invalid, notFound, type Status, type StatusCause } from '#kube/api/status.ts';
import type { Annotate } from '../admission/attributes.ts';
import { PROTECTED_NAMESPACES } from '../admission/namespace.ts';
import { admitWrite, mutateWrite } from '../admission/write.ts';
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import { flag, wholeNumber } from '../http/parameters.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Stored } from '../registry/codec.ts';
import type { Resource } from '../registry/registry.ts';
import { withRevision } from './create.ts';
import { dryRunCauses } from './options.ts';
import { timestamp } from './times.ts';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Foreground' | 'Background';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export interface DeleteTarget {
  readonly server: ServerContext;
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Who asks; left out where it is this server itself. */
  readonly user?: User;
  readonly warnings?: string[];
  readonly annotate?: Annotate;
}

export interface Deletion {
  /** The last state. */
  readonly object: AnyObject;
  /** False: it is only marked, and still there. */
  readonly gone: boolean;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** Throws `StatusError` 403, 404, 409. */
export async function deleteObject(target: DeleteTarget, options: DeleteOptions): Promise<Deletion> {
  const { resource, namespace, name } = target;
  if (resource.definition.kind === 'Namespace' && PROTECTED_NAMESPACES.has(name)) {
    throw forbidden(resource.definition, name, 'this namespace may not be deleted');
  }
  for (;;) {
    const stored = resource.collection.get(namespace, name);
    if (stored === undefined) throw notFound(resource.definition, name);
    // Whoever clears away what a definition leaves behind has nothing shown.
    if (target.user !== undefined) await resource.prepare([stored.object]);
    assertPreconditions(target, stored.object, options);
    await admitDeletion(target, stored.object, options);
    const done = await tryDelete(target, stored, options);
    if (done !== undefined) return done;
  }
}

async function admitDeletion(target: DeleteTarget, object: AnyObject, options: DeleteOptions): Promise<void> {
  const { user, server, resource, warnings, annotate } = target;
  if (user === undefined) return;
  const write = { server, resource, user, warnings, annotate, options: { dryRun: options.dryRun === true } };
  const oldObject = resource.view(object);
  const change = { operation: 'DELETE', subresource: '', object: undefined, oldObject } as const;
  await mutateWrite(write, change);
  await admitWrite(write, change);
}

/** Undefined when another writer got in between. */
async function tryDelete(target: DeleteTarget, stored: Stored, options: DeleteOptions): Promise<Deletion | undefined> {
  const { resource, server } = target;
  const next = marked(stored.object, resource, options, server.clock.wall());
  const { collection } = resource;
  const shown = async (object: AnyObject): Promise<AnyObject> => {
    if (target.user === undefined) return object;
    await resource.prepare([object]);
    return resource.view(object);
  };
  if (next === undefined) {
    const object = await shown(stored.object);
    if (options.dryRun === true) return { object, gone: true };
    const outcome = await collection.delete(stored.key, stored.revision);
    return outcome.ok ? { object: withRevision(object, outcome.revision), gone: true } : undefined;
  }
  if (next === stored.object || options.dryRun === true) return { object: await shown(next), gone: false };
  const outcome = await collection.put(stored.key, next, stored.revision);
  return outcome.ok ? { object: withRevision(await shown(next), outcome.revision), gone: false } : undefined;
}

/** The object as it stands while its deletion waits; undefined when nothing holds it. */
function marked(current: AnyObject, resource: Resource, options: DeleteOptions, wallMs: number): AnyObject | undefined {
  const { strategy } = resource;
  const metadata = { ...current.metadata };
  const finalizers = finalizersFor(metadata.finalizers ?? [], options.propagationPolicy);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;

  const asked = strategy.gracePeriod?.(current, options.gracePeriodSeconds);
  const grace = shorterGrace(metadata.deletionGracePeriodSeconds, metadata.deletionTimestamp, asked ?? 0);
  const held = finalizers.length > 0 || (strategy.otherFinalizers?.(current) ?? []).length > 0;
  if (grace === 0 && !held) return undefined;

  const alreadyMarked = metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === grace;
  if (!alreadyMarked) {
    metadata.deletionTimestamp = deadline(metadata, grace, wallMs);
    metadata.deletionGracePeriodSeconds = grace;
    if ((metadata.generation ?? 0) > 0) metadata.generation = (metadata.generation ?? 0) + 1;
  }
  const sameFinalizers = (current.metadata?.finalizers ?? []).join() === finalizers.join();
  if (alreadyMarked && sameFinalizers) return current;
  const next: AnyObject = { ...current, metadata };
  strategy.markDeleting?.(next);
  return next;
}

/** A second deletion may shorten the wait of the first, never lengthen it. */
function shorterGrace(current: number | undefined, markedAt: string | undefined, asked: number): number {
  return markedAt === undefined || current === undefined ? asked : Math.min(current, asked);
}

/** When a shorter period follows a longer one, it counts from when the first began. */
function deadline(metadata: NonNullable<AnyObject['metadata']>, grace: number, wallMs: number): string {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
  const began =
    deletionTimestamp === undefined ? wallMs : Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return timestamp(began + grace * 1000);
}

/** What the propagation policy asks the garbage collector to do first; without one, what stands there stays. */
function finalizersFor(current: readonly string[], policy: DeleteOptions['propagationPolicy']): string[] {
  if (policy === undefined) return [...current];
  const kept = current.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (policy === 'Orphan') kept.push(ORPHAN);
  if (policy === 'Foreground') kept.push(FOREGROUND);
  return kept;
}

function assertPreconditions(
  { resource, name }: DeleteTarget,
  current: AnyObject,
  { preconditions }: DeleteOptions,
): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const { metadata } = current;
  if (uid !== undefined && uid !== metadata?.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata?.uid}`;
    throw conflict(resource.definition, name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata?.resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata?.resourceVersion}`;
    throw conflict(resource.definition, name, why);
  }
}

/** From the body, where it says something, and from the query. Throws `StatusError` 400, 422. */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (given.kind !== undefined && given.kind !== 'DeleteOptions') {
    throw badRequest('decoded object cannot be converted to DeleteOptions');
  }
  const grace = given.gracePeriodSeconds ?? wholeNumber(query, 'gracePeriodSeconds');
  const orphan =
    given.orphanDependents ?? (query.has('orphanDependents') ? flag(query, 'orphanDependents') : undefined);
  const chosen = given.propagationPolicy ?? (query.get('propagationPolicy') || undefined);
  const dryRun = Array.isArray(given.dryRun) ? given.dryRun : query.getAll('dryRun').filter((value) => value !== '');
  if (grace !== undefined && (typeof grace !== 'number' || !Number.isInteger(grace))) {
    throw badRequest(
      `DeleteOptions in version "v1" cannot be handled as a DeleteOptions: gracePeriodSeconds is no whole number: ${JSON.stringify(grace)}`,
    );
  }
  const causes: StatusCause[] = [];
  if (orphan !== undefined && chosen !== undefined) {
    const message = `Invalid value: ${JSON.stringify(chosen)}: orphanDependents and deletionPropagation cannot be both set`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'propagationPolicy' });
  }
  if (chosen !== undefined && !POLICIES.includes(String(chosen))) {
    const supported = [...POLICIES, 'nil'].map((policy) => JSON.stringify(policy)).join(', ');
    const message = `Unsupported value: ${JSON.stringify(chosen)}: supported values: ${supported}`;
    causes.push({ reason: 'FieldValueNotSupported', message, field: 'propagationPolicy' });
  }
  causes.push(...dryRunCauses(dryRun));
  if (causes.length > 0) throw invalid('meta.k8s.io', 'DeleteOptions', '', causes);
  const policy = chosen ?? (orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined);
  return {
    // As upstream: what is below zero is a second.
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace < 0 ? 1 : grace }),
    ...(policy === undefined ? {} : { propagationPolicy: policy as NonNullable<DeleteOptions['propagationPolicy']> }),
    ...(given.preconditions
      ? { preconditions: given.preconditions as NonNullable<DeleteOptions['preconditions']> }
      : {}),
    dryRun: dryRun.includes('All'),
  };
}

const POLICIES: readonly string[] = ['Foreground', 'Background', 'Orphan'];

/** The answer to a DELETE whose object is gone, for resources that do not answer with the object. */
export function deletedStatus({ resource, name }: DeleteTarget, object: AnyObject): Omit<Status, 'code'> {
  const { group, resource: plural } = resource.definition;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(group === '' ? {} : { group }),
      kind: plural,
      ...(object.metadata?.uid === undefined ? {} : { uid: object.metadata.uid }),
    },
  };
}
