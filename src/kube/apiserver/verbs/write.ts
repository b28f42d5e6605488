// POST, PUT, PATCH and DELETE of objects of any resource.
// Knows how requests become changes; the steps of a write are in write/.

import { serverSideApply } from '#kube/api/apply/index.ts';
import { applyPatch, type PatchType } from '#kube/api/patch/index.ts';
import { apiVersionOf } from '#kube/api/resources.ts';
import { badRequest, invalid, notFound, type StatusError, unsupportedMediaType } from '#kube/api/status.ts';
import { assertAllowed } from '../authz/authorizer.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { type Body, mediaTypeOf, parseAsYaml, parseBody, parseJson, readBody } from '../http/body.ts';
import { representList, representObject } from '../http/represent.ts';
import { type AnyObject, isFields, mutableCopy } from '../registry/any-object.ts';
import { assertNamed, type CreateInput, createObject } from '../write/create.ts';
import { type Deletion, deletedStatus, deleteObject, deleteOptions } from '../write/delete.ts';
import { decode, readObject, settleNamespace } from '../write/input.ts';
import { type WriteOptions, writeOptions } from '../write/options.ts';
import { timestamp } from '../write/times.ts';
import { type UpdateInput, updateObject } from '../write/update.ts';
import { representOptions } from './read.ts';
import { selectionOf } from './selection.ts';

export async function createFromBody(request: ResourceRequest): Promise<Reply> {
  const options = writeOptions(request);
  const object = await readObject(request, options);
  settleNamespace(object, request.resource.definition, request.namespace);
  assertNamed(object, request.resource);
  const created = await createObject(createInput(request, options), object);
  return reply(request, 201, created);
}

export async function updateFromBody(request: ResourceRequest): Promise<Reply> {
  const options = writeOptions(request);
  const object = await readObject(request, options);
  const { resource, namespace, subresource } = request;
  settleNamespace(object, resource.definition, namespace);
  assertSameName(object, nameOf(request));
  const exists = resource.collection.get(namespace, nameOf(request)) !== undefined;
  if (!exists && subresource === undefined && resource.strategy.createOnUpdate === true) {
    const metadata = object.metadata ?? {};
    if (metadata.resourceVersion === '0') delete metadata.resourceVersion;
    assertMayCreate(request);
    const created = await createObject(createInput(request, options), object);
    return reply(request, 201, created);
  }
  const updated = await updateObject({ ...updateInput(request, options), replaces: true }, () => mutableCopy(object));
  return reply(request, 200, updated);
}

function createInput(
  { server, resource, user, warnings, annotate }: ResourceRequest,
  options: WriteOptions,
): CreateInput {
  return { server, resource, user, options, warnings, annotate };
}

function updateInput(request: ResourceRequest, options: WriteOptions): UpdateInput {
  const { server, resource, user, namespace, subresource, warnings, annotate } = request;
  return {
    server,
    resource,
    user,
    warnings,
    annotate,
    namespace,
    name: nameOf(request),
    options,
    ...(subresource === 'status' ? { subresource } : {}),
  };
}

/** As upstream: to update or to patch what is not there takes the right to create it. Throws `StatusError` 403. */
function assertMayCreate({ server, user, resource, namespace = '', name = '' }: ResourceRequest): void {
  const { group, version, resource: plural } = resource.definition;
  const target = { kind: 'resource', group, version, resource: plural, subresource: '', namespace, name } as const;
  assertAllowed(server.authorizer, user, { ...target, verb: 'create' });
}

function assertSameName(object: AnyObject, name: string): void {
  const metadata = object.metadata ?? {};
  object.metadata = metadata;
  if (metadata.name === undefined || metadata.name === '') {
    throw badRequest(
      `name in URL does not match name in object: the object has none, the URL names ${JSON.stringify(name)}`,
    );
  }
  if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
}

const PATCH_TYPES: ReadonlyMap<string, PatchType | 'apply'> = new Map([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
]);

/** Throws `StatusError` 415 for a content type that is no patch, or none that the resource takes. */
export function patchTypeOf({ http, resource, subresource }: ResourceRequest): PatchType | 'apply' {
  // Custom resources have no strategic merge, as upstream; their Scale is of a kind that has.
  const plain = resource.custom !== undefined && subresource !== 'scale';
  const types = [...PATCH_TYPES].filter(([, type]) => !(plain && type === 'strategic'));
  const found = types.find(([name]) => name === mediaTypeOf(http.headers['content-type']));
  if (found !== undefined) return found[1];
  const names = types.map(([name]) => name).join(', ');
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${names}`,
  );
}

export async function patchFromBody(request: ResourceRequest): Promise<Reply> {
  const type = patchTypeOf(request);
  const options = writeOptions(request);
  if (type !== 'apply' && request.query.has('force')) {
    throw badOption('force', 'FieldValueForbidden', 'Forbidden: may not be specified for non-apply patch');
  }
  const sent = await readBody(request.http);
  if (type === 'apply') {
    const { kind } = request.resource.definition;
    const expected = { apiVersion: apiVersionOf(request.resource.definition), kind };
    return applyFromBody(request, options, applyBody(sent, request, expected));
  }
  const body = parseJson(sent.bytes, (why) => (type === 'merge' ? `error decoding patch: ${why}` : why));
  const { resource } = request;
  const schema = resource.custom === undefined ? resource.schema() : undefined;
  const updated = await updateObject(updateInput(request, options), (current) => {
    const next = applyPatch(type, current, body, schema) as AnyObject;
    assertSameName(next, nameOf(request));
    decode(resource, next, options.fieldValidation, request.warnings);
    settleNamespace(next, resource.definition, request.namespace);
    return next;
  });
  return reply(request, 200, updated);
}

/** Upstream's answer to a query parameter that does not go with the kind of patch. */
function badOption(field: string, reason: string, message: string): StatusError {
  return invalid('meta.k8s.io', 'PatchOptions', '', [{ reason, message, field }]);
}

function typeName({ apiVersion, kind }: AnyObject): string {
  if (!apiVersion || !kind) return 'no type (set apiVersion and kind)';
  return `${apiVersion} ${kind}`;
}

/** What an apply patch holds, once it is of that type and fits the path. Throws `StatusError` 400, 422. */
export function applyBody(
  { bytes }: Body,
  { query, resource, namespace, name = '' }: ResourceRequest,
  expected: { readonly apiVersion: string; readonly kind: string },
): AnyObject {
  const body = parseAsYaml(bytes, (why) => `error decoding YAML: ${why}`);
  if (!query.get('fieldManager')) {
    throw badOption('fieldManager', 'FieldValueRequired', 'Required value: is required for apply patch');
  }
  if (!isFields(body)) throw badRequest('the body of an apply patch is not an object: send the object to apply');
  const applied = body as AnyObject;
  if (applied.apiVersion !== expected.apiVersion || applied.kind !== expected.kind) {
    throw badRequest(
      `the object to apply is of ${typeName(applied)}, but the URL is of ${expected.apiVersion} ${expected.kind}`,
    );
  }
  settleNamespace(applied, resource.definition, namespace);
  const metadata = applied.metadata ?? {};
  metadata.name ??= name;
  assertSameName(applied, name);
  if ((metadata.managedFields?.length ?? 0) > 0) throw badRequest('metadata.managedFields must be nil');
  return applied;
}

/** Server-side apply: creates what is not there, merges what is, and keeps who owns what. */
async function applyFromBody(request: ResourceRequest, options: WriteOptions, applied: AnyObject): Promise<Reply> {
  const { resource, namespace, server, subresource } = request;
  const merge = (live: AnyObject | undefined): AnyObject => {
    const input = mutableCopy(applied);
    const merged = serverSideApply({
      live,
      applied: input,
      manager: options.manager,
      force: options.force,
      schema: resource.schema(),
      now: timestamp(server.clock.wall()),
      statusApart: resource.definition.subresources.includes('status'),
      ...(subresource === undefined ? {} : { subresource }),
    }) as AnyObject;
    const next = mutableCopy(merged);
    decode(resource, next, options.fieldValidation, request.warnings);
    return next;
  };
  if (resource.collection.get(namespace, nameOf(request)) === undefined) {
    if (subresource !== undefined) throw notFound(resource.definition, nameOf(request));
    assertMayCreate(request);
    const object = merge(undefined);
    const created = await createObject({ ...createInput(request, options), keepManagedFields: true }, object);
    return reply(request, 201, created);
  }
  const updated = await updateObject({ ...updateInput(request, options), keepManagedFields: true }, merge);
  return reply(request, 200, updated);
}

export async function deleteFromBody(request: ResourceRequest): Promise<Reply> {
  const { server, resource, namespace, user, warnings, annotate } = request;
  const options = deleteOptions(await optionalBody(request), request.query);
  const target = { server, resource, namespace, name: nameOf(request), user, warnings, annotate };
  const { object, gone } = await deleteObject(target, options);
  if (gone && resource.strategy.returnsDeleted !== true) {
    return { code: 200, object: deletedStatus(target, object) };
  }
  const accepted = !gone && options.propagationPolicy === 'Foreground';
  return reply(request, accepted ? 202 : 200, object);
}

export async function deleteSelected(request: ResourceRequest): Promise<Reply> {
  const { server, resource, namespace, user, warnings, annotate } = request;
  const options = deleteOptions(await optionalBody(request), request.query);
  const selection = selectionOf(request);
  const deletions: Promise<Deletion | undefined>[] = [];
  const items = resource.collection.list(namespace);
  await resource.prepare(items.map((item) => item.object));
  for (const { object } of items) {
    if (!selection.matches(resource.view(object))) continue;
    const { namespace: own, name = '' } = object.metadata ?? {};
    deletions.push(
      deleteObject({ server, resource, namespace: own, name, user, warnings, annotate }, options).catch(
        (error: unknown) => {
          // Somebody else deleted it first, which is what was asked for.
          if (error instanceof Error && 'code' in error && error.code === 404) return undefined;
          throw error;
        },
      ),
    );
  }
  const deleted = (await Promise.all(deletions)).filter((deletion) => deletion !== undefined);
  const metadata = { resourceVersion: String(resource.collection.revision()) };
  const objects = deleted.map((deletion) => deletion.object);
  return { code: 200, object: representList(resource, objects, metadata, representOptions(request)) };
}

async function optionalBody(request: ResourceRequest): Promise<unknown> {
  const body = await readBody(request.http);
  return body.bytes.length === 0 ? undefined : parseBody(body);
}

function reply(request: ResourceRequest, code: number, object: AnyObject): Reply {
  return { code, object: representObject(request.resource, object, representOptions(request)) };
}
