// Custom kinds in OpenAPI documents: their own schema, with the fields that every object has.
// Knows the schema as the CustomResourceDefinition holds it; nothing of its values.
import type { ResourceDefinition } from '../resources.ts';
import type { DefinitionSet } from './definitions.ts';
import { addKind } from './kinds.ts';
import { customName } from './names.ts';

type Json = Record<string, unknown>;

/** A served version of a CustomResourceDefinition. */
export interface CustomKind {
  readonly resource: ResourceDefinition;
  /** `spec.versions[].schema.openAPIV3Schema`. */
  readonly openApiSchema: Readonly<Record<string, unknown>> | undefined;
}

/** Adds the kind and its list; returns the reference to the kind. */
export function addCustomKind(set: DefinitionSet, { resource, openApiSchema = {} }: CustomKind): Json {
  const { group, version, kind } = resource;
  const properties = (openApiSchema.properties ?? {}) as Json;
  const ref = set.add(customName(group, version, kind), {
    ...openApiSchema,
    type: 'object',
    properties: {
      ...properties,
      apiVersion: { type: 'string', description: `\`${group}/${version}\`.` },
      kind: { type: 'string', description: `\`${kind}\`.` },
      metadata: set.ref('meta.v1.ObjectMeta'),
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  });
  addKind(set, resource, ref);
  return ref;
}
