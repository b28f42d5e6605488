// Turns a checked expression into a function that is called for each object: no tree is walked at run time.
// Knows values, scopes and costs; errors are cel-go's.
import type { Bind, Call, Expr, Macro, MessageExpr, Select } from './ast.ts';
import type { Budget } from './budget.ts';
import { CelCancelled } from './budget.ts';
import { type Checked, isTypeName } from './check.ts';
import { Message } from './messages.ts';
import type { Overload } from './signature.ts';
import { isDyn, type Type } from './types.ts';
import {
  CelError,
  Fields,
  isList,
  keysOf,
  lookup,
  type MapKey,
  Opaque,
  Optional,
  sizeOf,
  TypeValue,
  typeNameOf,
  type Value,
} from './values.ts';

/** One evaluation: variables by name, and places for those of macros. */
export interface Frame {
  readonly variables: ReadonlyMap<string, Value>;
  readonly slots: Value[];
  readonly budget: Budget;
}
type Run = (frame: Frame) => Value;

interface Scope {
  readonly name: string;
  readonly slot: number;
  readonly outer: Scope | undefined;
}

export interface Compiled {
  readonly run: Run;
  /** How many places a frame needs. */
  readonly slots: number;
}

export function compileExpr(expr: Expr, checked: Checked): Compiled {
  const compiler = new Compiler(checked);
  const run = compiler.compile(expr, undefined);
  return { run, slots: compiler.slots };
}

class Compiler {
  slots = 0;
  readonly #checked: Checked;

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  compile(expr: Expr, scope: Scope | undefined): Run {
    switch (expr.kind) {
      case 'literal': {
        const { value } = expr;
        return () => value;
      }
      case 'ident':
        return ident(expr.name, scope);
      case 'select':
        return this.#select(expr, scope);
      case 'call':
        return this.#call(expr, scope);
      case 'list': {
        const items = expr.items.map(({ value, optional }) => ({ run: this.compile(value, scope), optional }));
        return (frame) => {
          frame.budget.spend(10);
          return items.flatMap(({ run, optional }) => {
            const value = run(frame);
            if (!optional) return [value];
            return value instanceof Optional && value.value !== undefined ? [value.value] : [];
          });
        };
      }
      case 'map': {
        const entries = expr.entries.map((each) => ({
          key: this.compile(each.key, scope),
          value: this.compile(each.value, scope),
          optional: each.optional,
        }));
        return (frame) => {
          frame.budget.spend(30);
          const map = new Map<MapKey, Value>();
          for (const { key, value, optional } of entries) {
            const made = value(frame);
            const kept = optional && made instanceof Optional ? made.value : made;
            if (kept !== undefined) map.set(mapKey(key(frame)), kept);
          }
          return map;
        };
      }
      case 'message':
        return this.#message(expr, scope);
      case 'macro':
        return this.#macro(expr, scope);
      case 'bind':
        return this.#bind(expr, scope);
    }
  }

  #message({ name, fields }: MessageExpr, scope: Scope | undefined): Run {
    const runs = fields.map((field) => ({ ...field, run: this.compile(field.value, scope) }));
    return (frame) => {
      frame.budget.spend(40);
      const made = new Map<string, Value>();
      for (const { name: field, run, optional } of runs) {
        const value = run(frame);
        const kept = optional && value instanceof Optional ? value.value : value;
        if (kept !== undefined) made.set(field, kept);
      }
      return new Message(name, made);
    };
  }

  #select({ operand, field, mode }: Select, scope: Scope | undefined): Run {
    const run = this.compile(operand, scope);
    if (mode === 'presence') {
      return (frame) => {
        const value = run(frame);
        const inner = value instanceof Optional ? value.value : value;
        return inner !== undefined && selected(inner, field) !== undefined;
      };
    }
    return (frame) => {
      const value = run(frame);
      frame.budget.spend(1);
      if (value instanceof Optional || mode === 'optional') {
        const inner = value instanceof Optional ? value.value : value;
        return new Optional(inner === undefined ? undefined : selected(inner, field));
      }
      const found = selected(value, field);
      if (found === undefined) throw new CelError(`no such key: ${field}`);
      return found;
    };
  }

  #call(expr: Call, scope: Scope | undefined): Run {
    const args = expr.args.map((arg) => this.compile(arg, scope));
    const [first, second, third] = args;
    if ((expr.name === '_&&_' || expr.name === '_||_') && args.length > 1) return logic(expr.name === '_||_', args);
    if (expr.name === '_?_:_' && first !== undefined && second !== undefined && third !== undefined) {
      return (frame) => {
        const test = first(frame);
        if (typeof test !== 'boolean') throw new CelError('no such overload');
        return test ? second(frame) : third(frame);
      };
    }
    const overloads = this.#checked.overloads.get(expr) ?? [];
    if (expr.target !== undefined && overloads[0]?.isMethod === true) args.unshift(this.compile(expr.target, scope));
    const [only] = overloads;
    if (overloads.length === 1 && only !== undefined && this.#isCertain(expr, only)) return certain(only, args);
    return dispatched(overloads, args);
  }

  /** Whether the types of all arguments are known, so that nothing is left to ask at run time. */
  #isCertain(expr: Call, overload: Overload): boolean {
    const given = overload.isMethod && expr.target !== undefined ? [expr.target, ...expr.args] : expr.args;
    return given.every((arg, index) => {
      const wanted = overload.args[index];
      const type = this.#checked.types.get(arg);
      return (
        wanted?.kind === 'param' ||
        (type !== undefined && !isDyn(type) && !(type.kind === 'scalar' && type.name === 'null_type'))
      );
    });
  }

  #bind({ mode, name, value, body }: Bind, scope: Scope | undefined): Run {
    const runValue = this.compile(value, scope);
    const slot = this.slots++;
    const runBody = this.compile(body, { name, slot, outer: scope });
    return (frame) => {
      const made = runValue(frame);
      if (mode === 'bind') frame.slots[slot] = made;
      else {
        if (!(made instanceof Optional)) throw new CelError('no such overload');
        if (made.value === undefined) return made;
        frame.slots[slot] = made.value;
      }
      const result = runBody(frame);
      return mode === 'optMap' ? new Optional(result) : result;
    };
  }

  #macro(expr: Macro, scope: Scope | undefined): Run {
    const range = this.compile(expr.range, scope);
    const slots = expr.vars.map(() => this.slots++);
    let inner = scope;
    for (const [index, name] of expr.vars.entries()) inner = { name, slot: slots[index] ?? 0, outer: inner };
    const test = expr.test === undefined ? undefined : this.compile(expr.test, inner);
    const body = expr.body === undefined ? undefined : this.compile(expr.body, inner);
    const [firstSlot = 0, secondSlot] = slots;
    const each = (frame: Frame, visit: (key: Value, value: Value) => boolean): void => {
      const value = range(frame);
      const keys = isList(value) ? value.keys() : keysOf(value);
      if (keys === undefined) throw new CelError('no such overload');
      for (const key of keys) {
        const index = typeof key === 'number' ? BigInt(key) : key;
        const item = isList(value) ? (value[key as number] as Value) : (lookup(value, key as MapKey) ?? null);
        frame.slots[firstSlot] = secondSlot === undefined && isList(value) ? item : index;
        if (secondSlot !== undefined) frame.slots[secondSlot] = item;
        if (!visit(index, item)) return;
      }
    };
    return collector(expr, each, test, body);
  }
}

type Each = (frame: Frame, visit: (key: Value, value: Value) => boolean) => void;

function collector({ macro }: Macro, each: Each, test: Run | undefined, body: Run | undefined): Run {
  const asked = (frame: Frame): boolean => {
    const answer = test?.(frame) ?? true;
    if (typeof answer !== 'boolean') throw new CelError('no such overload');
    return answer;
  };
  if (macro === 'all' || macro === 'exists') return quantifier(macro === 'exists', each, asked);
  if (macro === 'existsOne') {
    return (frame) => {
      let count = 0;
      each(frame, () => {
        frame.budget.spend(1);
        if (asked(frame)) count++;
        return true;
      });
      frame.budget.spend(3);
      return count === 1;
    };
  }
  const make = body ?? (() => null);
  if (macro === 'map' || macro === 'transformList') {
    return (frame) => {
      const list: Value[] = [];
      frame.budget.spend(10);
      each(frame, () => {
        frame.budget.spend(1);
        if (!asked(frame)) return true;
        frame.budget.spend(11);
        list.push(make(frame));
        return true;
      });
      return list;
    };
  }
  return (frame) => {
    const map = new Map<MapKey, Value>();
    frame.budget.spend(30);
    each(frame, (key) => {
      frame.budget.spend(1);
      if (!asked(frame)) return true;
      const made = make(frame);
      if (macro === 'transformMap') map.set(mapKey(key), made);
      else for (const name of keysOf(made) ?? []) map.set(name, lookup(made, name) ?? null);
      return true;
    });
    return map;
  };
}

/** An error counts only when no other item decides. */
function quantifier(wanted: boolean, each: Each, asked: (frame: Frame) => boolean): Run {
  return (frame) => {
    let failure: unknown;
    let decided = false;
    each(frame, () => {
      frame.budget.spend(3);
      try {
        decided = asked(frame) === wanted;
      } catch (error) {
        if (!(error instanceof CelError) || error instanceof CelCancelled) throw error;
        failure ??= error;
      }
      return !decided;
    });
    if (decided) return wanted;
    if (failure !== undefined) throw failure;
    return !wanted;
  };
}

function ident(name: string, scope: Scope | undefined): Run {
  for (let inner = scope; inner !== undefined; inner = inner.outer) {
    if (inner.name !== name) continue;
    const { slot } = inner;
    return (frame) => {
      frame.budget.spend(1);
      return frame.slots[slot] as Value;
    };
  }
  const typeValue = isTypeName(name) ? new TypeValue(name) : undefined;
  return (frame) => {
    frame.budget.spend(1);
    const value = frame.variables.get(name) ?? typeValue;
    if (value === undefined && !frame.variables.has(name)) throw new CelError(`no such attribute(s): ${name}`);
    return value ?? null;
  };
}

function selected(value: Value, field: string): Value | undefined {
  if (value instanceof Fields || value instanceof Map) return lookup(value, field);
  const part = value instanceof Opaque ? value.field(field) : undefined;
  if (part !== undefined) return part;
  throw new CelError('no such overload');
}

/** The one that decides wins, whatever becomes of the others; without one, the first error does. */
function logic(decisive: boolean, args: readonly Run[]): Run {
  return (frame) => {
    let failure: unknown;
    for (const arg of args) {
      try {
        const value = arg(frame);
        if (value === decisive) return decisive;
        if (typeof value !== 'boolean') failure ??= new CelError('no such overload');
      } catch (error) {
        if (!(error instanceof CelError) || error instanceof CelCancelled) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return !decisive;
  };
}

function certain(overload: Overload, args: readonly Run[]): Run {
  const call = overload.call as (...values: Value[]) => Value;
  const { cost } = overload;
  return (frame) => {
    const values = args.map((arg) => arg(frame));
    frame.budget.spend(cost === undefined ? 1 : Math.max(1, cost(values.map(sizeOf))));
    return call(...values);
  };
}

function dispatched(overloads: readonly Overload[], args: readonly Run[]): Run {
  return (frame) => {
    const values = args.map((arg) => arg(frame));
    const overload = overloads.find((each) =>
      each.args.every((wanted, index) => accepts(wanted, values[index] as Value)),
    );
    if (overload === undefined) throw new CelError('no such overload');
    frame.budget.spend(Math.max(1, overload.cost?.(values.map(sizeOf)) ?? 1));
    return (overload.call as (...given: Value[]) => Value)(...values);
  };
}

function accepts(wanted: Type, value: Value): boolean {
  switch (wanted.kind) {
    case 'param':
      return true;
    case 'list':
      return isList(value);
    case 'map':
      return value instanceof Map || value instanceof Fields;
    case 'optional':
      return value instanceof Optional;
    case 'object':
      return value instanceof Fields;
    default:
      return isDyn(wanted) || typeNameOf(value) === wanted.name;
  }
}

function mapKey(key: Value): MapKey {
  if (typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean') return key;
  throw new CelError('unsupported key type');
}
