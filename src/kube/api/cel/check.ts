// Types of a whole expression, found before it runs: what it refers to is there, and every call has its overloads.
// Knows types and signatures; says what is wrong in cel-go's words.
import { type Call, CelIssue, type Expr, type Macro, type MessageExpr, type Select } from './ast.ts';
import type { FunctionTable } from './functions.ts';
import type { MessageTypes } from './messages.ts';
import type { Overload } from './signature.ts';
import {
  type Bindings,
  BOOL,
  BYTES,
  DOUBLE,
  DYN,
  fits,
  formatType,
  INT,
  isDyn,
  join,
  listOf,
  mapOf,
  maxOf,
  NULL,
  optionalOf,
  STRING,
  substitute,
  TYPE,
  type Type,
  UINT,
} from './types.ts';
import { Uint, type Value } from './values.ts';

/** What the checker knows of each node. */
export interface Checked {
  readonly types: ReadonlyMap<Expr, Type>;
  /** Overloads that a call may mean; more than one where types are not known. */
  readonly overloads: ReadonlyMap<Call, readonly Overload[]>;
}

const TYPE_NAMES = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'null_type', 'type']);
export const isTypeName = (name: string): boolean => TYPE_NAMES.has(name);

interface Scope {
  readonly name: string;
  readonly type: Type;
  readonly outer: Scope | undefined;
}

/** Throws `CelIssue`. */
export function checkTypes(
  expr: Expr,
  variables: ReadonlyMap<string, Type>,
  functions: FunctionTable,
  messages: MessageTypes = () => undefined,
): Checked {
  const checker = new Checker(variables, functions, messages);
  checker.check(expr, undefined);
  return checker;
}

class Checker implements Checked {
  readonly types = new Map<Expr, Type>();
  readonly overloads = new Map<Call, readonly Overload[]>();
  readonly #variables: ReadonlyMap<string, Type>;
  readonly #functions: FunctionTable;
  readonly #messages: MessageTypes;

  constructor(variables: ReadonlyMap<string, Type>, functions: FunctionTable, messages: MessageTypes) {
    this.#messages = messages;
    this.#variables = variables;
    this.#functions = functions;
  }

  check(expr: Expr, scope: Scope | undefined): Type {
    const type = this.#typeOf(expr, scope);
    this.types.set(expr, type);
    return type;
  }

  #typeOf(expr: Expr, scope: Scope | undefined): Type {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#ident(expr.name, expr.at, scope);
      case 'select':
        return this.#select(expr, scope);
      case 'call':
        return this.#call(expr, scope);
      case 'list':
        return listOf(
          this.#joined(expr.items.map(({ value, optional }) => unwrap(this.check(value, scope), optional))),
          expr.items.length,
        );
      case 'map': {
        const keys = this.#joined(expr.entries.map(({ key }) => this.check(key, scope)));
        const values = expr.entries.map(({ value, optional }) => unwrap(this.check(value, scope), optional));
        return mapOf(keys, this.#joined(values), expr.entries.length);
      }
      case 'message':
        return this.#message(expr, scope);
      case 'macro':
        return this.#macro(expr, scope);
      case 'bind': {
        const value = this.check(expr.value, scope);
        const type = expr.mode === 'bind' ? value : unwrap(value, true);
        const body = this.check(expr.body, { name: expr.name, type, outer: scope });
        return expr.mode === 'optMap' ? optionalOf(body) : body;
      }
    }
  }

  #message({ name, fields, at }: MessageExpr, scope: Scope | undefined): Type {
    const known = this.#messages(name);
    if (known === undefined) throw new CelIssue(`undeclared reference to '${name}' (in container '')`, at);
    for (const field of fields) {
      const wanted = known.field(field.name);
      if (wanted === undefined) throw new CelIssue(`undefined field '${field.name}'`, field.value.at);
      const given = unwrap(this.check(field.value, scope), field.optional);
      if (!fits(wanted, given, new Map())) {
        const [want, got] = [formatType(wanted), formatType(given)];
        throw new CelIssue(
          `expected type of field '${field.name}' is '${want}' but provided type is '${got}'`,
          field.value.at,
        );
      }
    }
    return known.type;
  }

  #joined(types: readonly Type[]): Type {
    return types.length === 0 ? DYN : types.reduce(join);
  }

  #ident(name: string, at: number, scope: Scope | undefined): Type {
    for (let inner = scope; inner !== undefined; inner = inner.outer) if (inner.name === name) return inner.type;
    const type = this.#variables.get(name);
    if (type !== undefined) return type;
    if (TYPE_NAMES.has(name)) return TYPE;
    throw new CelIssue(`undeclared reference to '${name}' (in container '')`, at);
  }

  #select(expr: Select, scope: Scope | undefined): Type {
    const operand = this.check(expr.operand, scope);
    const isOptional = operand.kind === 'optional';
    const field = this.#field(isOptional ? operand.item : operand, expr);
    if (expr.mode === 'presence') return BOOL;
    return expr.mode === 'optional' || isOptional ? optionalOf(field) : field;
  }

  #field(operand: Type, { field, at }: Select): Type {
    if (operand.kind === 'object') {
      const found = operand.fields.get(field);
      if (found === undefined) throw new CelIssue(`undefined field '${field}'`, at);
      return found.type;
    }
    if (operand.kind === 'map') return operand.value;
    const part = operand.kind === 'opaque' ? operand.fields?.get(field) : undefined;
    if (part !== undefined) return part;
    if (isDyn(operand)) return DYN;
    throw new CelIssue(`type '${formatType(operand)}' does not support field selection`, at);
  }

  #call(expr: Call, scope: Scope | undefined): Type {
    if (expr.name === '_&&_' || expr.name === '_||_') {
      for (const arg of expr.args) this.#needBool(arg, scope, expr);
      return BOOL;
    }
    if (expr.name === '_?_:_') {
      const [test, yes, no] = expr.args;
      if (test === undefined || yes === undefined || no === undefined)
        throw new CelIssue('Syntax error: incomplete conditional', expr.at);
      this.#needBool(test, scope, expr);
      const [a, b] = [this.check(yes, scope), this.check(no, scope)];
      const joined = join(a, b);
      if (isDyn(joined) && !isDyn(a) && !isDyn(b) && !fits(a, b, new Map()) && !fits(b, a, new Map())) {
        throw new CelIssue(noOverload(expr, [BOOL, a, b]), expr.at);
      }
      return joined;
    }
    return this.#overloaded(expr, scope);
  }

  #needBool(arg: Expr, scope: Scope | undefined, call: Call): void {
    const type = this.check(arg, scope);
    if (!fits(BOOL, type, new Map())) {
      throw new CelIssue(
        `expected type 'bool' but found '${formatType(type)}'`,
        call.name === '_?_:_' ? call.at : arg.at,
      );
    }
  }

  #overloaded(expr: Call, scope: Scope | undefined): Type {
    const { name, at, target, args } = expr;
    const dotted = target === undefined ? undefined : qualifiedName(target);
    // `ip.isCanonical(x)`: what looks like a target is the first part of a name, unless it is a variable.
    const global =
      dotted === undefined || this.#isVariable(dotted, scope) ? undefined : this.#functions.get(`${dotted}.${name}`);
    const types = [
      ...(target === undefined || global !== undefined ? [] : [this.check(target, scope)]),
      ...args.map((arg) => this.check(arg, scope)),
    ];
    const candidates = global ?? this.#functions.get(target === undefined ? name : `.${name}`);
    if (candidates === undefined) throw new CelIssue(`undeclared reference to '${name}' (in container '')`, at);
    let result: Type | undefined;
    const possible = candidates.filter((overload) => {
      const type = resultOf(overload, types);
      if (type !== undefined) result = result === undefined ? type : join(result, type);
      return type !== undefined;
    });
    if (result === undefined) throw new CelIssue(noOverload(expr, types), at);
    this.overloads.set(expr, possible);
    return result;
  }

  #isVariable(dotted: string, scope: Scope | undefined): boolean {
    const first = dotted.split('.')[0] ?? '';
    for (let inner = scope; inner !== undefined; inner = inner.outer) if (inner.name === first) return true;
    return this.#variables.has(first);
  }

  #macro(expr: Macro, scope: Scope | undefined): Type {
    const range = this.check(expr.range, scope);
    let inner = scope;
    for (const [index, name] of expr.vars.entries()) {
      inner = { name, type: variableType(range, expr, index), outer: inner };
    }
    if (expr.test !== undefined) {
      const type = this.check(expr.test, inner);
      if (!fits(BOOL, type, new Map()))
        throw new CelIssue(`expected type 'bool' but found '${formatType(type)}'`, expr.test.at);
    }
    if (expr.body === undefined) return BOOL;
    const body = this.check(expr.body, inner);
    const max = maxOf(range);
    if (expr.macro === 'map' || expr.macro === 'transformList') return listOf(body, max);
    const key = range.kind === 'map' ? range.key : INT;
    return expr.macro === 'transformMap' ? mapOf(key, body, max) : body;
  }
}

function variableType(range: Type, { vars, range: { at } }: Macro, index: number): Type {
  if (isDyn(range)) return DYN;
  if (range.kind === 'list') return vars.length === 2 && index === 0 ? INT : range.item;
  if (range.kind === 'map') return index === 0 ? range.key : range.value;
  throw new CelIssue(
    `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    at,
  );
}

const unwrap = (type: Type, optional: boolean): Type => (optional && type.kind === 'optional' ? type.item : type);

function resultOf(overload: Overload, types: readonly Type[]): Type | undefined {
  if (overload.args.length !== types.length) return undefined;
  const bindings: Bindings = new Map();
  if (!overload.args.every((wanted, index) => fits(wanted, types[index] ?? DYN, bindings))) return undefined;
  return substitute(overload.result, bindings);
}

export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.mode !== 'value') return undefined;
  const before = qualifiedName(expr.operand);
  return before === undefined ? undefined : `${before}.${expr.field}`;
}

function noOverload({ name, target }: Call, types: readonly Type[]): string {
  const texts = types.map(formatType);
  const shown =
    target === undefined || texts.length === 0 ? `(${texts.join(', ')})` : `${texts[0]}.(${texts.slice(1).join(', ')})`;
  return `found no matching overload for '${name}' applied to '${shown}'`;
}

function literalType(value: Value): Type {
  if (value === null) return NULL;
  switch (typeof value) {
    case 'bigint':
      return INT;
    case 'number':
      return DOUBLE;
    case 'boolean':
      return BOOL;
    case 'string':
      return { kind: 'scalar', name: 'string', max: value.length };
    default:
      return value instanceof Uint ? UINT : value instanceof Uint8Array ? BYTES : STRING;
  }
}
