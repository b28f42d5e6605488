// Items that a list of type `set` or `map` may hold only once.
// Knows lists and their keys. Upstream source: apiextensions-apiserver schema/listtype.
import { isRecord } from '../schema/schema.ts';
import type { StatusCause } from '../status.ts';
import { type Structural, structuralAt } from './structural.ts';
import { childOf } from './value-check.ts';

/** What appears twice, at its second appearance. */
export function duplicateItems(schema: Structural, value: unknown, path = ''): StatusCause[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const within =
      items === undefined ? [] : value.flatMap((item, index) => duplicateItems(items, item, `${path}[${index}]`));
    return [...duplicatesIn(schema, value, path), ...within];
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const below = structuralAt(schema, name);
    if (below === undefined) return [];
    return duplicateItems(below, inner, schema.properties.has(name) ? childOf(path, name) : `${path}[${name}]`);
  });
}

function duplicatesIn(schema: Structural, list: readonly unknown[], path: string): StatusCause[] {
  if (schema.listType === 'set') return repeated(list, path);
  if (schema.listType !== 'map') return [];
  for (const [index, item] of list.entries()) {
    if (item === null || isRecord(item)) continue;
    const message = `Invalid value: ${JSON.stringify(item)}: must be an object for an array of list-type map`;
    return [{ reason: 'FieldValueInvalid', message, field: `${path}[${index}]` }];
  }
  return repeated(
    list.map((item) => keysOf(schema.listMapKeys, item)),
    path,
  );
}

/** The keys of an item that are there. */
export function keysOf(names: readonly string[], item: unknown): Record<string, unknown> {
  if (!isRecord(item)) return {};
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(item, name) ? [[name, item[name]]] : [])));
}

function repeated(values: readonly unknown[], path: string): StatusCause[] {
  const seen = new Map<string, number>();
  return values.flatMap((value, index) => {
    const text = canonical(value);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    if (times !== 1) return [];
    const message = `Duplicate value: ${JSON.stringify(value)}`;
    return [{ reason: 'FieldValueDuplicate', message, field: `${path}[${index}]` }];
  });
}

/** JSON in which the order of fields does not tell. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.keys(value).sort();
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}
