// Rules in CEL of a definition's schema: each compiles, comes to a truth value, and costs no more than it may.
// Knows schemas and expressions by their doors. Upstream source: apiextensions/validation/{validation,cel_validation}.go.
import { formatType, MAX_REQUEST_BYTES, schemaType, type Type } from '../../cel/index.ts';
import {
  type CompiledRule,
  compileRule,
  readStructural,
  type Structural,
  type ValidationRule,
  validateFieldPath,
} from '../../custom/index.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';
import type { RawSchema } from './structural.ts';

/** For one rule at all the places it may be needed in one object, and for all rules of a schema; units of CEL's cost. */
const RULE_LIMIT = 10_000_000;
const SCHEMA_LIMIT = 100_000_000;
/** How many of the dearest rules are named when all together cost too much. */
const NAMED = 4;

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

interface Where {
  readonly isResource: boolean;
  /** How many values of this schema one object may hold; undefined when nothing says so. */
  readonly count: number | undefined;
  /** The nearest place above whose parts cannot be told apart between two objects. */
  readonly uncorrelated: FieldPath | undefined;
}

export function validateExpressions(schema: RawSchema, path: FieldPath, report: Report): void {
  const costs: { path: FieldPath; cost: number }[] = [];
  walk(readStructural(schema), path, { isResource: true, count: 1, uncorrelated: undefined }, report, costs);
  const total = costs.reduce((sum, { cost }) => sum + cost, 0);
  if (total <= SCHEMA_LIMIT) return;
  for (const dear of costs.sort((a, b) => b.cost - a.cost).slice(0, NAMED)) {
    report.forbidden(
      dear.path,
      'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
    );
  }
  report.forbidden(
    path,
    tooDear('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total, SCHEMA_LIMIT),
  );
}

type Costs = { path: FieldPath; cost: number }[];

function walk(schema: Structural, path: FieldPath, where: Where, report: Report, costs: Costs): void {
  for (const [name, property] of schema.properties) {
    const uncorrelated = where.uncorrelated ?? (schema.mapType === 'atomic' ? path : undefined);
    const below = { isResource: property.embedded, count: where.count, uncorrelated };
    walk(property, at(child(path, 'properties'), name), below, report, costs);
  }
  const many = (most: number | undefined): number | undefined =>
    where.count === undefined || most === undefined ? undefined : where.count * Math.max(0, most);
  if (schema.items !== undefined) {
    const uncorrelated = where.uncorrelated ?? (schema.listType === 'map' ? undefined : path);
    const below = { isResource: schema.items.embedded, count: many(schema.rules.maxItems), uncorrelated };
    walk(schema.items, child(path, 'items'), below, report, costs);
  }
  if (schema.additional !== undefined) {
    const below = { ...where, isResource: schema.additional.embedded, count: many(schema.rules.maxProperties) };
    walk(schema.additional, child(path, 'additionalProperties'), below, report, costs);
  }
  if (schema.validations.length > 0) rulesOf(schema, child(path, 'x-kubernetes-validations'), where, report, costs);
}

function rulesOf(schema: Structural, path: FieldPath, where: Where, report: Report, costs: Costs): void {
  const before = report.causes.length;
  for (const [index, rule] of schema.validations.entries()) validateShape(rule, schema, at(path, index), report);
  if (report.causes.length > before) return;
  const found = schemaType(schema, where.isResource);
  if (found === undefined) {
    const text = 'Internal error: internal error: failed to retrieve type information for x-kubernetes-validations';
    report.causes.push({ reason: 'InternalError', message: text, field: path });
    return;
  }
  const count = where.count ?? Math.floor(MAX_REQUEST_BYTES / (found.minBytes + 1));
  for (const [index, rule] of schema.validations.entries()) {
    const compiled = compileRule(rule, found.type, schema);
    const pay = (field: string, name: string, cost: number): void => {
      const here = child(at(path, index), field);
      if (cost > RULE_LIMIT) report.forbidden(here, tooDear(name, cost, RULE_LIMIT));
      costs.push({ path: here, cost });
    };
    validateRule(compiled, at(path, index), where, report);
    const { program, message } = compiled;
    if (program !== undefined && !('issue' in program)) pay('rule', 'estimated rule cost', program.cost.most * count);
    if (message !== undefined && !('issue' in message)) {
      pay('messageExpression', 'estimated messageExpression cost', message.cost.most);
    }
  }
}

const LINE_BREAK = /[\n\r]/;

function validateShape(rule: ValidationRule, schema: Structural, path: FieldPath, report: Report): void {
  const { message = '', messageExpression = '', fieldPath = '', reason } = rule;
  const text = (rule.rule ?? '').trim();
  const note = message.trim();
  if (text === '') report.required(child(path, 'rule'), 'rule is not specified');
  else if (message !== '' && note === '') {
    report.invalid(child(path, 'message'), message, 'message must be non-empty if specified');
  } else if (LINE_BREAK.test(note))
    report.invalid(child(path, 'message'), message, 'message must not contain line breaks');
  else if (LINE_BREAK.test(text) && note === '') {
    report.required(child(path, 'message'), 'message must be specified if rule contains line breaks');
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    report.required(child(path, 'messageExpression'), 'messageExpression must be non-empty if specified');
  }
  if (reason !== undefined && !REASONS.includes(reason)) report.notSupported(child(path, 'reason'), reason, REASONS);
  if (fieldPath === '') return;
  const here = child(path, 'fieldPath');
  if (fieldPath.trim() === '') report.invalid(here, fieldPath, 'fieldPath must be non-empty if specified');
  if (LINE_BREAK.test(fieldPath)) report.invalid(here, fieldPath, 'fieldPath must not contain line breaks');
  if ('error' in validateFieldPath(fieldPath, schema))
    report.invalid(here, fieldPath, 'fieldPath must be a valid path');
}

function validateRule(
  { rule, program, message, usesOldSelf }: CompiledRule,
  path: FieldPath,
  where: Where,
  report: Report,
): void {
  const here = child(path, 'rule');
  if (program !== undefined && 'issue' in program) report.invalid(here, rule, `compilation failed: ${program.issue}`);
  else if (program !== undefined && !comesTo('bool', program.result)) {
    report.invalid(here, rule, 'cel expression must evaluate to a bool');
  }
  const messagePath = child(path, 'messageExpression');
  if (message !== undefined && 'issue' in message) {
    report.invalid(messagePath, rule, `messageExpression compilation failed: ${message.issue}`);
  } else if (message !== undefined && !comesTo('string', message.result)) {
    report.invalid(messagePath, rule, 'messageExpression must evaluate to a string');
  }
  if (usesOldSelf && where.uncorrelated !== undefined) {
    const text = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${where.uncorrelated}`;
    report.invalid(here, rule.rule, text);
  }
  if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    const text = 'may not be set if oldSelf is not used in rule';
    report.invalid(child(path, 'optionalOldSelf'), rule.optionalOldSelf, text);
  }
}

const comesTo = (name: string, type: Type): boolean => formatType(type) === name || formatType(type) === 'dyn';

function tooDear(name: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${name} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
