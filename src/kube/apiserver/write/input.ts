// Turns a request's body into an object of the request's resource, in the form the server keeps.
// Knows decoding and defaults; nothing of what stands in the store.
import { applyDefaults } from '#kube/api/defaulting/index.ts';
import { apiVersionOf, builtinResources, type ResourceDefinition } from '#kube/api/resources.ts';
import { decodeObject, type FieldValidation } from '#kube/api/schema/index.ts';
import { badRequest } from '#kube/api/status.ts';
import type { ResourceRequest } from '../context.ts';
import { parseBody, readBody, unrecognized } from '../http/body.ts';
import { duplicateFields } from '../http/duplicate-fields.ts';
import { type AnyObject, isFields } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import type { WriteOptions } from './options.ts';

/** Throws `StatusError` 400, 413 or 415. */
export async function readObject(request: ResourceRequest, options: WriteOptions): Promise<AnyObject> {
  const { bytes, mediaType } = await readBody(request.http);
  const { definition } = request.resource;
  const body = (await parseBody({ bytes, mediaType }, definition.kind)) ?? {};
  if (!isFields(body)) {
    throw badRequest(
      unrecognized(
        definition.kind,
        bytes,
        `json parse error: json: cannot unmarshal ${jsonTypeOf(body)} into Go value of type struct`,
      ),
    );
  }
  // As upstream: the path says what the body does not; what is no text at all is refused as a kind that nobody knows.
  const [apiVersion, kind] = [body.apiVersion || apiVersionOf(definition), body.kind || definition.kind].map(String);
  const object = { ...body, apiVersion, kind } as AnyObject;
  assertKind(request.resource, object);
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

function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function assertKind({ definition, custom }: Resource, object: AnyObject): void {
  if (custom === undefined) assertBuiltinKind(definition, object);
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

/** As upstream, which knows every kind by name and converts none to another. */
function assertBuiltinKind(definition: ResourceDefinition, { apiVersion = '', kind }: AnyObject): void {
  const expected = apiVersionOf(definition);
  if (apiVersion === expected && kind === definition.kind) return;
  const slash = apiVersion.indexOf('/');
  const version = JSON.stringify(apiVersion.slice(slash + 1));
  const known = builtinResources.some((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
  const why = known
    ? `converting (${goType(apiVersion)}.${kind}) to (${goType(expected)}.${definition.kind}): unknown conversion`
    : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  throw badRequest(`${kind} in version ${version} cannot be handled as a ${definition.kind}: ${why}`);
}

/** The package of a version's types. */
function goType(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
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
