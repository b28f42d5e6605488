// Builds the OpenAPI v3 document of one group version: its kinds, its paths, and all that those refer to.
// Knows nothing of caches or of other group versions.
import type { ResourceDefinition } from '../resources.ts';
import { addCustomKind, type CustomKind } from './custom.ts';
import { DefinitionSet } from './definitions.ts';
import { addKind, addProtocolKinds, answerOf, builtinRef } from './kinds.ts';
import { type Operation, operationsOf } from './operations.ts';
import { type Parameter, pathParameters } from './parameters.ts';

type Json = Record<string, unknown>;

export interface OpenApiV3Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** `resources` are the built-in ones of the group version, `custom` those that were added to it. */
export function buildV3(resources: readonly ResourceDefinition[], custom: readonly CustomKind[]): OpenApiV3Document {
  const set = new DefinitionSet('#/components/schemas/');
  const paths: Record<string, Json> = {};
  const [first] = [...resources, ...custom.map((kind) => kind.resource)];
  if (first !== undefined) addProtocolKinds(set, [{ group: first.group, version: first.version }]);
  for (const resource of resources) {
    addKind(set, resource);
    for (const operation of operationsOf(resource)) addOperation(paths, set, operation, undefined);
  }
  for (const kind of custom) {
    const ref = addCustomKind(set, kind);
    for (const operation of operationsOf(kind.resource, false)) {
      addOperation(paths, set, operation, operation.kind.kind === kind.resource.kind ? ref : undefined);
    }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'evenkeel' },
    paths,
    components: { schemas: set.all() },
  };
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
