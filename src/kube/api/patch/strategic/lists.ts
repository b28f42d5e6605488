// Merging one list under the merge strategy: items by merge key, primitives as a set, deletions and whole replacement.
// Knows how a list merges, not where it stands; `mergeItem` takes what lies inside an item.
import { isJsonObject, type Json, type JsonObject, jsonEqual, own } from '#lib/json.ts';
import {
  listsOfLists,
  malformedPrimitiveList,
  missingMergeKey,
  noMergeKey,
  patchMarker,
  unknownDirective,
  withoutDirectives,
} from './directives.ts';
import { type IdentityOf, indexBy, normalizeOrder } from './order.ts';

export type MergeItem = (original: JsonObject, patch: JsonObject) => JsonObject;

/** Merges `patch` into `original`. `mergeKey` may be undefined for lists of primitives only. */
export function mergeList(
  field: string,
  original: Json[],
  patch: Json[],
  mergeKey: string | undefined,
  mergeItem: MergeItem,
): Json[] {
  if (original.length === 0 && patch.length === 0) return original;
  const all = [...original, ...patch];
  if (all.some(Array.isArray)) throw listsOfLists();
  if (!all.some(isJsonObject)) {
    return normalizeOrder(union(original, patch), patch, original, (item) => item);
  }
  if (mergeKey === undefined) throw noMergeKey(field);
  const identityOf = identityBy(mergeKey);
  const { kept, items, replace } = takeDirectives(original, patch, mergeKey);
  if (replace) return items.map(withoutDirectives);
  const merged = mergeItems(kept, items, identityOf, mergeItem);
  return normalizeOrder(merged, items, original, identityOf);
}

/** Merges each item into the first of its identity, or adds it; in one pass, for lists may be long. */
function mergeItems(
  kept: readonly Json[],
  items: readonly Json[],
  identityOf: IdentityOf,
  mergeItem: MergeItem,
): Json[] {
  const merged = [...kept];
  const places = new Map<Json, number>();
  const note = (identity: Json, at: number): void => {
    if (!places.has(identity)) places.set(identity, at);
  };
  for (const [at, item] of merged.entries()) note(identityOf(item), at);
  const placeOf = (identity: Json): number | undefined =>
    typeof identity === 'object'
      ? merged.findIndex((candidate) => jsonEqual(identityOf(candidate), identity))
      : places.get(identity);
  for (const item of items) {
    const identity = identityOf(item);
    const at = placeOf(identity) ?? -1;
    const present = merged[at];
    if (isJsonObject(present) && isJsonObject(item)) merged[at] = mergeItem(present, item);
    else note(identity, merged.push(withoutDirectives(item)) - 1);
  }
  return merged;
}

/** Removes the named primitives. */
export function deleteFromPrimitives(original: Json, named: Json): Json {
  if (!Array.isArray(named)) throw malformedPrimitiveList();
  if (!Array.isArray(original)) return original;
  const placeOf = indexBy(named, (item) => item);
  return original.filter((item) => placeOf(item) < 0);
}

/** The identity of items that carry `mergeKey`; throws when one does not. */
export function identityBy(mergeKey: string | undefined): IdentityOf {
  return (item) => {
    if (mergeKey === undefined || !isJsonObject(item)) return item;
    const value = own(item, mergeKey);
    if (value === undefined || value === null) throw missingMergeKey(item, mergeKey);
    return value;
  };
}

function takeDirectives(
  original: readonly Json[],
  patch: readonly Json[],
  mergeKey: string,
): { kept: Json[]; items: Json[]; replace: boolean } {
  const identityOf = identityBy(mergeKey);
  const gone: Json[] = [];
  const items: Json[] = [];
  let replace = false;
  for (const item of patch) {
    const directive = isJsonObject(item) ? own(item, patchMarker) : undefined;
    if (directive === 'replace') {
      replace = true;
      // `{$patch: replace}` alone only marks the list; with a merge key it is an item as well.
      if (isJsonObject(item) && own(item, mergeKey) !== undefined) {
        const { [patchMarker]: _, ...rest } = item;
        items.push(rest);
      }
    } else if (directive === 'delete') {
      identityOf(item);
      gone.push(item);
    } else if (directive === undefined || directive === 'merge') {
      identityOf(item);
      items.push(item);
    } else {
      throw unknownDirective(directive, item);
    }
  }
  const goes = indexBy(gone, identityOf);
  const kept = gone.length === 0 ? [...original] : original.filter((item) => goes(identityOf(item)) < 0);
  return { kept, items, replace };
}

function union(a: readonly Json[], b: readonly Json[]): Json[] {
  return [...new Set([...a, ...b])];
}
