// The words of a strategic merge patch: markers in keys and values, and the failures of a malformed one.
// Knows no schema. Upstream source: k8s.io/apimachinery/pkg/util/strategicpatch.
import { isJsonObject, type Json, type JsonObject, own } from '#lib/json.ts';
import { badRequest, StatusError } from '../../status.ts';

export const patchMarker = '$patch';
export const retainKeysMarker = '$retainKeys';
export const deleteFromPrimitiveListPrefix = '$deleteFromPrimitiveList/';
export const setElementOrderPrefix = '$setElementOrder/';

export const malformedRetainKeys = (): StatusError => badRequest('invalid patch format of retainKeys');
export const malformedPrimitiveList = (): StatusError => badRequest('invalid patch format of primitive list');
export const malformedElementOrder = (): StatusError => badRequest('invalid patch format of setElementOrder list');
export const unknownDirective = (directive: Json, where: Json): StatusError =>
  badRequest(`unknown patch type: ${JSON.stringify(directive)} in map: ${JSON.stringify(where)}`);
export const missingMergeKey = (item: Json, key: string): StatusError =>
  badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
export const noMergeKey = (field: string): StatusError =>
  badRequest(`cannot merge lists without merge key for ${field}`);
export const listsOfLists = (): StatusError =>
  new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message: 'lists of lists are not supported', field: 'patch' }],
  });

/**
 * A value of the patch as it goes into a place that held nothing: without directives, without nulls, and without
 * the list items that only ask for a deletion.
 */
export function withoutDirectives(value: Json): Json {
  if (Array.isArray(value)) {
    return value.filter((item) => !isJsonObject(item) || own(item, patchMarker) === undefined).map(withoutDirectives);
  }
  if (!isJsonObject(value)) return value;
  const directive = own(value, patchMarker);
  if (directive === 'delete') return {};
  const out: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined || member === null || isDirective(key)) continue;
    Object.defineProperty(out, key, {
      value: withoutDirectives(member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return out;
}

function isDirective(key: string): boolean {
  return (
    key === patchMarker ||
    key === retainKeysMarker ||
    key.startsWith(deleteFromPrimitiveListPrefix) ||
    key.startsWith(setElementOrderPrefix)
  );
}
