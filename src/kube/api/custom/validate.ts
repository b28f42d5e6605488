// Holds a custom object against its schema, and against the object it replaces: what was wrong before and is
// unchanged stays accepted (ratcheting). Upstream source: apiextensions-apiserver/pkg/apiserver/validation.
import { jsonEqual } from '#lib/json.ts';
import { isRecord } from '../schema/schema.ts';
import type { StatusCause } from '../status.ts';
import { embeddedMistakes } from './embedded.ts';
import { canonical, duplicateItems, keysOf } from './list-types.ts';
import { type Structural, structuralAt } from './structural.ts';
import { checkValue, childOf } from './value-check.ts';

/**
 * Causes of a 422 for everything but the rules in CEL. `previous` is the object that is replaced; `path` is where the
 * value stands when it is not an object of its own.
 */
export function validateCustom(schema: Structural, next: unknown, previous?: unknown, path = ''): StatusCause[] {
  const causes: StatusCause[] = [];
  walk(schema, next, { path, depth: 0, old: previous, isRoot: path === '' }, causes);
  causes.push(...embeddedMistakes(schema, next, path));
  // A list that has its duplicates already keeps them until somebody tidies it up.
  if (previous === undefined || duplicateItems(schema, previous, path).length === 0) {
    causes.push(...duplicateItems(schema, next, path));
  }
  return causes;
}

/** After these, rules in CEL would speak about values that are not what their types say. */
const BLOCKING: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** Upstream's note that rules in CEL were left out, when the causes so far stand in their way. */
export function blockingCause(causes: readonly StatusCause[]): StatusCause | undefined {
  if (!causes.some((cause) => BLOCKING.has(cause.reason))) return undefined;
  return {
    reason: 'FieldValueInvalid',
    field: '<nil>',
    message:
      'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  };
}

interface At {
  readonly path: string;
  readonly depth: number;
  /** What stood here before; undefined when nothing did, or nobody can tell. */
  readonly old: unknown;
  readonly isRoot?: boolean;
}

/** As deep as an object may be; deeper ones do not come through the JSON reader. */
const maxDepth = 1000;

function walk(schema: Structural, value: unknown, at: At, causes: StatusCause[]): void {
  if (at.depth > maxDepth) return;
  const found = checkValue(schema.rules, value, at.path);
  if (Array.isArray(value)) walkList(schema, value, at, found);
  else if (isRecord(value)) walkFields(schema, value, at, found);
  if (found.length === 0) return;
  if (at.old !== undefined && at.isRoot !== true && jsonEqual(at.old, value)) return;
  causes.push(...found);
}

function walkFields(schema: Structural, value: Record<string, unknown>, at: At, causes: StatusCause[]): void {
  for (const [name, inner] of Object.entries(value)) {
    // Metadata has rules of its own, whatever a schema repeats of it.
    if (at.isRoot === true && name === 'metadata') continue;
    const below = structuralAt(schema, name);
    if (below === undefined || inner === undefined) continue;
    const old = isRecord(at.old) && Object.hasOwn(at.old, name) ? at.old[name] : undefined;
    walk(below, inner, { path: childOf(at.path, name), depth: at.depth + 1, old }, causes);
  }
}

function walkList(schema: Structural, value: readonly unknown[], at: At, causes: StatusCause[]): void {
  const { items } = schema;
  if (items === undefined) return;
  const oldOf = correlate(schema, at.old);
  for (const [index, inner] of value.entries()) {
    const old = oldOf(inner, index);
    walk(items, inner, { path: `${at.path}[${index}]`, depth: at.depth + 1, old }, causes);
  }
}

/** The former item of a list that an item of today stands for: by key, or by place; sets and atomic lists have none. */
export function correlate(schema: Structural, old: unknown): (item: unknown, index: number) => unknown {
  if (!Array.isArray(old) || schema.listType === 'set' || schema.listType === 'atomic') return () => undefined;
  if (schema.listType !== 'map') return (_, index) => old[index];
  const byKey = new Map(old.map((item) => [canonical(keysOf(schema.listMapKeys, item)), item]));
  return (item) => byKey.get(canonical(keysOf(schema.listMapKeys, item)));
}
