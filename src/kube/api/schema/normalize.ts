// Turns an object that decodes into the form that the server keeps: what Go's decoder drops or rewrites.
// Says nothing about mistakes; validate.ts found them before.
import { formatQuantity, parseQuantity } from '../quantity.ts';
import { isRecord, type Schema } from './schema.ts';
import { schemaForValue } from './variants.ts';

/**
 * Changes `object` in place: unknown fields and nulls go, quantities get their canonical text, times become UTC.
 * Custom resources' nulls stay where the schema is nullable; values that do not fit their type stay as they are.
 */
export function normalize(schema: Schema, object: Record<string, unknown>): void {
  normalizeObject(schema, object);
}

function normalizeObject(schema: Schema, object: Record<string, unknown>): void {
  const { properties, additionalProperties } = schema;
  if (properties === undefined && additionalProperties === undefined) return;
  for (const name of Object.keys(object)) {
    const property = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    const inner = property ?? additionalProperties;
    if (inner === undefined) {
      if (schema.preserveUnknownFields !== true) delete object[name];
      continue;
    }
    const value = object[name];
    if (value === undefined || (value === null && inner.nullable !== true)) dropNull(object, name, inner, property);
    else object[name] = normalized(inner, value);
  }
}

/** A null in a map of strings decodes to the empty string; elsewhere null is absence. */
function dropNull(object: Record<string, unknown>, name: string, inner: Schema, property: Schema | undefined): void {
  if (inner.custom === true) delete object[name];
  else if (property === undefined && inner.type === 'string' && inner.format === undefined) object[name] = '';
  else if (inner.type !== 'any' || inner.format === 'int-or-string') delete object[name];
}

function normalized(declared: Schema, value: unknown): unknown {
  const schema = schemaForValue(declared, value);
  if (schema.custom !== true) {
    if (schema.format === 'quantity') return canonicalQuantity(value);
    if (schema.format === 'date-time') return canonicalTime(value, 0);
    if (schema.format === 'micro-time') return canonicalTime(value, 6);
  }
  if (Array.isArray(value)) {
    const items = schema.items;
    return items === undefined ? value : value.map((item) => (item === null ? zero(items) : normalized(items, item)));
  }
  if (isRecord(value)) normalizeObject(schema, value);
  return value;
}

/** What a null inside a list decodes to; in a custom resource it stays, for its schema to refuse. */
function zero(items: Schema): unknown {
  if (items.nullable === true || items.custom === true) return null;
  switch (items.type) {
    case 'object':
      return {};
    case 'array':
      return [];
    case 'string':
      return '';
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return 0;
    default:
      return null;
  }
}

function canonicalQuantity(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  try {
    return formatQuantity(parseQuantity(String(value).trim()));
  } catch {
    // Not a quantity: the value stays, for validation to name it.
    return value;
  }
}

/** RFC 3339 in UTC with `digits` of fraction, as the server prints times. */
function canonicalTime(value: unknown, digits: 0 | 6): unknown {
  if (typeof value !== 'string') return value;
  const time = Date.parse(value);
  if (Number.isNaN(time)) return value;
  const seconds = new Date(time).toISOString().slice(0, 19);
  if (digits === 0) return `${seconds}Z`;
  const fraction = /[.,](\d+)/.exec(value)?.[1] ?? '';
  return `${seconds}.${fraction.slice(0, digits).padEnd(digits, '0')}Z`;
}
