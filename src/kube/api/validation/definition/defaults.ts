// Whether the defaults in a custom resource's schema are values that the schema itself takes.
// Knows schemas by the custom room's door. Upstream source: apiextensions-apiserver schema/defaulting/validation.go.
import { jsonEqual } from '#lib/json.ts';
import { readStructural, type Structural, structuralAt, validateCustom } from '../../custom/index.ts';
import { isRecord } from '../../schema/schema.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';
import type { RawSchema } from './structural.ts';

export function validateDefaults(schema: RawSchema, path: FieldPath, report: Report): void {
  walk(readStructural(schema), path, report);
}

function walk(schema: Structural, path: FieldPath, report: Report): void {
  if (schema.default !== undefined) {
    const here = child(path, 'default');
    const pruned = structuredClone(schema.default);
    prune(schema, pruned);
    if (!jsonEqual(pruned, schema.default)) report.invalid(here, schema.default, 'must not have unknown fields');
    for (const cause of validateCustom(schema, schema.default, undefined, here)) report.causes.push(cause);
  }
  if (schema.items !== undefined) walk(schema.items, child(path, 'items'), report);
  for (const [name, inner] of schema.properties) walk(inner, at(child(path, 'properties'), name), report);
}

function prune(schema: Structural, value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items !== undefined) prune(schema.items, item);
  } else if (isRecord(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const below = structuralAt(schema, name);
      const isMeta = schema.embedded && ['apiVersion', 'kind', 'metadata'].includes(name);
      if (below !== undefined) prune(below, inner);
      else if (!schema.preserve && !isMeta && schema.source.additionalProperties !== true) delete value[name];
    }
  }
}
