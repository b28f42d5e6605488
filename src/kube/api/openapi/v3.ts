// OpenAPI v3: an index of group versions and one document for each, as /openapi/v3 serves them.
// Knows nothing of HTTP; documents are made on first use and kept.
import { createHash } from 'node:crypto';
import { apiVersionOf, builtinResources } from '../resources.ts';
import { addCustomKind, type CustomKind } from './custom.ts';
import { DefinitionSet } from './definitions.ts';
import { addKind, addProtocolKinds, answerOf, builtinRef } from './kinds.ts';
import { basePath, type Operation, operationsOf } from './operations.ts';
import { type Parameter, pathParameters } from './parameters.ts';

type Json = Record<string, unknown>;

/** The index: path without a leading slash -> where its document is, with a hash for caches. */
export interface OpenApiV3Index {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

export interface OpenApiV3Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const documents = new Map<string, OpenApiV3Document>();
const hashes = new Map<string, string>();

/** The index of all group versions that are built in, and of those that `custom` adds. */
export function openApiV3Root(custom: readonly CustomKind[] = []): OpenApiV3Index {
  const versions = new Map<string, string>();
  for (const resource of [...builtinResources, ...custom.map((each) => each.resource)]) {
    versions.set(basePath(resource).slice(1), apiVersionOf(resource));
  }
  const entries = [...versions].map(([path, groupVersion]) => {
    const hash = hashOf(groupVersion, custom);
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return { paths: Object.fromEntries(entries) };
}

/** The document of `v1`, `apps/v1`, ...; undefined when nothing of that group version is served. Do not change it. */
export function openApiV3(groupVersion: string, custom: readonly CustomKind[] = []): OpenApiV3Document | undefined {
  const own = custom.filter((each) => apiVersionOf(each.resource) === groupVersion);
  const resources = builtinResources.filter((each) => apiVersionOf(each) === groupVersion);
  if (own.length === 0) {
    if (resources.length === 0) return undefined;
    const known = documents.get(groupVersion);
    if (known !== undefined) return known;
  }
  const set = new DefinitionSet('#/components/schemas/');
  const paths: Record<string, Json> = {};
  const first = resources[0] ?? own[0]?.resource;
  if (first !== undefined) addProtocolKinds(set, [{ group: first.group, version: first.version }]);
  for (const resource of resources) {
    addKind(set, resource);
    for (const operation of operationsOf(resource)) addOperation(paths, set, operation, undefined);
  }
  for (const kind of own) {
    const ref = addCustomKind(set, kind);
    for (const operation of operationsOf(kind.resource, false)) {
      addOperation(paths, set, operation, operation.kind.kind === kind.resource.kind ? ref : undefined);
    }
  }
  const made: OpenApiV3Document = {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'evenkeel' },
    paths,
    components: { schemas: set.all() },
  };
  if (own.length === 0) documents.set(groupVersion, made);
  return made;
}

function hashOf(groupVersion: string, custom: readonly CustomKind[]): string {
  const own = custom.some((each) => apiVersionOf(each.resource) === groupVersion);
  const known = own ? undefined : hashes.get(groupVersion);
  if (known !== undefined) return known;
  const text = JSON.stringify(openApiV3(groupVersion, custom));
  const hash = createHash('sha256').update(text).digest('hex').toUpperCase();
  if (!own) hashes.set(groupVersion, hash);
  return hash;
}

function addOperation(
  paths: Record<string, Json>,
  set: DefinitionSet,
  operation: Operation,
  custom: Json | undefined,
): void {
  const { path, method } = operation;
  paths[path] ??= { parameters: pathParameters(path).map(parameter) };
  const answer = answerOf(set, operation, custom);
  const json = 'application/json';
  paths[path][method] = {
    operationId: operation.id,
    description: operation.about,
    parameters: operation.query.map(parameter),
    ...requestBody(set, operation, custom),
    responses: {
      200: {
        description: 'OK',
        content:
          answer === undefined ? { 'text/plain': { schema: { type: 'string' } } } : { [json]: { schema: answer } },
      },
    },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.kind,
  };
}

const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

function requestBody(set: DefinitionSet, operation: Operation, custom: Json | undefined): Json {
  if (operation.sends === undefined) return {};
  if (operation.sends === 'options') return body(['application/json'], set.ref('meta.v1.DeleteOptions'), false);
  if (operation.sends === 'kind') return body(['application/json'], custom ?? builtinRef(set, operation.kind), true);
  const types = patchTypes.filter((type) => operation.strategicPatch || !type.includes('strategic'));
  return body(types, { type: 'object', description: 'A patch in the form that the content type names.' }, true);
}

function body(types: readonly string[], schema: Json, required: boolean): Json {
  const content = Object.fromEntries(types.map((type) => [type, { schema }]));
  return { requestBody: { content, ...(required ? { required: true } : {}) } };
}

function parameter({ name, in: place, type, about }: Parameter): Json {
  return { name, in: place, description: about, ...(place === 'path' ? { required: true } : {}), schema: { type } };
}
