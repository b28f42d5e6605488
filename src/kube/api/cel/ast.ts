// Expressions in CEL as a tree: what the parser found, with macros as nodes of their own.
// Knows no types and no values but literals.
import type { Value } from './values.ts';

interface Node {
  /** Offset in the text, of UTF-16 units. */
  readonly at: number;
}

export interface Literal extends Node {
  readonly kind: 'literal';
  readonly value: Value;
}
export interface Ident extends Node {
  readonly kind: 'ident';
  readonly name: string;
}
/** `operand.field`, `operand.?field`, `has(operand.field)`. */
export interface Select extends Node {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  readonly mode: 'value' | 'optional' | 'presence';
}
/** Operators are calls by their names in the specification of CEL: `_+_`, `_[_]`, `@in`. */
export interface Call extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}
export interface ListExpr extends Node {
  readonly kind: 'list';
  readonly items: readonly { readonly value: Expr; readonly optional: boolean }[];
}
export interface MapExpr extends Node {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[];
}
/** `Type.name{field: value, ?field: optional}`. */
export interface MessageExpr extends Node {
  readonly kind: 'message';
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly value: Expr; readonly optional: boolean }[];
}
export type MacroName = 'all' | 'exists' | 'existsOne' | 'map' | 'transformList' | 'transformMap' | 'transformMapEntry';
/** `range.macro(vars..., test, body)`. */
export interface Macro extends Node {
  readonly kind: 'macro';
  readonly macro: MacroName;
  readonly range: Expr;
  /** One, or two: then of index and item, or of key and value. */
  readonly vars: readonly string[];
  /** What is asked of each; absent where all are taken. */
  readonly test: Expr | undefined;
  /** What each becomes; absent where nothing is collected. */
  readonly body: Expr | undefined;
}
/** `target.optMap(name, body)` and `optFlatMap`; `cel.bind(name, value, body)` with `bind`. */
export interface Bind extends Node {
  readonly kind: 'bind';
  readonly mode: 'bind' | 'optMap' | 'optFlatMap';
  readonly name: string;
  readonly value: Expr;
  readonly body: Expr;
}

export type Expr = Literal | Ident | Select | Call | ListExpr | MapExpr | MessageExpr | Macro | Bind;

/** An expression that is no expression, or none that makes sense; `at` is an offset in its text. */
export class CelIssue extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = 'CelIssue';
    this.at = at;
  }
}

/** The issue as cel-go prints it: with its place, and the line it is in. */
export function describeIssue(text: string, { message, at }: CelIssue): string {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - (before.lastIndexOf('\n') + 1);
  const source = text.split('\n')[line - 1] ?? '';
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${source}\n | ${'.'.repeat(column)}^`;
}
