// JSON merge patch (RFC 7386): objects merge member by member, null removes, anything else replaces.
// Knows no schema and no kind.
import { cloneJson, isJsonObject, type Json, type JsonObject, own, setOwn } from '#lib/json.ts';

/** Applies `patch` to `current` and returns the result; neither argument is changed. */
export function mergePatch(current: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return cloneJson(patch);
  const result: JsonObject = isJsonObject(current) ? cloneJson(current) : {};
  for (const key of Object.keys(patch)) {
    const value = own(patch, key);
    if (value === undefined) continue;
    if (value === null) delete result[key];
    else setOwn(result, key, mergePatch(own(result, key), value));
  }
  return result;
}
