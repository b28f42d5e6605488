// Turns a request's body into an object of the request's resource, in the form the server keeps.
// Knows decoding and defaults; nothing of what stands in the store.
import { applyDefaults } from '#kube/api/defaulting/index.ts';
import { apiVersionOf, type ResourceDefinition } from '#kube/api/resources.ts';
import { decodeObject, type FieldValidation } from '#kube/api/schema/index.ts';
import { badRequest } from '#kube/api/status.ts';
import type { ResourceRequest } from '../context.ts';
import { parseBody, readBody } from '../http/body.ts';
import { duplicateFields } from '../http/duplicate-fields.ts';
import { type AnyObject, isFields } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import type { WriteOptions } from './options.ts';

/** Throws `StatusError` 400, 413 or 415. */
export async function readObject(request: ResourceRequest, options: WriteOptions): Promise<AnyObject> {
  const { bytes, mediaType } = await readBody(request.http);
  const body = await parseBody({ bytes, mediaType });
  if (!isFields(body)) throw badRequest('the body of the request is not an object: send one object of the resource');
  const { definition } = request.resource;
  const object = { apiVersion: apiVersionOf(definition), kind: definition.kind, ...body } as AnyObject;
  assertKind(definition, object);
  const duplicates =
    mediaType === 'application/json' && options.fieldValidation !== 'Ignore'
      ? duplicateFields(bytes.toString('utf8'))
      : [];
  decode(request.resource, object, options.fieldValidation, request.warnings, duplicates);
  return object;
}

/** Checks, prunes and defaults `object` in place. Throws `StatusError` 400. */
export function decode(
  resource: Resource,
  object: AnyObject,
  fieldValidation: FieldValidation,
  warnings: string[],
  duplicates: readonly string[] = [],
): void {
  const schema = resource.schema();
  if (schema !== undefined) {
    for (const warning of decodeObject(schema, object, fieldValidation, duplicates).warnings) {
      if (!warnings.includes(warning)) warnings.push(warning);
    }
  }
  object.metadata ??= {};
  if (resource.custom === undefined) applyDefaults(object);
  else resource.custom.applyDefaults(object);
}

function assertKind(definition: ResourceDefinition, object: AnyObject): void {
  const expected = apiVersionOf(definition);
  if (object.apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (object.kind !== definition.kind) {
    throw badRequest(`the kind in the data (${object.kind}) does not match the expected kind (${definition.kind})`);
  }
}

/** The namespace in the data must be that of the path. Throws `StatusError` 400. */
export function settleNamespace(
  object: AnyObject,
  definition: ResourceDefinition,
  namespace: string | undefined,
): void {
  const metadata = object.metadata ?? {};
  object.metadata = metadata;
  if (!definition.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
  if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  metadata.namespace = namespace;
}
