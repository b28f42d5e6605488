// Fields that a custom resource's schema does not know: they go, unless it says that they stay.
// Knows schemas and values. Upstream source: apiextensions-apiserver schema/pruning.
import { isRecord } from '../schema/schema.ts';
import type { Structural } from './structural.ts';

const OBJECT_FIELDS = ['apiVersion', 'kind', 'metadata'];

/** `object` as its schema knows it: the same one where nothing goes, else a copy of what is above what goes. */
export function pruneStructural<T>(schema: Structural, object: T): T {
  return prune(schema, object, true) as T;
}

function prune(schema: Structural, value: unknown, isObject: boolean): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    const pruned = value.map((item) => prune(items, item, items.embedded));
    return pruned.every((item, index) => item === value[index]) ? value : pruned;
  }
  if (!isRecord(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [name, member] of Object.entries(value)) {
    if (isObject && OBJECT_FIELDS.includes(name)) continue;
    const inner = schema.properties.get(name) ?? schema.additional;
    const kept = inner === undefined ? member : prune(inner, member, inner.embedded);
    const goes = inner === undefined && !schema.preserve && !takesAnyKey(schema);
    if (!goes && kept === member) continue;
    copy ??= { ...value };
    if (goes) delete copy[name];
    else copy[name] = kept;
  }
  return copy ?? value;
}

/** `additionalProperties: true` has no schema of its own. */
function takesAnyKey({ source }: Structural): boolean {
  return source.additionalProperties === true;
}
