// Defaults of a custom resource, from the `default` values of its schema.
// Knows OpenAPI schemas as they stand in a definition; kinds that are built in have their own defaults.
import { isFields } from '../registry/any-object.ts';

/** Fills `value` in place: what is missing, and nulls that the schema does not allow. */
export function applySchemaDefaults(schema: unknown, value: unknown): void {
  if (!isFields(schema)) return;
  if (Array.isArray(value)) {
    for (const item of value) applySchemaDefaults(schema.items, item);
    return;
  }
  if (!isFields(value)) return;
  const properties = isFields(schema.properties) ? schema.properties : {};
  for (const [name, property] of Object.entries(properties)) {
    if (!isFields(property)) continue;
    const isMissing = value[name] === undefined || (value[name] === null && property.nullable !== true);
    if (isMissing && property.default !== undefined) value[name] = structuredClone(property.default);
    applySchemaDefaults(property, value[name]);
  }
  if (!isFields(schema.additionalProperties)) return;
  for (const [name, inner] of Object.entries(value)) {
    if (!Object.hasOwn(properties, name)) applySchemaDefaults(schema.additionalProperties, inner);
  }
}
