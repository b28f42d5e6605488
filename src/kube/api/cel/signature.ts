// Functions of CEL by their signatures, written as text: `string.startsWith(string) -> bool`.
// Knows types; what a function does is in the libraries.
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  NULL,
  optionalOf,
  STRING,
  TIMESTAMP,
  TYPE,
  type Type,
  UINT,
} from './types.ts';
import type { Value } from './values.ts';

/** Sizes of the arguments, the target first. */
export type Sizes = readonly number[];

export interface Costs {
  /** In units of CEL's cost, beside those of the arguments; 1 when left out. Grows with every size. */
  readonly cost?: (sizes: Sizes) => number;
  /** Where upstream's estimate before the run is another one; definitions that it accepts must be accepted here. */
  readonly estimated?: (sizes: Sizes) => number;
  /** The least and the most that the result's size can be. */
  readonly size?: (least: Sizes, most: Sizes) => readonly [number, number];
  /** The same of an item of the list that it gives. */
  readonly itemSize?: (most: Sizes) => number;
}

export interface Overload extends Costs {
  readonly name: string;
  readonly isMethod: boolean;
  /** The target of a method first. */
  readonly args: readonly Type[];
  readonly result: Type;
  readonly call: (...args: never[]) => Value;
}

const names: Readonly<Record<string, Type>> = {
  bool: BOOL,
  bytes: BYTES,
  double: DOUBLE,
  duration: DURATION,
  dyn: DYN,
  int: INT,
  null: NULL,
  string: STRING,
  timestamp: TIMESTAMP,
  type: TYPE,
  uint: UINT,
};

/** One function for each signature; `call` gets the target first. Types that are no word of CEL are those of libraries. */
export function define(
  signatures: string | readonly string[],
  call: (...args: never[]) => Value,
  costs: Costs = {},
): Overload[] {
  return [signatures].flat().map((text) => ({ ...readSignature(text), call, ...costs }));
}

/** `name(args) -> result`, `target.name(args) -> result`, or `@dotted.name(args) -> result` for what is no method. */
function readSignature(text: string): Pick<Overload, 'name' | 'isMethod' | 'args' | 'result'> {
  const [head = '', result = ''] = text.split(' -> ');
  let open = head.length - 1;
  for (let depth = 0; open >= 0; open--) {
    if (head[open] === ')') depth++;
    if (head[open] === '(' && --depth === 0) break;
  }
  const before = head.slice(0, open);
  const args = splitTypes(head.slice(open + 1, -1)).map(readType);
  const dot = before.startsWith('@') ? -1 : before.lastIndexOf('.');
  const isMethod = dot > 0;
  if (isMethod) args.unshift(readType(before.slice(0, dot)));
  const name = before.startsWith('@') ? before.slice(1) : before.slice(dot + 1);
  return { name, isMethod, args, result: readType(result) };
}

function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const letter of text) {
    if (letter === '(') depth++;
    if (letter === ')') depth--;
    if (letter === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += letter;
  }
  if (part.trim() !== '') parts.push(part);
  return parts.map((each) => each.trim());
}

export function readType(text: string): Type {
  const generic = /^(\w+)\((.*)\)$/.exec(text);
  if (generic !== null) {
    const inner = splitTypes(generic[2] ?? '').map(readType);
    const [first = DYN, second = DYN] = inner;
    if (generic[1] === 'list') return listOf(first);
    if (generic[1] === 'map') return mapOf(first, second);
    if (generic[1] === 'optional') return optionalOf(first);
  }
  if (/^[A-Z]$/.test(text)) return { kind: 'param', name: text };
  return names[text] ?? { kind: 'opaque', name: text };
}
