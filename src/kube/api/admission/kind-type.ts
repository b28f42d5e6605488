// The type of a built-in kind for CEL, field by field as it is asked for: kinds may hold themselves.
// Knows schemas; used to warn about policies that speak of fields that their kinds do not have.
import { DYN, type Type } from '../cel/index.ts';
import { BOOL, BYTES, DOUBLE, type Field, INT, listOf, mapOf, STRING, TIMESTAMP } from '../cel/types.ts';
import type { Schema } from '../schema/schema.ts';

class LazyFields extends Map<string, Field> {
  readonly #schema: Schema;
  constructor(schema: Schema) {
    super();
    this.#schema = schema;
  }
  override get(name: string): Field | undefined {
    const { properties } = this.#schema;
    const found = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    return found === undefined ? undefined : { name, type: kindType(found) };
  }
  override has(name: string): boolean {
    return this.get(name) !== undefined;
  }
}

export function kindType(schema: Schema): Type {
  switch (schema.type) {
    case 'object':
      if (schema.preserveUnknownFields === true) return DYN;
      if (schema.properties !== undefined && Object.keys(schema.properties).length > 0) {
        return { kind: 'object', name: schema.ref ?? 'object', fields: new LazyFields(schema) };
      }
      return mapOf(STRING, schema.additionalProperties === undefined ? DYN : kindType(schema.additionalProperties));
    case 'array':
      return listOf(schema.items === undefined ? DYN : kindType(schema.items));
    case 'string':
      if (schema.format === 'byte') return BYTES;
      if (schema.format === 'date-time' || schema.format === 'micro-time') return TIMESTAMP;
      // A quantity may be written as a number.
      return schema.format === 'quantity' ? DYN : STRING;
    case 'integer':
      return INT;
    case 'number':
      return DOUBLE;
    case 'boolean':
      return BOOL;
    default:
      return DYN;
  }
}
