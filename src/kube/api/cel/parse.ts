// Text to a tree: the grammar is @bufbuild/cel's, its nodes become ours, and macros are found again in what they became.
// Knows the shape of that parser's nodes; checks nothing but the arguments of macros.
import { createRequire } from 'node:module';
import type { parse as ParseCel } from '@bufbuild/cel';
import { type Bind, CelIssue, type Expr, type Macro, type MacroName } from './ast.ts';
import { OPT_ENTRY, OPT_FIELD, OPT_INDEX, OPT_SELECT, QUOTED_FIELD, writeOptionalsAsCalls } from './optional-syntax.ts';
import { Uint, type Value } from './values.ts';

/** As cel-go: a text longer than this is no expression. */
const MAX_LENGTH = 100_000;
/** Deeper nesting is refused before the parser, which would take the stack or all day with it. */
const MAX_DEPTH = 100;

type Parsed = ReturnType<typeof ParseCel>;

/** A fifth of what a server without a single expression would start with; so it comes with the first expression. */
let parser: typeof ParseCel | undefined;
function parseCel(text: string): Parsed {
  parser ??= (createRequire(import.meta.url)('@bufbuild/cel') as { readonly parse: typeof ParseCel }).parse;
  return parser(text);
}

type Node = NonNullable<Parsed['expr']>;

/** Trees are not changed by anybody, and the versions of a definition repeat their rules. */
const known = new Map<string, Expr>();
const MOST_KNOWN = 1000;

/** Throws `CelIssue`. */
export function parseExpression(text: string): Expr {
  const found = known.get(text);
  if (found !== undefined) return found;
  const expr = parseAnew(text);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(text, expr);
  return expr;
}

function parseAnew(text: string): Expr {
  if (text.length > MAX_LENGTH)
    throw new CelIssue(`expression code point size exceeds limit: size: ${text.length}, limit ${MAX_LENGTH}`, 0);
  const plain = writeOptionalsAsCalls(text);
  assertShallow(plain);
  let parsed: Parsed;
  try {
    parsed = parseCel(plain);
  } catch (error) {
    throw syntaxIssue(error);
  }
  const positions = parsed.sourceInfo?.positions ?? {};
  return new Converter((id) => positions[String(id)] ?? 0).expr(parsed.expr);
}

function syntaxIssue(error: unknown): CelIssue {
  const { location, rawMessage, message } = error as {
    location?: { start?: { offset?: number } };
    rawMessage?: string;
    message?: string;
  };
  return new CelIssue(`Syntax error: ${rawMessage ?? message ?? String(error)}`, location?.start?.offset ?? 0);
}

function assertShallow(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? '';
    if ('([{'.includes(letter)) depth++;
    else if (')]}'.includes(letter)) depth--;
    if (depth > MAX_DEPTH) throw new CelIssue(`expression recursion limit exceeded: ${MAX_DEPTH}`, at);
  }
}

const TWO_VARIABLE_MACROS: Readonly<Record<string, MacroName>> = {
  all: 'all',
  exists: 'exists',
  existsOne: 'existsOne',
  exists_one: 'existsOne',
  transformList: 'transformList',
  transformMap: 'transformMap',
  transformMapEntry: 'transformMapEntry',
};

class Converter {
  readonly #positionOf: (id: bigint) => number;

  constructor(positionOf: (id: bigint) => number) {
    this.#positionOf = positionOf;
  }

  expr(node: Node | undefined): Expr {
    if (node === undefined) throw new CelIssue('Syntax error: expression is incomplete', 0);
    const at = this.#positionOf(node.id);
    const { exprKind } = node;
    switch (exprKind.case) {
      case 'constExpr':
        return { kind: 'literal', at, value: literalOf(exprKind.value.constantKind) };
      case 'identExpr':
        return { kind: 'ident', at, name: exprKind.value.name };
      case 'selectExpr': {
        const { operand, field, testOnly } = exprKind.value;
        const mode = testOnly ? 'presence' : 'value';
        return { kind: 'select', at: testOnly ? at : this.#afterDot(at), operand: this.expr(operand), field, mode };
      }
      case 'callExpr':
        return this.#call(exprKind.value, at);
      case 'listExpr':
        return { kind: 'list', at, items: exprKind.value.elements.map((each) => this.#element(each)) };
      case 'structExpr':
        return this.#struct(exprKind.value, at);
      case 'comprehensionExpr':
        return this.#comprehension(exprKind.value, at);
      default:
        throw new CelIssue('Syntax error: unexpected expression', at);
    }
  }

  /** cel-go points at the dot of a selection. */
  #afterDot(at: number): number {
    return at;
  }

  #element(node: Node): { value: Expr; optional: boolean } {
    const value = this.expr(node);
    const wrapped = value.kind === 'call' && value.name === OPT_ENTRY ? value.args[0] : undefined;
    return wrapped === undefined ? { value, optional: false } : { value: wrapped, optional: true };
  }

  #struct(value: Extract<Node['exprKind'], { case: 'structExpr' }>['value'], at: number): Expr {
    if (value.messageName !== '') return this.#message(value, at);
    const entries = value.entries.map((entry) => {
      const key = this.#element(entry.keyKind.value as Node);
      return { key: key.value, value: this.expr(entry.value), optional: key.optional };
    });
    return { kind: 'map', at, entries };
  }

  #message(value: Extract<Node['exprKind'], { case: 'structExpr' }>['value'], at: number): Expr {
    const fields = value.entries.map((entry) => {
      const written = entry.keyKind.case === 'fieldKey' ? entry.keyKind.value : '';
      const optional = written.startsWith(OPT_FIELD);
      return { name: optional ? written.slice(OPT_FIELD.length) : written, value: this.expr(entry.value), optional };
    });
    return { kind: 'message', at, name: value.messageName, fields };
  }

  #call(call: Extract<Node['exprKind'], { case: 'callExpr' }>['value'], at: number): Expr {
    const target = call.target === undefined ? undefined : this.expr(call.target);
    const args = call.args.map((each) => this.expr(each));
    const [first, second] = args;
    if (target === undefined) return { kind: 'call', at, name: call.function, target, args };
    if (call.function === OPT_SELECT || call.function === QUOTED_FIELD) {
      const field = first?.kind === 'literal' ? String(first.value) : '';
      return { kind: 'select', at, operand: target, field, mode: call.function === OPT_SELECT ? 'optional' : 'value' };
    }
    if (call.function === OPT_INDEX && first !== undefined) {
      return { kind: 'call', at, name: '_[?_]', target: undefined, args: [target, first] };
    }
    if (call.function === 'bind' && target.kind === 'ident' && target.name === 'cel' && args.length === 3) {
      return this.#bind('bind', args[0], args[1], args[2], at);
    }
    if ((call.function === 'optMap' || call.function === 'optFlatMap') && args.length === 2) {
      return this.#bind(call.function, first, target, second, at);
    }
    const macro = TWO_VARIABLE_MACROS[call.function];
    if (macro !== undefined && args.length >= 3 && Object.hasOwn(TWO_VARIABLE_MACROS, call.function)) {
      return this.#twoVariables(macro, target, args, at);
    }
    return { kind: 'call', at, name: call.function, target, args };
  }

  #bind(mode: Bind['mode'], name: Expr | undefined, value: Expr | undefined, body: Expr | undefined, at: number): Expr {
    if (name?.kind !== 'ident') throw new CelIssue(`${mode}() variable name must be a simple identifier`, at);
    if (value === undefined || body === undefined) throw new CelIssue(`${mode}() has too few arguments`, at);
    return { kind: 'bind', at, mode, name: name.name, value, body };
  }

  #twoVariables(macro: MacroName, range: Expr, args: readonly Expr[], at: number): Expr {
    const vars = args.slice(0, 2).map((each) => {
      if (each.kind !== 'ident') throw new CelIssue('argument must be a simple name', each.at);
      return each.name;
    });
    const [one, two] = args.slice(2);
    const collects = macro.startsWith('transform');
    if (one === undefined || args.length > (collects ? 4 : 3))
      throw new CelIssue(`wrong number of arguments for ${macro}()`, at);
    const test = collects ? (two === undefined ? undefined : one) : one;
    return { kind: 'macro', at, macro, range, vars, test, body: collects ? (two ?? one) : undefined };
  }

  /** The parser has written the macro out as a loop; its parts are where the specification of CEL puts them. */
  #comprehension(value: Extract<Node['exprKind'], { case: 'comprehensionExpr' }>['value'], at: number): Expr {
    const range = this.expr(value.iterRange);
    const step = this.expr(value.loopStep);
    const init = this.expr(value.accuInit);
    const args = step.kind === 'call' ? step.args : [];
    const make = (macro: MacroName, test: Expr | undefined, body: Expr | undefined): Macro => ({
      kind: 'macro',
      at,
      macro,
      range,
      vars: [value.iterVar],
      test,
      body,
    });
    if (init.kind === 'literal' && typeof init.value === 'boolean') {
      return make(init.value ? 'all' : 'exists', args[1], undefined);
    }
    if (init.kind === 'literal') return make('existsOne', args[0], undefined);
    if (step.kind === 'call' && step.name === '_?_:_') return make('map', args[0], collected(args[1]));
    return make('map', undefined, collected(step));
  }
}

/** `x` of `@result + [x]`. */
function collected(step: Expr | undefined): Expr | undefined {
  const list = step?.kind === 'call' ? step.args[1] : undefined;
  return list?.kind === 'list' ? list.items[0]?.value : undefined;
}

function literalOf(constant: Extract<Node['exprKind'], { case: 'constExpr' }>['value']['constantKind']): Value {
  switch (constant.case) {
    case 'stringValue':
    case 'doubleValue':
    case 'boolValue':
    case 'int64Value':
    case 'bytesValue':
      return constant.value;
    case 'uint64Value':
      return new Uint(constant.value);
    default:
      return null;
  }
}
