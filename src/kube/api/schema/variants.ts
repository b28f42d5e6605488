// Fields whose schema depends on the value: the "schema or something else" fields of a CustomResourceDefinition.
// Knows those three formats only.
import { definition } from './builtin.ts';
import { isRecord, type Schema } from './schema.ts';

const anything: Schema = Object.freeze({ type: 'any', format: 'json' });
const strings: Schema = Object.freeze({ type: 'array', items: Object.freeze({ type: 'string' }) });
const flag: Schema = Object.freeze({ type: 'boolean' });

/** The schema that `value` has to satisfy; `schema` itself for all but the variant formats. */
export function schemaForValue(schema: Schema, value: unknown): Schema {
  switch (schema.format) {
    case 'schema-or-bool':
      return isRecord(value) ? nested() : flag;
    case 'schema-or-array':
      return Array.isArray(value) ? Object.freeze({ type: 'array', items: nested() }) : nested();
    case 'schema-or-strings':
      return Array.isArray(value) ? strings : nested();
    default:
      return schema;
  }
}

function nested(): Schema {
  return definition('apiextensions.v1.JSONSchemaProps') ?? anything;
}
