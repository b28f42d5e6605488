// What differs between two states of an object: fields added, modified and removed.
// Knows schemas only through shapes. Upstream source: structured-merge-diff typed/compare.go.
import { type Json, jsonEqual } from '#lib/json.ts';
import { compareQuantities, parseQuantity } from '../quantity.ts';
import type { Schema } from '../schema/schema.ts';
import { type FieldSet, FieldSetBuilder } from './field-set.ts';
import type { PathElement } from './path-element.ts';
import { schemaBelow, shapeOf, stepsOf } from './shape.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

class Comparer {
  readonly added = new FieldSetBuilder();
  readonly modified = new FieldSetBuilder();
  readonly removed = new FieldSetBuilder();

  walk(before: Json | undefined, after: Json | undefined, schema: Schema | undefined, path: PathElement[]): void {
    if (before === after) return;
    const [left, right] = [shapeOf(before, schema), shapeOf(after, schema)];
    // Null is the empty form of whatever stands on the other side.
    const shape =
      before === undefined || before === null ? right : after === undefined || after === null ? left : right;
    if (shape === 'leaf' || (left !== right && before != null && after != null)) {
      this.#leaf(before, after, schema, path);
      return;
    }
    if (path.length > 0) {
      if (before === undefined) this.added.insert(path);
      else if (after === undefined) this.removed.insert(path);
    }
    const old = grouped(before, schema);
    const next = grouped(after, schema);
    for (const element of new Set([...old.keys(), ...next.keys()])) {
      const [a, b] = [old.get(element), next.get(element)];
      const below = [...path, element];
      const single = (a?.length ?? 1) === 1 && (b?.length ?? 1) === 1;
      if (single) this.walk(a?.[0], b?.[0], schemaBelow(schema, element), below);
      else this.#leaf(a, b, undefined, below);
    }
  }

  #leaf(before: Json | undefined, after: Json | undefined, schema: Schema | undefined, path: PathElement[]): void {
    if (path.length === 0) return;
    if (before === undefined) this.added.insert(path);
    else if (after === undefined) this.removed.insert(path);
    else if (!jsonEqual(before, after) && !sameQuantity(before, after, schema)) this.modified.insert(path);
  }
}

/**
 * `1`, `"1"` and `"1000m"` are one amount. Upstream compares the texts here, and so finds conflicts between appliers
 * that agree, because the stored object holds another spelling than the manifest.
 */
function sameQuantity(before: Json, after: Json, schema: Schema | undefined): boolean {
  if (schema?.format !== 'quantity') return false;
  try {
    return compareQuantities(parseQuantity(String(before)), parseQuantity(String(after))) === 0;
  } catch {
    // What is no quantity differs from everything; the structural check says so to the client.
    return false;
  }
}

/** Items by step; items that cannot be told apart stand together. */
function grouped(value: Json | undefined, schema: Schema | undefined): Map<PathElement, Json[]> {
  const groups = new Map<PathElement, Json[]>();
  if (value === undefined || shapeOf(value, schema) === 'leaf') return groups;
  for (const [element, member] of stepsOf(value, schema)) {
    const group = groups.get(element);
    if (group === undefined) groups.set(element, [member]);
    else group.push(member);
  }
  return groups;
}

/** Compares two states; `schema` decides where fields end. */
export function compare(before: Json | undefined, after: Json | undefined, schema: Schema | undefined): Comparison {
  const comparer = new Comparer();
  comparer.walk(before, after, schema, []);
  return { added: comparer.added.build(), modified: comparer.modified.build(), removed: comparer.removed.build() };
}

export function isSame({ added, modified, removed }: Comparison): boolean {
  return added.isEmpty && modified.isEmpty && removed.isEmpty;
}
