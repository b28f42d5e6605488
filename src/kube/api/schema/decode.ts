// What the server does with an object it was sent: refuse it, warn about it, and bring it into shape.
// Knows the three levels of field validation; knows no HTTP.
import type { KubeObject } from '../object.ts';
import { badRequest } from '../status.ts';
import { normalize } from './normalize.ts';
import type { Schema } from './schema.ts';
import { validateStructure } from './validate.ts';

/** Value of the `fieldValidation` query parameter. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface Decoded {
  /** Texts for `Warning: 299` headers. */
  readonly warnings: readonly string[];
}

/**
 * Decodes `object` in place against its schema: unknown fields are dropped, quantities and times made canonical.
 * `duplicates` are the messages of the reader about repeated keys (`duplicate field "spec.foo"`).
 * Throws a 400 StatusError when a value has a wrong type, or, when strict, for unknown and duplicate fields.
 * Missing required fields are not its business: see `structuralCauses`.
 */
export function decodeObject(
  schema: Schema,
  object: KubeObject,
  fieldValidation: FieldValidation,
  duplicates: readonly string[] = [],
): Decoded {
  const issues = validateStructure(schema, object);
  const wrong = issues.find((issue) => issue.kind === 'type');
  if (wrong !== undefined) throw badRequest(cannotHandle(object, wrong.message));
  const loose = [...duplicates, ...issues.filter((issue) => issue.kind === 'unknown').map((issue) => issue.message)];
  if (loose.length > 0 && fieldValidation === 'Strict') {
    throw badRequest(cannotHandle(object, `strict decoding error: ${loose.join(', ')}`));
  }
  // KubeObject is an interface without an index signature; the walk below needs one.
  normalize(schema, object as unknown as Record<string, unknown>);
  return { warnings: fieldValidation === 'Warn' ? loose : [] };
}

/** Upstream's sentence around a decoding mistake; `version` is without the group. */
export function cannotHandle(object: KubeObject, why: string): string {
  const [apiVersion, kind] = [String(object.apiVersion ?? ''), String(object.kind ?? '')];
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  return `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`;
}
