// Short words for how a field merges, so that the tables of facts stay readable.
// Knows no field.
import type { FieldFacts, PatchStrategy } from '../schema.ts';

export type FactTable = Readonly<Record<string, FieldFacts>>;

/** A list with one owner, replaced as a whole by every kind of patch. */
export const atomicList: FieldFacts = Object.freeze({ listType: 'atomic' });

/** An object or a map with one owner under server-side apply. */
export const atomicMap: FieldFacts = Object.freeze({ mapType: 'atomic' });

/** A list of unique plain values under server-side apply. */
export const setList: FieldFacts = Object.freeze({ listType: 'set' });

/** A list of unique plain values that strategic merge patch adds to as well. */
export const mergedSet: FieldFacts = Object.freeze<FieldFacts>({ listType: 'set', patchStrategy: ['merge'] });

/** A list of objects told apart by `keys` under server-side apply, replaced by strategic merge patch. */
export function appliedBy(...keys: readonly string[]): FieldFacts {
  return Object.freeze({ listType: 'map', listMapKeys: keys });
}

/** A list of objects told apart by `keys` (server-side apply) and by the first of them (strategic merge patch). */
export function mergedBy(...keys: readonly [string, ...string[]]): FieldFacts {
  return Object.freeze<FieldFacts>({ ...appliedBy(...keys), patchStrategy: ['merge'], patchMergeKey: keys[0] });
}

/** As `mergedBy`, and a patched item keeps only the fields that the patch names: its kind is one of several. */
export function mergedByRetaining(key: string): FieldFacts {
  return Object.freeze<FieldFacts>({ ...mergedBy(key), patchStrategy: ['merge', 'retainKeys'] });
}

/** A list that strategic merge patch merges by `key`, and server-side apply takes as one. */
export function atomicMergedBy(key: string): FieldFacts {
  return Object.freeze<FieldFacts>({ listType: 'atomic', patchStrategy: ['merge'], patchMergeKey: key });
}

export function patched(...strategy: readonly PatchStrategy[]): FieldFacts {
  return Object.freeze({ patchStrategy: strategy });
}

export function oneOf(...values: readonly string[]): FieldFacts {
  return Object.freeze({ enum: values });
}

/** The same fact for several fields: `fields('core.v1.Container', atomicList, 'args', 'command')`. */
export function fields(definition: string, fact: FieldFacts, ...names: readonly string[]): FactTable {
  return Object.fromEntries(names.map((name) => [`${definition}.${name}`, fact]));
}
