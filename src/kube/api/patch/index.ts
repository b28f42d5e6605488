// The door of the room: one function that applies any of the three patch kinds to an object.
// Knows nothing of HTTP; server-side apply, the fourth kind, has its own room.
import { cloneJson, isJsonObject, type Json } from '#lib/json.ts';
import type { KubeObject } from '../object.ts';
import type { Schema } from '../schema/schema.ts';
import { badRequest, unsupportedMediaType } from '../status.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMergePatch } from './strategic/merge.ts';

export type PatchType = 'json' | 'merge' | 'strategic';

/**
 * Applies a parsed patch to an object and returns the new object; neither argument is changed.
 * The result is not yet defaulted, pruned or validated. `schema` is needed for `strategic` only; kinds without one
 * (custom resources) refuse it with 415 as upstream does.
 * Throws a StatusError: 400 malformed, 413 too large, 415 not for this kind, 422 does not apply.
 */
export function applyPatch(
  type: PatchType,
  current: KubeObject,
  body: unknown,
  schema: Schema | undefined,
): KubeObject {
  const document = current as unknown as Json;
  const result = patched(type, document, body as Json, schema);
  if (!isJsonObject(result)) {
    throw badRequest(`The patch leaves no object: ${JSON.stringify(result)} stands where an object must be`);
  }
  return result as unknown as KubeObject;
}

function patched(type: PatchType, document: Json, body: Json, schema: Schema | undefined): Json {
  if (type === 'json') return jsonPatch(document, body);
  if (!isJsonObject(body)) throw badRequest('Invalid JSON Patch');
  if (type === 'merge') return mergePatch(document, body);
  if (schema === undefined) {
    throw unsupportedMediaType(
      'the body of the request was in an unknown format - accepted media types include: ' +
        'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    );
  }
  if (!isJsonObject(document)) throw badRequest('invalid JSON document');
  return strategicMergePatch(cloneJson(document), cloneJson(body), schema);
}
