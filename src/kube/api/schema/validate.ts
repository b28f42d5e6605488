// Holds an object against its schema: unknown fields, values of a wrong type, required fields that are missing.
// Knows no kind and no meaning of a field; what values make sense together is semantic validation.
import type { StatusCause } from '../status.ts';
import { typeMistake } from './go-text.ts';
import { type Place, pathOf } from './place.ts';
import { neededFields } from './required.ts';
import { isRecord, type Schema } from './schema.ts';
import { schemaForValue } from './variants.ts';

/**
 * One thing that does not fit.
 * `unknown` is an error under strict field validation, a warning under `Warn`, and dropped otherwise;
 * `type` makes the object undecodable (400); `required` makes it invalid (422). In a custom resource only unknown fields
 * are found here: nothing there is decoded into structs, and what its values must be is for the room `../custom`.
 */
export interface StructuralIssue {
  readonly kind: 'unknown' | 'type' | 'required';
  /** Path with indices, e.g. `spec.ports[0].port`. */
  readonly path: string;
  /** Kubernetes' text, e.g. `unknown field "spec.foo"`, or `Required value`. */
  readonly message: string;
  /** Reason of the cause in a 422 answer, e.g. `FieldValueRequired`; absent for `unknown` and `type`. */
  readonly reason?: string;
}

/** As deep as a schema may lead: a CustomResourceDefinition's schema may nest in itself. */
const maxDepth = 500;

/** All that does not fit, in document order (the first `type` issue is the one that upstream reports). Never throws. */
export function validateStructure(schema: Schema, object: unknown): StructuralIssue[] {
  const issues: StructuralIssue[] = [];
  walk(schema, object, { place: undefined, depth: 0, inStatus: false, issues });
  return issues;
}

/** Causes of a 422 answer: what is missing. */
export function structuralCauses(issues: readonly StructuralIssue[]): StatusCause[] {
  return issues.flatMap(({ reason, message, path }) =>
    reason === undefined ? [] : [{ reason, message, field: path }],
  );
}

/** What a step of the walk passes on. */
interface Walk {
  readonly place: Place | undefined;
  readonly depth: number;
  /** Below `status` the writer is a controller that reports what it knows; nothing is required of it. */
  readonly inStatus: boolean;
  readonly issues: StructuralIssue[];
}

function report(kind: 'unknown' | 'type', place: Place | undefined, message: string, at: Walk): void {
  at.issues.push({ kind, path: pathOf(place), message });
}

function walk(declared: Schema, value: unknown, at: Walk): void {
  if (value === null || value === undefined) return;
  if (at.depth > maxDepth) {
    report('type', at.place, 'json: exceeded max depth', at);
    return;
  }
  const schema = schemaForValue(declared, value);
  const mistake = typeMistake(schema, value, at.place);
  if (mistake !== undefined) {
    if (schema.custom !== true) report('type', at.place, mistake, at);
  } else if (Array.isArray(value)) walkArray(schema, value, at);
  else if (isRecord(value)) walkObject(schema, value, at);
}

function inner(at: Walk, key: string | number, struct?: string): Walk {
  const inStatus = at.inStatus || (at.place === undefined && key === 'status');
  return { place: { parent: at.place, key, struct }, depth: at.depth + 1, inStatus, issues: at.issues };
}

function walkArray(schema: Schema, values: readonly unknown[], at: Walk): void {
  const { items } = schema;
  if (items === undefined) return;
  values.forEach((value, index) => {
    walk(items, value, inner(at, index));
  });
}

function walkObject(schema: Schema, value: Readonly<Record<string, unknown>>, at: Walk): void {
  const { properties, additionalProperties } = schema;
  if (properties === undefined && additionalProperties === undefined) return;
  const struct = structName(schema);
  for (const name of Object.keys(value)) {
    const property = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property !== undefined) walk(property, value[name], inner(at, name, struct));
    else if (additionalProperties !== undefined) walk(additionalProperties, value[name], inner(at, name));
    else if (schema.preserveUnknownFields !== true) {
      const { place } = inner(at, name);
      report('unknown', place, `unknown field ${JSON.stringify(pathOf(place))}`, at);
    }
  }
  if (!at.inStatus) missing(schema, value, at, struct);
}

/** Kind of the definition; a struct without a name has an empty one. */
function structName({ ref }: Schema): string {
  return ref === undefined ? '' : ref.slice(ref.lastIndexOf('.') + 1);
}

function missing(schema: Schema, value: Readonly<Record<string, unknown>>, at: Walk, struct: string): void {
  for (const { name, standIn } of neededFields(schema)) {
    const present = Object.hasOwn(value, name) ? value[name] : undefined;
    // To Go, empty text and absent text are one; a custom resource's schema tells them apart.
    if (present !== undefined && present !== null && !(present === '' && schema.ref !== undefined)) continue;
    if (standIn !== undefined) walk(standIn, {}, inner(at, name, struct));
    else {
      const path = pathOf(inner(at, name).place);
      at.issues.push({ kind: 'required', path, message: 'Required value', reason: 'FieldValueRequired' });
    }
  }
}
