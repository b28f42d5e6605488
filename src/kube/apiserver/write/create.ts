// Creates an object: names it, fills in what the server owns, admits, validates and writes it.
// Knows the order of these steps; what is special about a kind is in its strategy.
import { randomUUID } from 'node:crypto';
import { trackManagers } from '#kube/api/apply/index.ts';
import { alreadyExists, badRequest, StatusError } from '#kube/api/status.ts';
import type { Annotate } from '../admission/attributes.ts';
import { admitCreate } from '../admission/index.ts';
import { admitNamespace } from '../admission/namespace.ts';
import { admitWrite, mutateWrite } from '../admission/write.ts';
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import { type Resource, storedForm } from '../registry/registry.ts';
import { assertValid } from './check.ts';
import { decode } from './input.ts';
import type { WriteOptions } from './options.ts';
import { randomSuffix, SUFFIX_LENGTH } from './random-suffix.ts';
import { strategyContext } from './strategy-context.ts';
import { timestamp } from './times.ts';

const MAX_BASE_LENGTH = 63 - SUFFIX_LENGTH;
const NAME_ATTEMPTS = 8;

export interface CreateInput {
  readonly server: ServerContext;
  readonly resource: Resource;
  readonly user: User;
  readonly options: Pick<WriteOptions, 'dryRun' | 'manager'>;
  /** Server-side apply has made the entries itself. */
  readonly keepManagedFields?: boolean;
  /** Texts for `Warning` headers are added here. */
  readonly warnings?: string[];
  readonly annotate?: Annotate;
}

/**
 * `object` is decoded, defaulted and the caller's to give away; it is changed. Returns the object as stored.
 * Throws `StatusError`: 400, 403, 404 (namespace), 409, 422.
 */
export async function createObject(input: CreateInput, object: AnyObject): Promise<AnyObject> {
  assertCreatable(input.resource);
  const metadata = object.metadata ?? {};
  object.metadata = metadata;
  if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const base = metadata.name ? undefined : metadata.generateName;
  for (let attempt = 1; ; attempt++) {
    if (base) metadata.name = base.slice(0, MAX_BASE_LENGTH) + randomSuffix(input.server.random);
    const created = await tryCreate(input, base ? structuredClone(object) : object);
    if (created !== undefined) return created;
    // A generated name that is taken is bad luck, not the client's mistake.
    if (!base || attempt === NAME_ATTEMPTS) throw alreadyExists(input.resource.definition, metadata.name ?? '');
  }
}

/** While a definition goes, its objects are being deleted, and new ones would be in the way. */
function assertCreatable({ definition, custom }: Resource): void {
  if (custom?.terminating !== true) return;
  const { group, resource } = definition;
  const message = 'create not allowed while custom resource definition is terminating';
  throw new StatusError(405, 'MethodNotAllowed', message, { group, kind: resource });
}

/** Undefined when the name is taken. */
async function tryCreate(input: CreateInput, sent: AnyObject): Promise<AnyObject | undefined> {
  const { server, resource, options } = input;
  const { strategy, definition } = resource;
  const context = strategyContext(server, input.user);
  admitNamespace(server, definition, sent);
  prepareMetadata(sent, server, strategy.countsGenerations === true);
  resetStatus(sent, resource);
  // As upstream, a client owns what it sent; what admission and allocation fill in below is nobody's.
  if (input.keepManagedFields !== true) recordManager(input, sent);
  admitCreate(resource, sent, context, server);
  const creation = { operation: 'CREATE', subresource: '', oldObject: undefined } as const;
  const mutated = await mutateWrite(input, { ...creation, object: sent }, (object) => {
    decode(resource, object, 'Ignore', []);
    admitCreate(resource, object, context, server);
  });
  const object = mutated ?? sent;
  if (mutated !== undefined) {
    decode(resource, object, 'Ignore', []);
    resetStatus(object, resource);
  }
  strategy.prepareForCreate?.(object, context);
  const undo = strategy.reserve?.(object, undefined, context) ?? (() => {});
  let uncharge = (): void => {};
  try {
    assertValid(server, resource, object, undefined, input.warnings);
    await admitWrite(input, { ...creation, object });
    const { collection } = resource;
    const key = collection.keyOf(object.metadata?.namespace, object.metadata?.name ?? '');
    if (collection.get(object.metadata?.namespace, object.metadata?.name ?? '') !== undefined) {
      undo();
      return undefined;
    }
    uncharge = server.quotas.charge(resource, object);
    if (options.dryRun) {
      undo();
      return object;
    }
    const stored = await storedForm(resource, object);
    const outcome = await collection.put(key, stored, 0);
    if (!outcome.ok) {
      undo();
      return undefined;
    }
    await resource.prepare([stored]);
    return withRevision(resource.view(stored), outcome.revision);
  } catch (error) {
    undo();
    throw error;
  } finally {
    // What is stored is counted from here on.
    uncharge();
  }
}

function prepareMetadata(object: AnyObject, { clock }: ServerContext, countsGenerations: boolean): void {
  const metadata = object.metadata ?? {};
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.generation;
  if (countsGenerations) metadata.generation = 1;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp(clock.wall());
}

/** Status is for controllers: a client's copy of it means nothing on a new object. */
function resetStatus(object: AnyObject, { strategy, definition }: Resource): void {
  if (strategy.initialStatus !== undefined) object.status = { ...strategy.initialStatus };
  else if (definition.subresources.includes('status') && definition.kind !== 'Node') delete object.status;
}

function recordManager({ server, resource, options }: CreateInput, object: AnyObject): void {
  const managed = trackManagers({
    before: undefined,
    after: object,
    manager: options.manager,
    operation: 'Update',
    schema: resource.schema(),
    now: timestamp(server.clock.wall()),
  });
  const metadata = object.metadata ?? {};
  if (managed === undefined || managed.length === 0) delete metadata.managedFields;
  else metadata.managedFields = managed;
}

export function withRevision(object: AnyObject, revision: number): AnyObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** A create that names no object. */
export function assertNamed(object: AnyObject, resource: Resource): void {
  if (object.metadata?.name || object.metadata?.generateName) return;
  const { kind, group } = resource.definition;
  const target = group === '' ? kind : `${kind}.${group}`;
  throw new StatusError(
    422,
    'Invalid',
    `${target} "" is invalid: metadata.name: Required value: name or generateName is required`,
    {
      kind,
      ...(group === '' ? {} : { group }),
      causes: [
        {
          reason: 'FieldValueRequired',
          message: 'Required value: name or generateName is required',
          field: 'metadata.name',
        },
      ],
    },
  );
}
