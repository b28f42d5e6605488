// One object of a manifest file, and where in the file each of its fields stands.
// Knows YAML positions; knows no kind and no server.
import { type Document, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import type { KubeObject } from '#kube/api/object.ts';

/** Where something stands; lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Types as JSON readers call them. */
export type JsonType = 'string' | 'number' | 'bool' | 'object' | 'array';

export interface ManifestObject {
  readonly object: KubeObject & { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } };
  /** Where the object begins. */
  readonly position: Position;
  /**
   * Where a field stands, e.g. `spec.ports[0].port`; the nearest parent when the file does not have it. A path that names
   * no index means the first element that has such a field, and holds a value of the given type when one is given.
   */
  locate(field: string, type?: JsonType): Position;
}

/** Something wrong in a manifest that a person can put right. */
export interface ManifestProblem {
  readonly position: Position;
  /** Path of the field; absent when the whole document is meant. */
  readonly field?: string;
  readonly message: string;
  readonly remedy: string;
}

/** `a.b[0].c`, `labels[example.com/x]`, `spec.x["y z"]` as steps; list indexes become numbers. */
export function parseFieldPath(field: string): Array<string | number> {
  const steps: Array<string | number> = [];
  for (const match of field.matchAll(/\["([^"]*)"\]|\[([^\]]*)\]|([^.[\]]+)/g)) {
    const [, quoted, bracketed, plain] = match;
    if (bracketed !== undefined && /^\d+$/.test(bracketed)) steps.push(Number(bracketed));
    else steps.push(quoted ?? bracketed ?? plain ?? '');
  }
  return steps;
}

/** Finds fields of one document; `prefix` leads to the object inside it (items of a List). */
export function locator(
  file: string,
  document: Document,
  lines: LineCounter,
  prefix: ReadonlyArray<string | number> = [],
): (field: string, type?: JsonType) => Position {
  return (field, type) => {
    const root = { node: document.contents, offset: startOf(document.contents) ?? 0 };
    const { place } = find(root, [...prefix, ...parseFieldPath(field)], type);
    const { line, col } = lines.linePos(place.offset);
    return { file, line, column: col };
  };
}

interface Place {
  readonly node: unknown;
  readonly offset: number;
}

/** Follows the steps as far as they lead; `found` when to their end, at a value of the type. */
function find(from: Place, steps: ReadonlyArray<string | number>, type?: JsonType): { place: Place; found: boolean } {
  const [step, ...rest] = steps;
  if (step === undefined) return findType(from, type);
  if (isSeq(from.node) && typeof step === 'string') {
    for (const index of from.node.items.keys()) {
      const item = child(from.node, index);
      const inside = item === undefined ? undefined : find(item, steps, type);
      if (inside?.found === true) return inside;
    }
    return { place: from, found: false };
  }
  const next = child(from.node, step);
  return next === undefined ? { place: from, found: false } : find(next, rest, type);
}

/** The value itself, or the first one directly in it that has the type: maps and lists are named without their keys. */
function findType(place: Place, type: JsonType | undefined): { place: Place; found: boolean } {
  if (type === undefined || typeOf(place.node) === type) return { place, found: true };
  const keys = isMap(place.node)
    ? place.node.items.map(({ key }) => (isScalar(key) ? String(key.value) : ''))
    : isSeq(place.node)
      ? [...place.node.items.keys()]
      : [];
  const inside = keys.map((key) => child(place.node, key)).find((item) => typeOf(item?.node) === type);
  return { place: inside ?? place, found: inside !== undefined };
}

function typeOf(node: unknown): JsonType | undefined {
  if (isMap(node)) return 'object';
  if (isSeq(node)) return 'array';
  const value = isScalar(node) ? typeof node.value : undefined;
  if (value === 'boolean') return 'bool';
  return value === 'string' || value === 'number' ? value : undefined;
}

/** A field is where its key is; a list element where its value is. */
function child(node: unknown, step: string | number): { node: unknown; offset: number } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step];
    const offset = startOf(item);
    return offset === undefined ? undefined : { node: item, offset };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  const offset = startOf(pair?.key);
  return pair === undefined || offset === undefined ? undefined : { node: pair.value, offset };
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
