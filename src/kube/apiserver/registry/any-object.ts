// Objects of any kind as plain trees, and safe ways to read and copy them.
// Knows no kind: typed access belongs to the strategies.
import type { KubeObject } from '#kube/api/object.ts';

export type Fields = Record<string, unknown>;

type ObjectMeta = NonNullable<KubeObject['metadata']>;
/** The server writes what clients may only read. */
export type Metadata = { -readonly [field in keyof ObjectMeta]: ObjectMeta[field] };

/** An object of a kind that this code does not need to know. */
export interface AnyObject extends KubeObject {
  metadata?: Metadata;
  spec?: Fields;
  status?: Fields;
  [field: string]: unknown;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at `path`, or undefined when any step is missing. */
export function dig(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

export function digString(value: unknown, ...path: readonly (string | number)[]): string {
  const found = dig(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function digNumber(value: unknown, ...path: readonly (string | number)[]): number | undefined {
  const found = dig(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

export function digArray(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = dig(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** A copy that may be changed, of JSON data that may be frozen. */
export function mutableCopy<T>(value: T): T {
  return structuredClone(value);
}

/** Shared objects are frozen, so that a slip fails where it happens and not in another request. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
