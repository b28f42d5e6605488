// OpenAPI v2: one document for everything that is built in, for clients that know nothing newer.
// Knows nothing of HTTP; the document is made on first use and kept.
import { builtinResources } from '../resources.ts';
import { DefinitionSet } from './definitions.ts';
import { addKind, addProtocolKinds, answerOf, builtinRef } from './kinds.ts';
import { type Operation, operationsOf } from './operations.ts';
import { type Parameter, pathParameters } from './parameters.ts';

type Json = Record<string, unknown>;

/** `swagger` 2.0 as /openapi/v2 serves it. */
export interface OpenApiV2Document {
  readonly swagger: '2.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Json>>;
  readonly definitions: Readonly<Record<string, Json>>;
}

let document: OpenApiV2Document | undefined;

/** The whole document. Do not change it. */
export function openApiV2Json(): OpenApiV2Document {
  document ??= build();
  return document;
}

function build(): OpenApiV2Document {
  const set = new DefinitionSet('#/definitions/');
  const paths: Record<string, Json> = {};
  const versions = new Map(builtinResources.map(({ group, version }) => [`${group}/${version}`, { group, version }]));
  addProtocolKinds(set, [...versions.values()]);
  for (const resource of builtinResources) {
    addKind(set, resource);
    for (const operation of operationsOf(resource)) addOperation(paths, set, operation);
  }
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'evenkeel' },
    paths,
    definitions: set.all() as Record<string, Json>,
  };
}

function addOperation(paths: Record<string, Json>, set: DefinitionSet, operation: Operation): void {
  const { path, method } = operation;
  paths[path] ??= { parameters: pathParameters(path).map(parameter) };
  const answer = answerOf(set, operation);
  paths[path][method] = {
    operationId: operation.id,
    description: operation.about,
    consumes: ['*/*'],
    produces: ['application/json'],
    parameters: [...bodyParameter(set, operation), ...operation.query.map(parameter)],
    responses: { 200: { description: 'OK', schema: answer ?? { type: 'string' } } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.kind,
  };
}

function bodyParameter(set: DefinitionSet, operation: Operation): Json[] {
  const { sends } = operation;
  if (sends === undefined) return [];
  if (sends === 'options') return [{ name: 'body', in: 'body', schema: set.ref('meta.v1.DeleteOptions') }];
  const schema = sends === 'kind' ? builtinRef(set, operation.kind) : { type: 'object' };
  return [{ name: 'body', in: 'body', required: true, schema }];
}

function parameter({ name, in: place, type, about }: Parameter): Json {
  return { name, in: place, description: about, ...(place === 'path' ? { required: true } : {}), type };
}
