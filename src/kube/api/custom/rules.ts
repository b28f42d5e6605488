// Rules in CEL of a custom resource's schema, compiled once, and held against objects within a budget.
// Knows schemas and expressions. Upstream source: apiextensions-apiserver schema/cel/validation.go.
import { jsonEqual } from '#lib/json.ts';
import {
  CelCancelled,
  celValue,
  compileProgram,
  Optional,
  optionalOf,
  type Program,
  schemaType,
  type Type,
  type Value,
} from '../cel/index.ts';
import { isRecord } from '../schema/schema.ts';
import type { StatusCause } from '../status.ts';
import { fieldPathOf } from './field-path.ts';
import type { Structural, ValidationRule } from './structural.ts';
import { correlate } from './validate.ts';
import { childOf } from './value-check.ts';

/** What all rules of a schema may cost for one object. */
export const OBJECT_BUDGET = 10_000_000;
const MAX_MESSAGE = 5 * 1024;

export interface CompiledRule {
  readonly rule: ValidationRule;
  /** Or why there is none; undefined for a rule that is empty. */
  readonly program: Program | { readonly issue: string } | undefined;
  readonly message: Program | { readonly issue: string } | undefined;
  readonly usesOldSelf: boolean;
  /** `fieldPath` as causes write it. */
  readonly path: string;
}

/** Mirrors the schema where there are rules below. */
export interface RuleNode {
  readonly schema: Structural;
  readonly type: Type;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly items: RuleNode | undefined;
  readonly additional: RuleNode | undefined;
}

/** Undefined when there is no rule in a schema. */
export function compileRules(schema: Structural, isResource = true): RuleNode | undefined {
  const found = hasRules(schema) ? schemaType(schema, isResource) : undefined;
  if (found === undefined) return undefined;
  const below = (inner: Structural | undefined): RuleNode | undefined =>
    inner === undefined ? undefined : compileRules(inner, inner.embedded);
  const properties = new Map<string, RuleNode>();
  for (const [name, property] of schema.properties) {
    const node = below(property);
    if (node !== undefined) properties.set(name, node);
  }
  return {
    schema,
    type: found.type,
    rules: schema.validations.map((rule) => compileRule(rule, found.type, schema)),
    properties,
    items: below(schema.items),
    additional: below(schema.additional),
  };
}

function hasRules(schema: Structural): boolean {
  if (schema.validations.length > 0) return true;
  const within = [...schema.properties.values(), schema.items, schema.additional];
  return within.some((inner) => inner !== undefined && hasRules(inner));
}

export function compileRule(rule: ValidationRule, self: Type, schema: Structural): CompiledRule {
  const text = rule.rule ?? '';
  const oldSelf = rule.optionalOldSelf === true ? optionalOf(self) : self;
  const variables = new Map([
    ['self', self],
    ['oldSelf', oldSelf],
  ]);
  const program = text.trim() === '' ? undefined : compileProgram(text, { variables });
  const message = rule.messageExpression?.trim() ? compileProgram(rule.messageExpression, { variables }) : undefined;
  const usesOldSelf = program !== undefined && !('issue' in program) && program.uses('oldSelf');
  return { rule, program, message, usesOldSelf, path: rule.fieldPath ? fieldPathOf(rule.fieldPath, schema) : '' };
}

export interface RuleFindings {
  readonly causes: StatusCause[];
  /** What is wrong, was so before, and is unchanged. */
  readonly warnings: string[];
}

/** Holds `next` against the rules, and against the object that it replaces. */
export function checkRules(node: RuleNode, next: unknown, previous: unknown): RuleFindings {
  const run = new Run();
  run.walk(node, next, { path: '', old: previous, comparable: previous });
  return run;
}

interface At {
  readonly path: string;
  /** What `oldSelf` is; undefined where nothing stands for it. */
  readonly old: unknown;
  /** What an unchanged mistake is recognised by. */
  readonly comparable: unknown;
}

class Run implements RuleFindings {
  readonly causes: StatusCause[] = [];
  readonly warnings: string[] = [];
  #left = OBJECT_BUDGET;

  walk(node: RuleNode, value: unknown, at: At): void {
    if (value === null || value === undefined || this.#left < 0) return;
    if (node.rules.length > 0) this.#rules(node, value, at);
    if (Array.isArray(value)) this.#list(node, value, at);
    else if (isRecord(value)) this.#fields(node, value, at);
  }

  #list({ items, schema }: RuleNode, value: readonly unknown[], at: At): void {
    if (items === undefined) return;
    const comparableOf = correlate(schema, at.comparable);
    const oldOf = schema.listType === 'map' ? correlate(schema, at.old) : () => undefined;
    for (const [index, item] of value.entries()) {
      const path = `${at.path}[${index}]`;
      this.walk(items, item, { path, old: oldOf(item, index), comparable: comparableOf(item, index) });
    }
  }

  #fields(node: RuleNode, value: Record<string, unknown>, at: At): void {
    const before = (of: unknown, name: string): unknown =>
      isRecord(of) && Object.hasOwn(of, name) ? of[name] : undefined;
    for (const [name, inner] of Object.entries(value)) {
      const below = node.properties.get(name) ?? node.additional;
      if (below === undefined) continue;
      const path = node.properties.has(name) ? childOf(at.path, name) : `${at.path}[${name}]`;
      const old = node.schema.mapType === 'atomic' ? undefined : before(at.old, name);
      this.walk(below, inner, { path, old, comparable: before(at.comparable, name) });
    }
  }

  #rules({ rules, schema, type }: RuleNode, value: unknown, at: At): void {
    const self = celValue(value, type);
    const old = at.old === undefined || at.old === null ? undefined : celValue(at.old, type);
    for (const compiled of rules) {
      if (this.#left < 0) return;
      if (compiled.usesOldSelf && old === undefined && compiled.rule.optionalOldSelf !== true) continue;
      const optional = compiled.rule.optionalOldSelf === true;
      const oldSelf = optional ? new Optional(old) : old;
      const variables = new Map<string, Value>([['self', self]]);
      if (oldSelf !== undefined) variables.set('oldSelf', oldSelf);
      this.#rule(compiled, { value, schema, at, variables });
    }
  }

  #rule(
    compiled: CompiledRule,
    target: { value: unknown; schema: Structural; at: At; variables: Map<string, Value> },
  ): void {
    const { rule, program, usesOldSelf } = compiled;
    const { value, schema, at, variables } = target;
    if (program === undefined) return;
    const wrong = (detail: string): void => {
      this.causes.push(cause('FieldValueInvalid', at.path, `Invalid value: ${JSON.stringify(schema.type)}: ${detail}`));
    };
    if ('issue' in program) {
      wrong(`rule compile error: compilation failed: ${program.issue}`);
      return;
    }
    const outcome = program.evaluate(variables);
    if (!this.#pay(outcome.cost)) {
      wrong('validation failed due to running out of cost budget, no further validation rules will be run');
      return;
    }
    if ('error' in outcome) {
      const { message } = outcome.error;
      const name = (rule.message ?? rule.rule).trim();
      if (outcome.error instanceof CelCancelled) {
        this.#left = -1;
        wrong(`'${message}': no further validation rules will be run due to call cost exceeds limit for rule: ${name}`);
      } else if (message.startsWith('no such overload')) {
        wrong(
          `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${name}`,
        );
      } else wrong(`${message} evaluating rule: ${name}`);
      return;
    }
    if (outcome.value === true) return;
    const found = failure(compiled, value, schema, at.path, this.#message(compiled, variables));
    const unchanged = at.comparable !== undefined && at.path !== '' && jsonEqual(at.comparable, value);
    if (!usesOldSelf && unchanged) this.warnings.push(`${found.field}: ${found.message}`);
    else this.causes.push(found);
  }

  #pay(cost: number): boolean {
    this.#left -= cost;
    return this.#left >= 0;
  }

  #message({ rule, message }: CompiledRule, variables: Map<string, Value>): string {
    const fallback = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
    if (message === undefined || 'issue' in message) return fallback;
    const outcome = message.evaluate(variables);
    this.#pay(outcome.cost);
    const text = 'value' in outcome && typeof outcome.value === 'string' ? outcome.value.trim() : '';
    return text === '' || text.length > MAX_MESSAGE || text.includes('\n') ? fallback : text;
  }
}

function cause(reason: string, path: string, message: string): StatusCause {
  return { reason, message, field: path === '' ? '<nil>' : path };
}

/** The cause for a rule that does not hold; what is shown of the value depends on the reason. */
function failure(
  compiled: CompiledRule,
  value: unknown,
  schema: Structural,
  path: string,
  detail: string,
): StatusCause {
  const dot = path === '' || compiled.path === '' || compiled.path.startsWith('[') ? '' : '.';
  const field = `${path}${dot}${compiled.path}`;
  const shown = schema.type === 'object' || schema.type === 'array' ? '' : `${JSON.stringify(value)}: `;
  switch (compiled.rule.reason) {
    case 'FieldValueForbidden':
      return cause('FieldValueForbidden', field, `Forbidden: ${detail}`);
    case 'FieldValueRequired':
      return cause('FieldValueRequired', field, `Required value: ${detail}`);
    case 'FieldValueDuplicate':
      return cause('FieldValueDuplicate', field, `Duplicate value${shown === '' ? '' : `: ${JSON.stringify(value)}`}`);
    default:
      return cause('FieldValueInvalid', field, `Invalid value: ${shown}${detail}`);
  }
}
