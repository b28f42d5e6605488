// Merging an applied object into the live one, and removing a set of fields from an object.
// Knows schemas only through shapes. Upstream source: structured-merge-diff typed/merge.go and remove.go.
import { cloneJson, isJsonObject, type Json, type JsonObject, own, setOwn } from '#lib/json.ts';
import type { Schema } from '../schema/schema.ts';
import { FieldSet } from './field-set.ts';
import { fieldElement, type PathElement } from './path-element.ts';
import { schemaBelow, shapeOf, stepsOf } from './shape.ts';

/** What `applied` states wins, everything else stays. Neither argument is changed. */
export function merge(live: Json | undefined, applied: Json | undefined, schema: Schema | undefined): Json {
  if (applied === undefined) return cloneJson(live ?? null);
  if (live === undefined || live === null) return cloneJson(applied);
  const shape = shapeOf(applied, schema);
  if (shape === 'leaf' || shapeOf(live, schema) !== shape) return cloneJson(applied);
  if (isJsonObject(live) && isJsonObject(applied)) return mergeMaps(live, applied, schema);
  return mergeLists(live as Json[], applied as Json[], schema);
}

function mergeMaps(live: JsonObject, applied: JsonObject, schema: Schema | undefined): JsonObject {
  const out: JsonObject = cloneJson(live);
  for (const key of Object.keys(applied)) {
    const value = own(applied, key);
    if (value !== undefined) setOwn(out, key, merge(own(live, key), value, schemaBelow(schema, fieldElement(key))));
  }
  return out;
}

/** Applied items keep their order; live ones that the applier does not name stay between the neighbours they had. */
function mergeLists(live: Json[], applied: Json[], schema: Schema | undefined): Json[] {
  const left = stepsOf(live, schema);
  const right = stepsOf(applied, schema);
  const named = new Map(right);
  const liveByStep = new Map<PathElement, Json | undefined>();
  for (const [element, item] of left) liveByStep.set(element, liveByStep.has(element) ? undefined : item);
  const shared = right.map(([element]) => element).filter((element) => liveByStep.has(element));
  const merged = new Set<PathElement>();
  const out: Json[] = [];
  let nextShared = shared.shift();
  let l = 0;
  let r = 0;
  const take = ([element, item]: [PathElement, Json]): void => {
    merged.add(element);
    out.push(merge(liveByStep.get(element), item, schema?.items));
    r++;
    if (nextShared === element) nextShared = shared.shift();
  };
  while (l < left.length || r < right.length) {
    const a = left[l];
    const b = right[r];
    if (a !== undefined && b !== undefined) {
      if (a[0] === b[0]) {
        take(b);
        l++;
        continue;
      }
      // A shared item whose turn has not come: it goes where the applier has it.
      if (named.has(a[0]) && nextShared !== undefined && nextShared !== a[0]) {
        l++;
        continue;
      }
    }
    if (a !== undefined) {
      if (!named.has(a[0])) {
        out.push(cloneJson(a[1]));
        l++;
        continue;
      }
      if (merged.has(a[0])) l++;
    }
    if (b !== undefined) take(b);
  }
  return out;
}

/** `value` without the fields of `items`; undefined when nothing is left of a map or list that lost its members. */
export function removeFields(value: Json, items: FieldSet, schema: Schema | undefined): Json | undefined {
  if (items.isEmpty || shapeOf(value, schema) === 'leaf') return cloneJson(value);
  const kept: [PathElement, Json][] = [];
  for (const [element, member] of stepsOf(value, schema)) {
    if (items.members.has(element)) continue;
    const below = items.children.get(element) ?? FieldSet.empty;
    const rest = removeFields(member, below, schemaBelow(schema, element));
    if (rest !== undefined) kept.push([element, rest]);
  }
  const wasEmpty = Array.isArray(value) ? value.length === 0 : Object.keys(value as JsonObject).length === 0;
  if (kept.length === 0 && !wasEmpty) return undefined;
  if (Array.isArray(value)) return kept.map(([, member]) => member);
  const out: JsonObject = {};
  for (const [element, member] of kept) setOwn(out, element.slice(2), member);
  return out;
}
