// Server-side apply: merges an applied configuration into the live object under the rules of ownership.
// Knows no store and no HTTP. Upstream source: managedfields/internal/structuredmerge.go and its chain.
import { cloneJson, isJsonObject, type JsonObject } from '#lib/json.ts';
import type { KubeObject } from '../object.ts';
import { builtinResources } from '../resources.ts';
import type { Schema } from '../schema/schema.ts';
import { badRequest, StatusError } from '../status.ts';
import { compare, isSame } from './compare.ts';
import { conflictError } from './conflicts.ts';
import { duplicates, undeclared } from './extract.ts';
import { FieldSet } from './field-set.ts';
import { conflictsBeyondLastApplied, migratingManager, syncLastApplied } from './last-applied.ts';
import { type Manager, type Managers, managerKey, noManagers, readManagers, writeManagers } from './managers.ts';
import { applyOwned, ownAfterUpdate } from './ownership.ts';
import { pathText } from './path-element.ts';
import { withoutManagedFields } from './track.ts';
import { serverFields } from './unowned.ts';

export interface ApplyRequest {
  /** The stored object; undefined when the request creates it. */
  readonly live: KubeObject | undefined;
  /** The configuration that the client sent. */
  readonly applied: KubeObject;
  /** `fieldManager` of the request; required. */
  readonly manager: string;
  /** Take fields that others own instead of refusing. */
  readonly force: boolean;
  readonly schema: Schema | undefined;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  readonly subresource?: string;
  /** Whether status is written below `status` only; built-in kinds are known. */
  readonly statusApart?: boolean;
}

/** Owner of what stood in an object before it was first applied and had no managedFields. */
const beforeFirstApply = 'before-first-apply';

/**
 * The object after the apply, with its managedFields; not yet defaulted or validated. An apply that changes nothing
 * returns the live object as it is, times included.
 * Throws a StatusError: 400 for a configuration that cannot be applied, 409 for conflicts, 422 without a manager.
 */
export function serverSideApply(request: ApplyRequest): KubeObject {
  const { live, manager, force, schema, now } = request;
  check(request);
  const subresource = request.subresource ?? '';
  const sent = withoutManagedFields(request.applied);
  const applied = reset(sent, subresource, request.statusApart ?? hasStatusSubresource(sent));
  rejectUntyped(applied, schema);
  const stored: JsonObject = live === undefined ? identity(applied) : withoutManagedFields(live);
  const by: Manager = {
    name: manager,
    operation: 'Apply',
    apiVersion: request.applied.apiVersion ?? '',
    subresource,
    time: now,
    fields: FieldSet.empty,
  };
  const managers = startingManagers(live, stored, schema, now);
  const outcome = applyOwned({ live: stored, applied, schema, managers, by, unowned: serverFields });
  if (!force && outcome.conflicts.length > 0) {
    const { conflicts } = outcome;
    const migrates = manager === migratingManager;
    const standing = migrates ? conflictsBeyondLastApplied(conflicts, stored, schema) : conflicts;
    if (standing.length > 0) throw conflictError(standing);
  }
  const object = outcome.object as JsonObject;
  if (manager === migratingManager) syncLastApplied(object, applied);
  const unchanged = isSame(compare(stored, object, schema)) && sameOwners(managers, outcome.managers);
  if (live !== undefined && unchanged && live.metadata?.managedFields !== undefined) return cloneJson(live);
  return withManagers(object, outcome.managers);
}

function check({ live, applied, manager }: ApplyRequest): void {
  if (manager === '') {
    const message = 'is required for apply patch';
    throw new StatusError(
      422,
      'Invalid',
      `PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: ${message}`,
      {
        group: 'meta.k8s.io',
        kind: 'PatchOptions',
        causes: [{ reason: 'FieldValueRequired', message: `Required value: ${message}`, field: 'fieldManager' }],
      },
    );
  }
  if (applied.apiVersion === undefined || applied.apiVersion === '') {
    throw badRequest(
      'Incorrect version specified in apply patch. Specified patch version: , expected the version of the URL',
    );
  }
  if (applied.kind === undefined || applied.kind === '')
    throw badRequest("Object 'Kind' is missing in the apply patch");
  if (live?.apiVersion !== undefined && live.apiVersion !== applied.apiVersion) {
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${applied.apiVersion}, expected: ${live.apiVersion}`,
    );
  }
  if (applied.metadata?.name === undefined || applied.metadata.name === '') {
    throw badRequest('metadata.name is required in the apply patch');
  }
  const { managedFields } = applied.metadata;
  if (managedFields !== undefined && managedFields !== null) throw badRequest('metadata.managedFields must be nil');
}

/** Drops what this endpoint does not write: status below the main resource, all but status below `status`. */
function reset(applied: JsonObject, subresource: string, statusApart: boolean): JsonObject {
  if (subresource === 'status')
    return { ...identity(applied), ...(applied.status === undefined ? {} : { status: applied.status }) };
  if (subresource !== '' || !statusApart) return applied;
  const { status: _, ...rest } = applied;
  return rest;
}

function hasStatusSubresource({ apiVersion, kind }: JsonObject): boolean {
  return builtinResources.some(
    (known) =>
      known.kind === kind &&
      (known.group === '' ? known.version : `${known.group}/${known.version}`) === apiVersion &&
      known.subresources.includes('status'),
  );
}

function identity(applied: JsonObject): JsonObject {
  const { name, namespace } = isJsonObject(applied.metadata) ? applied.metadata : {};
  const metadata: JsonObject = {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  return { apiVersion: applied.apiVersion, kind: applied.kind, metadata };
}

/** As upstream, whatever the level of field validation: nobody could own what has no place. */
function rejectUntyped(applied: JsonObject, schema: Schema | undefined): void {
  const found = [
    ...undeclared(applied, schema).map((path) => `${path}: field not declared in schema`),
    ...duplicates(applied, schema).map(
      ({ path, element }) => `${pathText(path)}: duplicate entries for key ${pathText([element])}`,
    ),
  ];
  if (found.length === 0) return;
  const { name, namespace } = isJsonObject(applied.metadata) ? applied.metadata : {};
  const who = namespace === undefined ? name : `${namespace}/${name}`;
  const version = String(applied.apiVersion);
  throw badRequest(
    `failed to create typed patch object (${who}; ${version.includes('/') ? '' : '/'}${version}, Kind=${applied.kind}): ${
      found.length === 1 ? found[0] : `errors:\n${found.map((line) => `  ${line}`).join('\n')}`
    }`,
  );
}

function startingManagers(
  live: KubeObject | undefined,
  stored: JsonObject,
  schema: Schema | undefined,
  now: string,
): Managers {
  if (live === undefined) return noManagers;
  const managers = readManagers(live.metadata?.managedFields) ?? noManagers;
  if (managers.size > 0) return managers;
  const by: Manager = {
    name: beforeFirstApply,
    operation: 'Update',
    apiVersion: live.apiVersion ?? '',
    subresource: '',
    time: now,
    fields: FieldSet.empty,
  };
  return ownAfterUpdate({ before: {}, after: stored, schema, managers: noManagers, by, unowned: serverFields });
}

function sameOwners(before: Managers, after: Managers): boolean {
  if (before.size !== after.size) return false;
  for (const manager of after.values()) {
    const old = before.get(managerKey(manager));
    if (old === undefined || old.apiVersion !== manager.apiVersion || !old.fields.equals(manager.fields)) return false;
  }
  return true;
}

function withManagers(object: JsonObject, managers: Managers): KubeObject {
  const result = object as unknown as KubeObject;
  const managedFields = writeManagers(managers);
  result.metadata = { ...result.metadata, ...(managedFields === undefined ? {} : { managedFields }) };
  return result;
}
