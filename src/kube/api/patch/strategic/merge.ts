// Strategic merge patch: a merge patch that knows from the schema which lists merge by key and which are replaced.
// Knows nothing of kinds beyond their schema. Upstream source: strategicpatch.StrategicMergeMapPatch.
import { isJsonObject, type Json, type JsonObject, own, setOwn } from '#lib/json.ts';
import type { Schema } from '../../schema/schema.ts';
import { badRequest } from '../../status.ts';
import {
  deleteFromPrimitiveListPrefix,
  malformedElementOrder,
  malformedPrimitiveList,
  malformedRetainKeys,
  patchMarker,
  retainKeysMarker,
  setElementOrderPrefix,
  unknownDirective,
  withoutDirectives,
} from './directives.ts';
import { deleteFromPrimitives, identityBy, mergeList } from './lists.ts';
import { normalizeOrder } from './order.ts';

/**
 * Applies `patch` to `original`. Both are consumed: the caller passes copies.
 * Throws a StatusError: 400 for a malformed patch, 422 for lists of lists.
 */
export function strategicMergePatch(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const directive = own(patch, patchMarker);
  if (directive !== undefined) {
    delete patch[patchMarker];
    if (directive === 'replace') return withoutDirectives(patch) as JsonObject;
    if (directive === 'delete') return {};
    if (directive !== 'merge') throw unknownDirective(directive, patch);
  }
  retainKeys(original, patch);
  for (const key of Object.keys(patch)) {
    if (key.startsWith(setElementOrderPrefix)) mergeOrdered(original, patch, key, schema);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (key.startsWith(deleteFromPrimitiveListPrefix)) removePrimitives(original, key, value);
    else if (value === null) delete original[key];
    else setOwn(original, key, mergeValue(key, own(original, key), value, fieldSchema(schema, key)));
  }
  return original;
}

function mergeValue(key: string, original: Json | undefined, patch: Json, schema: Schema | undefined): Json {
  const replaces = schema?.patchStrategy?.includes('replace') ?? false;
  if (isJsonObject(original) && isJsonObject(patch) && !replaces) {
    return strategicMergePatch(original, patch, schema);
  }
  if (Array.isArray(original) && Array.isArray(patch) && merges(schema)) {
    return mergeList(key, original, patch, schema?.patchMergeKey, (item, change) =>
      strategicMergePatch(item, change, schema?.items),
    );
  }
  return withoutDirectives(patch);
}

function merges(schema: Schema | undefined): boolean {
  return schema?.patchStrategy?.includes('merge') ?? false;
}

function fieldSchema(schema: Schema | undefined, key: string): Schema | undefined {
  const properties = schema?.properties;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  const rest = schema?.additionalProperties;
  return typeof rest === 'object' ? rest : undefined;
}

/** `$retainKeys`: only these members stay. Everything the patch itself sets must be among them. */
function retainKeys(original: JsonObject, patch: JsonObject): void {
  const list = own(patch, retainKeysMarker);
  if (list === undefined) return;
  delete patch[retainKeysMarker];
  if (!Array.isArray(list)) throw malformedRetainKeys();
  const kept = new Set(list);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith('$')) continue;
    if (!kept.has(key)) throw malformedRetainKeys();
  }
  for (const key of Object.keys(original)) if (!kept.has(key)) delete original[key];
}

function removePrimitives(original: JsonObject, key: string, named: Json): void {
  if (!Array.isArray(named)) throw malformedPrimitiveList();
  const field = key.slice(deleteFromPrimitiveListPrefix.length);
  const present = own(original, field);
  if (present !== undefined) setOwn(original, field, deleteFromPrimitives(present, named));
}

/** `$setElementOrder/<field>`: merges that field of the patch, if any, and then puts the list into the given order. */
function mergeOrdered(original: JsonObject, patch: JsonObject, key: string, schema: Schema | undefined): void {
  const order = own(patch, key);
  delete patch[key];
  if (!Array.isArray(order)) throw malformedElementOrder();
  if (order.length === 0) return;
  const field = key.slice(setElementOrderPrefix.length);
  const before = own(original, field);
  const change = own(patch, field);
  if ((before !== undefined && !Array.isArray(before)) || (change !== undefined && !Array.isArray(change))) {
    // Null removes the whole list, whatever order was asked for.
    if (change === null) return;
    throw malformedElementOrder();
  }
  if (before === undefined && change === undefined) return;
  const of = fieldSchema(schema, field);
  const identityOf = identityBy(of?.patchMergeKey);
  if (change !== undefined) checkOrder(change, order, of?.patchMergeKey);
  delete patch[field];
  const removal = `${deleteFromPrimitiveListPrefix}${field}`;
  let serverOrder: Json[] = before ?? [];
  const removed = own(patch, removal);
  if (removed !== undefined) {
    serverOrder = deleteFromPrimitives(serverOrder, removed) as Json[];
    delete patch[removal];
  }
  const merged =
    change === undefined
      ? serverOrder
      : mergeValue(field, before === undefined ? undefined : [...serverOrder], change, of);
  setOwn(original, field, normalizeOrder(merged as Json[], order, serverOrder, identityOf));
}

/** The items of a patch list must stand in the order that the patch itself asks for. */
function checkOrder(change: readonly Json[], order: readonly Json[], mergeKey: string | undefined): void {
  const identityOf = identityBy(mergeKey);
  const wanted = order.map(identityOf);
  let at = -1;
  for (const item of change) {
    if (isJsonObject(item) && own(item, patchMarker) !== undefined) continue;
    const next = wanted.findIndex((identity, index) => index > at && identity === identityOf(item));
    if (next < 0) {
      throw badRequest(
        `The order in patch list: ${JSON.stringify(change)} doesn't match $setElementOrder list: ${JSON.stringify(order)}`,
      );
    }
    at = next;
  }
}
