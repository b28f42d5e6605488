// The set of fields an object states, which is what its applier owns.
// Knows schemas only through shapes. Upstream source: structured-merge-diff typed/tofieldset.go.
import { isJsonObject, type Json } from '#lib/json.ts';
import type { Schema } from '../schema/schema.ts';
import { type FieldSet, FieldSetBuilder } from './field-set.ts';
import { fieldName, type PathElement, pathText } from './path-element.ts';
import { declares, schemaBelow, shapeOf, stepsOf } from './shape.ts';

/** Every field that `object` states. */
export function fieldsOf(object: Json, schema: Schema | undefined): FieldSet {
  const builder = new FieldSetBuilder();
  walk(object, schema, [], builder);
  return builder.build();
}

function walk(value: Json, schema: Schema | undefined, path: readonly PathElement[], out: FieldSetBuilder): void {
  const shape = shapeOf(value, schema);
  if (shape === 'leaf') {
    if (path.length > 0) out.insert(path);
    return;
  }
  const steps = stepsOf(value, schema);
  const repeated = shape === 'list' ? repeatedSteps(steps) : undefined;
  for (const [element, member] of steps) {
    const below = [...path, element];
    if (repeated?.has(element) !== true) walk(member, schemaBelow(schema, element), below, out);
    if (isOwnedItself(element, member, schema)) out.insert(below);
  }
}

/** Items and free keys are owned besides what they hold, and so are fields that hold nothing. */
function isOwnedItself(element: PathElement, value: Json, schema: Schema | undefined): boolean {
  const name = fieldName(element);
  if (name === undefined || !declares(schema, name)) return true;
  return value === null || (isJsonObject(value) && Object.keys(value).length === 0);
}

/** Steps that lead to more than one item: such items cannot be told apart, and count as one. */
export function repeatedSteps(steps: readonly (readonly [PathElement, Json])[]): Set<PathElement> {
  const seen = new Set<PathElement>();
  const repeated = new Set<PathElement>();
  for (const [element] of steps) (seen.has(element) ? repeated : seen).add(element);
  return repeated;
}

/** Paths of lists that hold two items with one key, with the text of that key; an applied object may have none. */
export function duplicates(
  value: Json,
  schema: Schema | undefined,
  path: readonly PathElement[] = [],
): { path: PathElement[]; element: PathElement }[] {
  if (shapeOf(value, schema) === 'leaf') return [];
  const steps = stepsOf(value, schema);
  const here = Array.isArray(value) ? [...repeatedSteps(steps)].map((element) => ({ path: [...path], element })) : [];
  const below = steps.flatMap(([element, member]) =>
    duplicates(member, schemaBelow(schema, element), [...path, element]),
  );
  return [...here, ...below];
}

/**
 * Adds every declared field on the way as a member, so that removing all that lies below a field removes the field.
 * Upstream: Set.EnsureNamedFieldsAreMembers.
 */
export function withNamedFields(set: FieldSet, schema: Schema | undefined): FieldSet {
  const builder = new FieldSetBuilder();
  addNamed(set, schema, [], builder);
  return builder.build();
}

function addNamed(set: FieldSet, schema: Schema | undefined, path: readonly PathElement[], out: FieldSetBuilder): void {
  for (const element of set.members) out.insert([...path, element]);
  for (const [element, child] of set.children) {
    const name = fieldName(element);
    const below = [...path, element];
    if (name !== undefined && declares(schema, name)) out.insert(below);
    addNamed(child, schemaBelow(schema, element), below, out);
  }
}

/** Paths, as text, of what `schema` has no field for; an applied object may have none, even where it is owned whole. */
export function undeclared(value: Json, schema: Schema | undefined, path = ''): string[] {
  if (schema === undefined || schema.preserveUnknownFields === true || schema.format !== undefined) return [];
  if (Array.isArray(value)) {
    const merged = shapeOf(value, schema) === 'list';
    const steps = stepsOf(value, schema);
    return steps.flatMap(([element, item], index) =>
      undeclared(item, schema.items, `${path}${merged ? pathText([element]) : `[${index}]`}`),
    );
  }
  if (!isJsonObject(value)) return [];
  const closed = Object.keys(schema.properties ?? {}).length > 0 && schema.additionalProperties === undefined;
  return stepsOf(value, schema).flatMap(([element, member]) => {
    const below = `${path}${pathText([element])}`;
    if (closed && !declares(schema, fieldName(element) ?? '')) return [below];
    return undeclared(member, schemaBelow(schema, element), below);
  });
}
