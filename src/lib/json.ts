// JSON values: the type, and the few questions that every reader of untyped documents asks.
// Knows nothing of what a document means.

export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object; `undefined` stands for an absent member, as in the types of Kubernetes kinds. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON values: the order of members does not count, and an undefined member is an absent one. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  for (const key of Object.keys(a)) if (!jsonEqual(a[key], own(b, key))) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && own(a, key) === undefined) return false;
  return true;
}

/** The own member of that name: a document may well have a label called `constructor`. */
export function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets an own member, also one called `__proto__`, which plain assignment would take for the prototype. */
export function setOwn(object: JsonObject, key: string, value: Json | undefined): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A deep copy of a JSON value without its undefined members. */
export function cloneJson<T>(value: T): T {
  return copy(value as Json) as T;
}

function copy(value: Json): Json {
  if (Array.isArray(value)) return value.map(copy);
  if (!isJsonObject(value)) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member !== undefined) setOwn(out, key, copy(member));
  }
  return out;
}
