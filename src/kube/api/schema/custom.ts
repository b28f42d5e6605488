// Turns the schema inside a CustomResourceDefinition into the form that all readers of objects share.
// Structure and merge facts; what values may be is read by the room `../custom`.
import type { FieldFacts, Schema, SchemaFormat, SchemaType } from './schema.ts';
import { isRecord } from './schema.ts';

const types: ReadonlySet<string> = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean']);
const formats: ReadonlySet<string> = new Set(['int32', 'int64', 'double', 'byte', 'date-time']);

/** apiVersion, kind and metadata, which every custom resource has whether its schema says so or not. */
const envelope = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
} as const satisfies Record<string, Schema>;

/**
 * `openAPIV3Schema` of a version of a CustomResourceDefinition as a Schema.
 * `metadata` is the schema of ObjectMeta, for the resource itself and for embedded resources.
 * Anything that is not understood is taken as "any value", which is what a server without that rule would do.
 */
export function schemaFromCustom(openApi: unknown, metadata: Schema): Schema {
  const root = translate(openApi, metadata);
  return Object.freeze({ ...root, type: 'object', properties: withEnvelope(root.properties, metadata) });
}

function withEnvelope(properties: Schema['properties'], metadata: Schema): Readonly<Record<string, Schema>> {
  return Object.freeze({ ...properties, ...envelope, metadata });
}

function translate(source: unknown, metadata: Schema): Schema {
  if (!isRecord(source)) return Object.freeze({ type: 'any', custom: true });
  const preserve = source['x-kubernetes-preserve-unknown-fields'] === true;
  const facts = {
    custom: true as const,
    ...mergeFacts(source),
    ...(preserve ? { preserveUnknownFields: true } : {}),
    ...(source.nullable === true ? { nullable: true } : {}),
  };
  if (source['x-kubernetes-int-or-string'] === true) {
    return Object.freeze({ type: 'any', format: 'int-or-string', ...facts });
  }
  const named = source.type;
  const type = typeof named === 'string' && types.has(named) ? (named as SchemaType) : 'any';
  if (type === 'object') return objectSchema(source, facts, metadata);
  if (type === 'array') return Object.freeze({ type, items: translate(source.items, metadata), ...facts });
  const format = source.format;
  const known = typeof format === 'string' && formats.has(format) ? { format: format as SchemaFormat } : {};
  return Object.freeze({ type, ...known, ...facts });
}

function objectSchema(source: Record<string, unknown>, facts: Partial<Schema>, metadata: Schema): Schema {
  const embedded = source['x-kubernetes-embedded-resource'] === true;
  const named = isRecord(source.properties)
    ? Object.fromEntries(Object.entries(source.properties).map(([name, inner]) => [name, translate(inner, metadata)]))
    : {};
  const properties = embedded ? withEnvelope(named, metadata) : Object.freeze(named);
  const values = source.additionalProperties;
  return Object.freeze({
    type: 'object',
    properties,
    ...(values === undefined || values === false ? {} : { additionalProperties: translate(values, metadata) }),
    ...(embedded ? { embeddedResource: true } : {}),
    ...facts,
  });
}

function mergeFacts(source: Record<string, unknown>): FieldFacts {
  const listType = source['x-kubernetes-list-type'];
  const mapType = source['x-kubernetes-map-type'];
  const keys = source['x-kubernetes-list-map-keys'];
  const fallback = source.default;
  return {
    ...(listType === 'atomic' || listType === 'set' || listType === 'map' ? { listType } : {}),
    ...(mapType === 'atomic' || mapType === 'granular' ? { mapType } : {}),
    ...(Array.isArray(keys) ? { listMapKeys: keys.filter((key) => typeof key === 'string') } : {}),
    ...(isScalar(fallback) ? { default: fallback } : {}),
  };
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
