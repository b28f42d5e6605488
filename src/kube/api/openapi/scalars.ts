// Definitions that stand for one value rather than for an object with fields: times, quantities, raw JSON.
// Knows how both versions of OpenAPI describe them.
import type { SchemaFormat } from '../schema/index.ts';

type Json = Readonly<Record<string, unknown>>;

export interface ScalarDefinition {
  readonly name: string;
  readonly v2: Json;
  readonly v3: Json;
}

function scalar(name: string, description: string, v2: Json, v3: Json = v2): ScalarDefinition {
  return { name, v2: { description, ...v2 }, v3: { description, ...v3 } };
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** By the format of the schema that refers to them. */
export const scalarDefinitions: Readonly<Partial<Record<SchemaFormat, ScalarDefinition>>> = {
  'date-time': scalar(`${meta}.Time`, 'A point in time, RFC 3339 with seconds.', {
    type: 'string',
    format: 'date-time',
  }),
  'micro-time': scalar(`${meta}.MicroTime`, 'A point in time, RFC 3339 with microseconds.', {
    type: 'string',
    format: 'date-time',
  }),
  quantity: scalar(
    'io.k8s.apimachinery.pkg.api.resource.Quantity',
    'An exact amount with a unit suffix: `250m`, `1.5Gi`, `2e3`.',
    { type: 'string' },
    { oneOf: [{ type: 'string' }, { type: 'number' }] },
  ),
  'int-or-string': scalar(
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    'A whole number, or text such as a percentage or a port name.',
    { type: 'string', format: 'int-or-string' },
    { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  ),
  raw: scalar('io.k8s.apimachinery.pkg.runtime.RawExtension', 'An object of any form, kept as it is.', {
    type: 'object',
  }),
  fields: scalar(`${meta}.FieldsV1`, 'A set of fields as a tree of keys.', { type: 'object' }),
  json: scalar(`${apiextensions}.JSON`, 'Any JSON value.', {}),
  'schema-or-array': scalar(`${apiextensions}.JSONSchemaPropsOrArray`, 'A schema, or a list of them.', {}),
  'schema-or-bool': scalar(`${apiextensions}.JSONSchemaPropsOrBool`, 'A schema, or a yes or no.', {}),
  'schema-or-strings': scalar(`${apiextensions}.JSONSchemaPropsOrStringArray`, 'A schema, or a list of names.', {}),
};
