// Where a walk through an object stands, written out only when there is something to say about it.
// Knows the two ways in which Kubernetes writes a path; nothing of schemas.
import type { GoContext } from './go-text.ts';

/** One step of the walk; the root has no parent and no key. Objects are checked often and are mostly in order. */
export interface Place {
  readonly parent: Place | undefined;
  /** Field or map key, or index of a list. */
  readonly key: string | number;
  /** Struct that `key` is a field of; undefined for map keys and indices, which the decoder's messages leave out. */
  readonly struct: string | undefined;
}

/** `spec.ports[0].port`; empty for the root. */
export function pathOf(place: Place | undefined): string {
  if (place === undefined) return '';
  const before = pathOf(place.parent);
  if (typeof place.key === 'number') return `${before}[${place.key}]`;
  return before === '' ? place.key : `${before}.${place.key}`;
}

/** The innermost struct, and field names only: `ServicePort` and `spec.ports.port`. */
export function goContextOf(place: Place | undefined): GoContext {
  const names: string[] = [];
  let struct = '';
  for (let at = place; at !== undefined; at = at.parent) {
    if (at.struct === undefined) continue;
    names.unshift(String(at.key));
    if (struct === '') struct = at.struct;
  }
  return { struct, path: names.join('.') };
}
