// What a version of a CustomResourceDefinition means for the server: names, schema, defaults, columns, scale.
// Knows the definition's fields; when it is served is serve.ts's matter.
import { applyStructuralDefaults, readStructural, type Structural } from '#kube/api/custom/index.ts';
import { apiVersionOf, type ResourceDefinition, type Verb } from '#kube/api/resources.ts';
import { definition as builtinSchema, type Schema, schemaFromCustom } from '#kube/api/schema/index.ts';
import { type AnyObject, dig, digArray, digString, type Fields, isFields } from '../registry/any-object.ts';
import type { CustomResource, ScalePaths } from '../registry/registry.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { conversionOf, type Versions } from './conversions.ts';
import type { ConversionWebhook } from './converter.ts';
import { findAll, parseJsonPath, plainPath } from './json-path.ts';
import { printerOf } from './printer.ts';
import { validatorOf } from './validator.ts';

export interface ServedVersion {
  readonly definition: ResourceDefinition;
  readonly strategy: Strategy;
  readonly custom: CustomResource;
}

/** Rejects with `StatusError`. */
export type AskWebhook = (
  webhook: ConversionWebhook,
  objects: readonly AnyObject[],
  apiVersion: string,
) => Promise<readonly AnyObject[]>;

/** For definitions that name no webhook. */
const nobody: AskWebhook = () => Promise.reject(new Error('There is no webhook to ask'));

const VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The versions that a definition asks to be served, in its own order. `convert` asks its webhook. */
export function servedVersions(crd: AnyObject, convert: AskWebhook = nobody): ServedVersion[] {
  const versions = digArray(crd, 'spec', 'versions').filter(isFields);
  const storage = digString(
    versions.find((version) => version.storage === true),
    'name',
  );
  const shapes = new Map<string, Structural>();
  const group = digString(crd, 'spec', 'group');
  const shapeOf = (apiVersion: string): Structural | undefined => {
    const known = shapes.get(apiVersion);
    const version = versions.find(({ name }) => `${group}/${String(name)}` === apiVersion);
    if (known !== undefined || version === undefined) return known;
    const made = readStructural(dig(version, 'schema', 'openAPIV3Schema'));
    shapes.set(apiVersion, made);
    return made;
  };
  return versions
    .filter((version) => version.served === true)
    .map((version) => served(crd, version, { storage: apiVersionOf({ group, version: storage }), shapeOf, convert }));
}

function served(crd: AnyObject, version: Fields, versions: Versions): ServedVersion {
  const group = digString(crd, 'spec', 'group');
  const names = dig(crd, 'status', 'acceptedNames');
  const plural = digString(names, 'plural');
  const hasStatus = isFields(dig(version, 'subresources', 'status'));
  const scale = scalePaths(version);
  const definition: ResourceDefinition = Object.freeze({
    group,
    version: digString(version, 'name'),
    resource: plural,
    singular: digString(names, 'singular'),
    kind: digString(names, 'kind'),
    namespaced: digString(crd, 'spec', 'scope') === 'Namespaced',
    shortNames: digArray(names, 'shortNames').map(String),
    categories: digArray(names, 'categories').map(String),
    verbs: VERBS,
    subresources: [...(hasStatus ? ['status'] : []), ...(scale === undefined ? [] : ['scale'])],
  });
  const openApiSchema = dig(version, 'schema', 'openAPIV3Schema');
  const structural = versions.shapeOf(apiVersionOf(definition)) ?? readStructural(openApiSchema);
  return {
    definition,
    strategy: { countsGenerations: true, requiresResourceVersion: true, selectableFields: selectable(version) },
    custom: {
      conversion: conversionOf(crd, definition, versions),
      schema: schemaOf(openApiSchema),
      openApiSchema: isFields(openApiSchema) ? openApiSchema : undefined,
      printer: printerOf(version),
      scale,
      applyDefaults: (object) => applyStructuralDefaults(structural, object),
      validate: validatorOf(structural, scale),
      terminating: crd.metadata?.deletionTimestamp !== undefined,
    },
  };
}

function schemaOf(openApiSchema: unknown): Schema | undefined {
  const metadata = builtinSchema('meta.v1.ObjectMeta');
  return metadata === undefined ? undefined : schemaFromCustom(openApiSchema, metadata);
}

function scalePaths(version: Fields): ScalePaths | undefined {
  const scale = dig(version, 'subresources', 'scale');
  const specReplicas = plainPath(dig(scale, 'specReplicasPath'));
  const statusReplicas = plainPath(dig(scale, 'statusReplicasPath'));
  if (specReplicas === undefined || statusReplicas === undefined) return undefined;
  return { specReplicas, statusReplicas, selector: plainPath(dig(scale, 'labelSelectorPath')) };
}

function selectable(version: Fields): NonNullable<Strategy['selectableFields']> {
  const fields: Record<string, (object: AnyObject) => string> = {};
  for (const field of digArray(version, 'selectableFields')) {
    const path = digString(field, 'jsonPath');
    const steps = parseJsonPath(path);
    if (steps !== undefined) fields[path.replace(/^\./, '')] = (object) => String(findAll(steps, object)[0] ?? '');
  }
  return fields;
}
