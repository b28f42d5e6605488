// Defaults of a custom resource, from the `default` values of its schema, and what becomes of nulls.
// Knows schemas and values. Upstream source: apiextensions-apiserver schema/defaulting.
import { isRecord } from '../schema/schema.ts';
import { type Structural, structuralAt } from './structural.ts';

/** Fills `value` in place: what is missing, and nulls that the schema does not allow; those without a default go. */
export function applyStructuralDefaults(schema: Structural, value: unknown): void {
  if (Array.isArray(value)) fillList(schema.items, value);
  else if (isRecord(value)) fillFields(schema, value);
}

function fillList(items: Structural | undefined, list: unknown[]): void {
  if (items === undefined) return;
  for (const [index, item] of list.entries()) {
    if (item === null && !items.nullable && items.default !== undefined) list[index] = structuredClone(items.default);
    applyStructuralDefaults(items, list[index]);
  }
}

function fillFields(schema: Structural, fields: Record<string, unknown>): void {
  for (const [name, property] of schema.properties) {
    if (property.default === undefined) continue;
    const isMissing = !Object.hasOwn(fields, name) || (fields[name] === null && !property.nullable);
    if (isMissing) fields[name] = structuredClone(property.default);
  }
  for (const name of Object.keys(fields)) {
    const inner = structuralAt(schema, name);
    if (inner === undefined) continue;
    if (fields[name] === null && !inner.nullable) {
      if (inner.default === undefined) delete fields[name];
      else fields[name] = structuredClone(inner.default);
    }
    applyStructuralDefaults(inner, fields[name]);
  }
}

/** Whether a schema has a default anywhere: most have none, and their objects need no copy when they are read. */
export function hasDefaults(schema: Structural): boolean {
  if (schema.default !== undefined) return true;
  const within = [...schema.properties.values(), schema.items, schema.additional];
  return within.some((inner) => inner !== undefined && hasDefaults(inner));
}
