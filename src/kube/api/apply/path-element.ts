// One step of a path into an object, as managedFields write it: `f:name`, `k:{...}`, `v:...`, `i:3`.
// Knows no schema. Byte-compatible with structured-merge-diff v4 (fieldpath/serialize-pe.go).
import { isJsonObject, type Json, type JsonObject } from '#lib/json.ts';

/** The written form of a step; equal steps have equal text, so sets and maps can be keyed by it. */
export type PathElement = string;

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** An item of a list keyed by `keys`; the members are sorted by name. */
export function keyElement(keys: Readonly<Record<string, Json>>): PathElement {
  const sorted: JsonObject = {};
  for (const name of Object.keys(keys).sort()) sorted[name] = keys[name];
  return `k:${JSON.stringify(sorted)}`;
}

/** An item of a set, by its value. */
export function valueElement(value: Json): PathElement {
  return `v:${JSON.stringify(value)}`;
}

/** The name of a field step; undefined for the other kinds of step. */
export function fieldName(element: PathElement): string | undefined {
  return element.startsWith('f:') ? element.slice(2) : undefined;
}

const kindOrder = 'fkvi';

/** Order of steps as upstream sorts them: fields, then keys, values and indices. */
export function compareElements(a: PathElement, b: PathElement): number {
  const kind = kindOrder.indexOf(a.charAt(0)) - kindOrder.indexOf(b.charAt(0));
  if (kind !== 0) return kind;
  const [first, second] = [a.slice(2), b.slice(2)];
  if (a.charAt(0) === 'f') return first < second ? -1 : first > second ? 1 : 0;
  return compareJson(JSON.parse(first) as Json, JSON.parse(second) as Json);
}

/** Upstream's order of values: numbers, strings, booleans, null; keys compare member by member. */
function compareJson(a: Json, b: Json): number {
  if (isJsonObject(a) && isJsonObject(b)) {
    const [left, right] = [Object.entries(a), Object.entries(b)];
    for (const [index, [name, value]] of left.entries()) {
      const other = right[index];
      if (other === undefined) return 1;
      const order = compareText(name, other[0]) || compareJson(value as Json, other[1] as Json);
      if (order !== 0) return order;
    }
    return left.length - right.length;
  }
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return compareText(String(a), String(b));
}

function rankOf(value: Json): number {
  return ['number', 'string', 'boolean', 'object'].indexOf(typeof value);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A path as conflict messages show it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly PathElement[]): string {
  return path.map(elementText).join('');
}

function elementText(element: PathElement): string {
  const rest = element.slice(2);
  switch (element.charAt(0)) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = Object.entries(JSON.parse(rest) as JsonObject);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}
