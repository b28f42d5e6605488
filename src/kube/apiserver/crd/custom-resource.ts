// What a version of a CustomResourceDefinition means for the server: names, schema, defaults, columns, scale.
// Knows the definition's fields; when it is served is serve.ts's matter.
import { applyStructuralDefaults, hasDefaults, readStructural, type Structural } from '#kube/api/custom/index.ts';
import { apiVersionOf, type ResourceDefinition, type Verb } from '#kube/api/resources.ts';
import { definition as builtinSchema, type Schema, schemaFromCustom } from '#kube/api/schema/index.ts';
import {
  type AnyObject,
  deepFreeze,
  dig,
  digArray,
  digString,
  type Fields,
  isFields,
  mutableCopy,
} from '../registry/any-object.ts';
import type { Conversion } from '../registry/conversion.ts';
import type { CustomResource, ScalePaths } from '../registry/registry.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { findAll, parseJsonPath, plainPath } from './json-path.ts';
import { printerOf } from './printer.ts';
import { validatorOf } from './validator.ts';

export interface ServedVersion {
  readonly definition: ResourceDefinition;
  readonly strategy: Strategy;
  readonly custom: CustomResource;
}

const VERBS: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The versions that a definition asks to be served, in its own order. */
export function servedVersions(crd: AnyObject): ServedVersion[] {
  const versions = digArray(crd, 'spec', 'versions').filter(isFields);
  const storage = digString(
    versions.find((version) => version.storage === true),
    'name',
  );
  return versions.filter((version) => version.served === true).map((version) => served(crd, version, storage));
}

function served(crd: AnyObject, version: Fields, storageVersion: string): ServedVersion {
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
  const structural = readStructural(openApiSchema);
  return {
    definition,
    strategy: { countsGenerations: true, requiresResourceVersion: true, selectableFields: selectable(version) },
    custom: {
      conversion: sameShape(definition, storageVersion, structural),
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

/**
 * Conversion strategy `None`: versions differ in their name only. What was stored before a default was in the schema
 * has it when it is read.
 */
function sameShape(definition: ResourceDefinition, storageVersion: string, schema: Structural): Conversion {
  const { group, version, resource } = definition;
  const stored = apiVersionOf({ group, version: storageVersion });
  const shown = apiVersionOf({ group, version });
  const fills = hasDefaults(schema);
  return {
    storageName: `${group}/${resource}`,
    toStorage: (object) => (object.apiVersion === stored ? object : { ...object, apiVersion: stored }),
    fromStorage(object) {
      if (!fills) return object.apiVersion === shown ? object : deepFreeze({ ...object, apiVersion: shown });
      const filled = { ...mutableCopy(object), apiVersion: shown };
      applyStructuralDefaults(schema, filled);
      return deepFreeze(filled);
    },
  };
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
