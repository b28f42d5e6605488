// What an expression costs at most, by the sizes that types declare, before it has run once.
// Knows checked expressions. Upstream source: cel-go checker/cost.go.
import type { Call, Expr, Macro } from './ast.ts';
import type { Checked } from './check.ts';
import { times } from './costs.ts';
import type { Overload } from './signature.ts';
import { maxOf, type Type } from './types.ts';
import { sizeOf } from './values.ts';

/** In units of CEL's cost. */
export interface Estimate {
  readonly least: number;
  readonly most: number;
}
type Range = readonly [least: number, most: number];

const NONE: Estimate = { least: 0, most: 0 };
const LIST = 10;
const MAP = 30;
const MESSAGE = 40;

const add = (a: Estimate, b: Estimate): Estimate => ({ least: a.least + b.least, most: a.most + b.most });
const plus = (a: Estimate, units: number): Estimate => ({ least: a.least + units, most: a.most + units });
const either = (a: Estimate, b: Estimate): Estimate => ({
  least: Math.min(a.least, b.least),
  most: Math.max(a.most, b.most),
});
export function estimateCost(expr: Expr, checked: Checked): Estimate {
  return new Estimator(checked).cost(expr);
}

class Estimator {
  readonly #checked: Checked;
  readonly #sizes = new Map<Expr, Range>();
  /** Of the items of lists that functions and macros make. */
  readonly #items = new Map<Expr, Range>();
  /** Of the variables of macros that are looked at now. */
  readonly #variables = new Map<string, Range>();

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  cost(expr: Expr): Estimate {
    switch (expr.kind) {
      case 'literal':
        return NONE;
      case 'ident':
        return { least: 1, most: 1 };
      case 'select':
        // Whether a field is there costs nothing beyond what has it.
        return plus(this.cost(expr.operand), expr.mode === 'presence' ? 0 : 1);
      case 'call':
        return this.#call(expr);
      case 'list':
        return plus(this.#all(expr.items.map((item) => item.value)), LIST);
      case 'map':
        return plus(this.#all(expr.entries.flatMap((entry) => [entry.key, entry.value])), MAP);
      case 'message':
        return plus(this.#all(expr.fields.map((field) => field.value)), MESSAGE);
      case 'macro':
        return this.#macro(expr);
      case 'bind': {
        const body = this.cost(expr.body);
        const size = this.#sizes.get(expr.body);
        if (size !== undefined) this.#sizes.set(expr, size);
        return plus(add(this.cost(expr.value), body), LIST);
      }
    }
  }

  #all(exprs: readonly Expr[]): Estimate {
    return exprs.map((each) => this.cost(each)).reduce(add, NONE);
  }

  #size(expr: Expr): Range {
    if (expr.kind === 'literal') return [sizeOf(expr.value), sizeOf(expr.value)];
    const variable = expr.kind === 'ident' ? this.#variables.get(expr.name) : undefined;
    return variable ?? this.#sizes.get(expr) ?? sizeOfType(this.#checked.types.get(expr));
  }

  #call(expr: Call): Estimate {
    const costs = expr.args.map((arg) => this.cost(arg));
    const [a = NONE, b = NONE, c = NONE] = costs;
    if (expr.name === '_&&_' || expr.name === '_||_') {
      const sum = costs.reduce(add, NONE);
      return { least: a.least, most: sum.most };
    }
    if (expr.name === '_?_:_') {
      const [, yes, no] = expr.args;
      if (yes !== undefined && no !== undefined) {
        const [x, y] = [this.#size(yes), this.#size(no)];
        this.#sizes.set(expr, [Math.min(x[0], y[0]), Math.max(x[1], y[1])]);
      }
      return add(a, either(b, c));
    }
    const overloads = this.#checked.overloads.get(expr) ?? [];
    const isMethod = expr.target !== undefined && (overloads[0]?.isMethod ?? false);
    const args = isMethod && expr.target !== undefined ? [expr.target, ...expr.args] : expr.args;
    const target = isMethod && expr.target !== undefined ? this.cost(expr.target) : NONE;
    const own = this.#overloads(expr, overloads, args);
    const limit = expr.name === 'split' ? expr.args[1] : undefined;
    if (limit?.kind === 'literal' && Number(limit.value) >= 0) this.#sizes.set(expr, [0, Number(limit.value)]);
    const item = expr.name === '_[_]' && args[0] !== undefined ? this.#items.get(args[0]) : undefined;
    if (item !== undefined) this.#sizes.set(expr, item);
    return add(add(costs.reduce(add, NONE), target), own);
  }

  #overloads(expr: Call, overloads: readonly Overload[], args: readonly Expr[]): Estimate {
    const sizes = args.map((arg) => this.#size(arg));
    const [least, most] = [sizes.map(([low]) => low), sizes.map(([, high]) => high)];
    let own: Estimate | undefined;
    let size: Range | undefined;
    let item: number | undefined;
    for (const overload of overloads) {
      const units = (given: readonly number[]): number => (overload.estimated ?? overload.cost)?.(given) ?? 1;
      const each = { least: units(least), most: units(most) };
      own = own === undefined ? each : either(own, each);
      const made = overload.size?.(least, most);
      if (made !== undefined)
        size = size === undefined ? made : [Math.min(size[0], made[0]), Math.max(size[1], made[1])];
      const itemSize = overload.itemSize?.(most);
      if (itemSize !== undefined) item = Math.max(item ?? 0, itemSize);
    }
    if (size !== undefined) this.#sizes.set(expr, size);
    if (item !== undefined) this.#items.set(expr, [0, item]);
    return own ?? { least: 1, most: 1 };
  }

  #macro(expr: Macro): Estimate {
    const range = this.cost(expr.range);
    const [least, most] = this.#size(expr.range);
    const name = expr.vars.at(-1) ?? '';
    const [item, outer] = [this.#items.get(expr.range), this.#variables.get(name)];
    if (item === undefined) this.#variables.delete(name);
    else this.#variables.set(name, item);
    const test = expr.test === undefined ? NONE : this.cost(expr.test);
    const body = expr.body === undefined ? NONE : this.cost(expr.body);
    if (expr.body !== undefined) this.#items.set(expr, this.#size(expr.body));
    if (outer === undefined) this.#variables.delete(name);
    else this.#variables.set(name, outer);
    const step = stepOf(expr, test, body);
    if (expr.body !== undefined) this.#sizes.set(expr, [expr.test === undefined ? least : 0, most]);
    const start = expr.body === undefined ? 0 : expr.macro === 'map' || expr.macro === 'transformList' ? LIST : MAP;
    const loops = { least: times(least, step.least), most: times(most, step.most) };
    return plus(add(range, loops), start + (expr.macro === 'existsOne' ? 3 : 1));
  }
}

/** One turn of the loop that the macro is written out as. */
function stepOf({ macro, test, body }: Macro, testCost: Estimate, bodyCost: Estimate): Estimate {
  if (macro === 'all' || macro === 'exists')
    return plus({ least: 1, most: testCost.most + 1 }, macro === 'all' ? 2 : 3);
  if (macro === 'existsOne') return add(testCost, { least: 1, most: 2 });
  const collect = body === undefined ? NONE : plus(bodyCost, LIST + 2);
  return test === undefined ? collect : add(testCost, either(collect, { least: 1, most: 1 }));
}

const FIXED = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'null_type',
  'type',
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
]);

function sizeOfType(type: Type | undefined): Range {
  if (type === undefined) return [0, Number.POSITIVE_INFINITY];
  if (type.kind === 'opaque' || (type.kind === 'scalar' && FIXED.has(type.name))) return [1, 1];
  if (type.kind === 'object') return [0, type.fields.size];
  return [0, maxOf(type)];
}
