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

export interface ManifestObject {
  readonly object: KubeObject & { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } };
  /** Where the object begins. */
  readonly position: Position;
  /** Where a field stands, e.g. `spec.ports[0].port`; the nearest parent when the file does not have it. */
  locate(field: string): Position;
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
): (field: string) => Position {
  return (field) => {
    let node: unknown = document.contents;
    let offset = startOf(node) ?? 0;
    for (const step of [...prefix, ...parseFieldPath(field)]) {
      const next = child(node, step);
      if (next === undefined) break;
      offset = next.offset;
      node = next.node;
    }
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
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
