// Types of CEL from a custom resource's schema, with the sizes it declares, and names as expressions write them.
// Knows structural schemas. Upstream source: k8s.io/apiserver/pkg/cel/common/schemas.go, cel/escaping.go.
import type { Structural } from '../custom/structural.ts';
import {
  BOOL,
  DOUBLE,
  DURATION,
  type Field,
  INT,
  listOf,
  mapOf,
  type ObjectType,
  STRING,
  sized,
  TIMESTAMP,
  type Type,
} from './types.ts';

/** No request is larger, and so nothing in it; bytes. */
export const MAX_REQUEST_BYTES = 3 * 1024 * 1024;

/** A type, and the least that a value of it takes as JSON; bytes. */
export interface SchemaType {
  readonly type: Type;
  readonly minBytes: number;
}

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** The name by which an expression reaches a field; undefined when none does. */
export function escapeField(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/.test(name)) return undefined;
  return name
    .replace(/__/g, '__underscores__')
    .replace(/\./g, '__dot__')
    .replace(/-/g, '__dash__')
    .replace(/\//g, '__slash__');
}

const metadata: ObjectType = {
  kind: 'object',
  name: 'metadata',
  fields: new Map([
    ['name', { name: 'name', type: STRING }],
    ['generateName', { name: 'generateName', type: STRING }],
  ]),
};

/** Undefined for a schema that expressions cannot see: one without a type. `isResource`: type and metadata are there. */
export function schemaType(schema: Structural, isResource: boolean): SchemaType | undefined {
  if (schema.intOrString) return { type: sized('dyn', MAX_REQUEST_BYTES - 2), minBytes: 1 };
  switch (schema.type) {
    case 'array': {
      const items = schema.items === undefined ? undefined : schemaType(schema.items, schema.items.embedded);
      if (items === undefined) return undefined;
      const max = schema.rules.maxItems ?? Math.floor((MAX_REQUEST_BYTES - 2) / (items.minBytes + 1));
      const { listType } = schema;
      const meaning =
        listType === 'set' || listType === 'map' ? { type: listType, keys: schema.listMapKeys } : undefined;
      const list = listOf(items.type, Math.max(0, max));
      return { type: meaning === undefined ? list : ({ ...list, meaning } as Type), minBytes: 2 };
    }
    case 'object':
      return schema.additional === undefined ? objectType(schema, isResource) : freeKeys(schema, schema.additional);
    case 'string':
      return textType(schema);
    case 'boolean':
      return { type: BOOL, minBytes: 4 };
    case 'number':
      return { type: DOUBLE, minBytes: 1 };
    case 'integer':
      return { type: INT, minBytes: 1 };
    default:
      return undefined;
  }
}

function freeKeys(schema: Structural, additional: Structural): SchemaType | undefined {
  const values = schemaType(additional, additional.embedded);
  if (values === undefined) return undefined;
  const max = schema.rules.maxProperties ?? Math.floor((MAX_REQUEST_BYTES - 2) / (values.minBytes + 6));
  // Upstream counts nothing for the length of keys, and definitions that it accepts must be accepted here.
  return { type: mapOf(sized('string', 0), values.type, Math.max(0, max)), minBytes: 2 };
}

function objectType(schema: Structural, isResource: boolean): SchemaType {
  const fields = new Map<string, Field>();
  let minBytes = 2;
  for (const [name, property] of schema.properties) {
    const found = schemaType(property, property.embedded);
    const escaped = escapeField(name);
    if (found === undefined) continue;
    if (escaped !== undefined) fields.set(escaped, { name, type: found.type });
    if (schema.required.has(name) && property.default === undefined) minBytes += name.length + found.minBytes + 4;
  }
  if (isResource) {
    fields.set('apiVersion', { name: 'apiVersion', type: STRING });
    fields.set('kind', { name: 'kind', type: STRING });
    fields.set('metadata', { name: 'metadata', type: metadata });
  }
  return { type: { kind: 'object', name: 'object', fields }, minBytes };
}

function textType({ rules }: Structural): SchemaType {
  const { format, maxLength } = rules;
  if (format === 'duration') return { type: DURATION, minBytes: 2 };
  if (format === 'date' || format === 'date-time') return { type: TIMESTAMP, minBytes: 2 };
  const whole = MAX_REQUEST_BYTES - 2;
  if (format === 'byte') return { type: sized('bytes', maxLength ?? whole), minBytes: 2 };
  const texts = rules.enum?.map((each) => (typeof each === 'string' ? each.length : 0));
  // A character may take four bytes, and it is bytes that are counted.
  const max =
    maxLength !== undefined ? Math.max(0, maxLength) * 4 : texts !== undefined ? Math.max(0, ...texts) : whole;
  return { type: sized('string', max), minBytes: 2 };
}
