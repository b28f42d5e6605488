// The order of a merged list: items the patch names in the patch's order, the others where the server had them.
// Knows no schema: an item is told from another by its identity.
import { type Json, jsonEqual } from '#lib/json.ts';

/** What tells one item of a list from another: the value of its merge key, or a primitive itself. */
export type IdentityOf = (item: Json) => Json;

/**
 * Orders `merged`. `patchOrder` are the items (or element-order entries) of the patch, `serverOrder` the list before it.
 * Upstream source: normalizeElementOrder and mergeSortedSlice.
 */
export function normalizeOrder(
  merged: readonly Json[],
  patchOrder: readonly Json[],
  serverOrder: readonly Json[],
  identityOf: IdentityOf,
): Json[] {
  const inPatch = indexBy(patchOrder, identityOf);
  const onServer = indexBy(serverOrder, identityOf);
  const patchRank = (item: Json): number => inPatch(identityOf(item));
  const serverRank = (item: Json): number => onServer(identityOf(item));

  const right = merged.filter((item) => patchRank(item) >= 0).sort((a, b) => patchRank(a) - patchRank(b));
  const left = merged.filter((item) => patchRank(item) < 0).sort((a, b) => serverRank(a) - serverRank(b));

  const out: Json[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const a = left[l];
    const b = right[r];
    if (a !== undefined && (b === undefined || isBefore(serverRank(a), serverRank(b)))) {
      out.push(a);
      l++;
    } else {
      out.push(b as Json);
      r++;
    }
  }
  return out;
}

/** An item that the server did not know has no place among its items: the patch's side goes first. */
function isBefore(left: number, right: number): boolean {
  return left >= 0 && right >= 0 && left < right;
}

/** Position by identity; -1 when absent. Primitive identities go by map, others by comparison. */
export function indexBy(items: readonly Json[], identityOf: IdentityOf): (identity: Json) => number {
  const identities = items.map(identityOf);
  const primitives = new Map<Json, number>();
  for (const [index, identity] of identities.entries()) if (!primitives.has(identity)) primitives.set(identity, index);
  return (identity) =>
    typeof identity === 'object'
      ? identities.findIndex((other) => jsonEqual(other, identity))
      : (primitives.get(identity) ?? -1);
}
