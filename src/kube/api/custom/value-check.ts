// Holds one value against the rules of its schema, in upstream's words.
// Knows a value and the branches that speak about it; the walk through an object is validate.ts.
import { isRecord } from '../schema/schema.ts';
import type { StatusCause } from '../status.ts';
import { isOfFormat } from './formats.ts';
import type { Branch, ValueRules } from './value-rules.ts';

/** Causes of a 422, in the order of upstream's validators. `path` names the value in the messages, '' for the root. */
export function checkValue(rules: ValueRules, value: unknown, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const mistake = typeMistake(rules, value, path);
  if (mistake.length > 0) return mistake;
  if (value === null) return causes;
  const invalid: Invalid = (shown, text) => {
    const message = `Invalid value: ${JSON.stringify(shown)}: ${path} in body ${text}`;
    causes.push({ reason: 'FieldValueInvalid', message, field: path });
  };
  checkBranches(rules, value, path, causes);
  if (typeof value === 'string') checkText(rules, value, path, invalid, causes);
  else if (typeof value === 'number') checkNumber(rules, value, invalid);
  else if (Array.isArray(value)) {
    tooMany(rules.maxItems, value.length, path, causes);
    if (rules.minItems !== undefined && value.length < rules.minItems) {
      invalid(value.length, `should have at least ${rules.minItems} items`);
    }
  }
  checkEnum(rules, value, path, causes);
  if (isRecord(value)) checkMap(rules, value, path, invalid, causes);
  return causes;
}

type Invalid = (shown: unknown, text: string) => void;

function typeInvalid(path: string, shown: unknown, wanted: string): StatusCause {
  const text = JSON.stringify(shown);
  const message = `Invalid value: ${text}: ${path} in body must be of type ${wanted}: ${text}`;
  return { reason: 'FieldValueTypeInvalid', message, field: path };
}

function typeMistake(rules: ValueRules, value: unknown, path: string): StatusCause[] {
  const got = typeOf(value);
  if (rules.intOrString === true) {
    if (got === 'integer' || got === 'string' || (got === 'null' && rules.nullable === true)) return [];
    return [asWhole(path, 'must validate at least one schema (anyOf)'), typeInvalid(path, got, 'integer')];
  }
  const { type } = rules;
  if (value === null) {
    return type === undefined || rules.nullable === true ? [] : [typeInvalid(path, 'null', type)];
  }
  if (type !== undefined && got !== type && !(type === 'number' && got === 'integer')) {
    return [typeInvalid(path, got, type)];
  }
  if (rules.format !== undefined && !isOfFormat(rules.format, value)) return [typeInvalid(path, value, rules.format)];
  return [];
}

/** The name that a schema has for the type of a JSON value. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkText(rules: ValueRules, value: string, path: string, invalid: Invalid, causes: StatusCause[]): void {
  const { maxLength, minLength } = rules;
  if (maxLength !== undefined || minLength !== undefined) {
    // Lengths count characters, not UTF-16 units.
    const length = [...value].length;
    if (maxLength !== undefined && length > maxLength) {
      const message = `Too long: may not be more than ${maxLength} bytes`;
      causes.push({ reason: 'FieldValueTooLong', message, field: path });
    }
    if (minLength !== undefined && length < minLength) invalid(value, `should be at least ${minLength} chars long`);
  }
  if (rules.matches?.(value) === false) invalid(value, `should match '${rules.pattern}'`);
}

function checkNumber(rules: ValueRules, value: number, invalid: Invalid): void {
  const { minimum, maximum, multipleOf } = rules;
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    invalid(value, `should be a multiple of ${multipleOf}`);
  }
  if (maximum !== undefined && (rules.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    invalid(value, `should be less than ${rules.exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (rules.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    invalid(value, `should be greater than ${rules.exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
  }
}

function checkEnum(rules: ValueRules, value: unknown, path: string, causes: StatusCause[]): void {
  if (rules.enum === undefined || rules.enum.some((each) => same(each, value))) return;
  // Values that are no text are shown by their JSON, quoted like the others.
  const texts = rules.enum.map((each) => JSON.stringify(typeof each === 'string' ? each : JSON.stringify(each)));
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${texts.join(', ')}`;
  causes.push({ reason: 'FieldValueNotSupported', message, field: path });
}

function checkMap(
  rules: ValueRules,
  value: Record<string, unknown>,
  path: string,
  invalid: Invalid,
  causes: StatusCause[],
): void {
  const { minProperties, maxProperties, required } = rules;
  if (minProperties !== undefined || maxProperties !== undefined) {
    const count = Object.keys(value).length;
    tooMany(maxProperties, count, path, causes);
    if (minProperties !== undefined && count < minProperties) {
      invalid(count, `should have at least ${minProperties} properties`);
    }
  }
  for (const name of required ?? []) {
    if (Object.hasOwn(value, name) && value[name] !== undefined) continue;
    causes.push({ reason: 'FieldValueRequired', message: 'Required value', field: childOf(path, name) });
  }
}

export function childOf(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function tooMany(most: number | undefined, count: number, path: string, causes: StatusCause[]): void {
  if (most === undefined || count <= most) return;
  const message = `Too many: ${count}: must have at most ${most} items`;
  causes.push({ reason: 'FieldValueTooMany', message, field: path });
}

/** Upstream knows no field for what a combination of schemas says. */
function asWhole(path: string, text: string): StatusCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: "": "${path}" ${text}`, field: '<nil>' };
}

interface Outcome {
  readonly causes: readonly StatusCause[];
  /** Values that were looked at: the branch that got furthest is the one meant. */
  readonly seen: number;
}

function checkBranches(rules: ValueRules, value: unknown, path: string, causes: StatusCause[]): void {
  const { anyOf, oneOf, allOf, not } = rules;
  if (anyOf !== undefined) {
    const outcomes = anyOf.map((branch) => checkBranch(branch, value, path));
    if (!outcomes.some(isFine)) {
      causes.push(asWhole(path, 'must validate at least one schema (anyOf)'), ...closest(outcomes));
    }
  }
  if (oneOf !== undefined) {
    const outcomes = oneOf.map((branch) => checkBranch(branch, value, path));
    const fine = outcomes.filter(isFine).length;
    if (fine !== 1) {
      const found = fine === 0 ? 'Found none valid' : `Found ${fine} valid alternatives`;
      causes.push(asWhole(path, `must validate one and only one schema (oneOf). ${found}`));
      if (fine === 0) causes.push(...closest(outcomes));
    }
  }
  if (allOf !== undefined) {
    const outcomes = allOf.map((branch) => checkBranch(branch, value, path));
    const fine = outcomes.filter(isFine).length;
    causes.push(...outcomes.flatMap((outcome) => outcome.causes));
    if (fine !== allOf.length) {
      causes.push(asWhole(path, `must validate all the schemas (allOf)${fine === 0 ? '. None validated' : ''}`));
    }
  }
  if (not !== undefined && isFine(checkBranch(not, value, path))) {
    causes.push(asWhole(path, 'must not validate the schema (not)'));
  }
}

const isFine = (outcome: Outcome): boolean => outcome.causes.length === 0;

function closest(outcomes: readonly Outcome[]): readonly StatusCause[] {
  let best: Outcome | undefined;
  for (const outcome of outcomes) if (best === undefined || outcome.seen > best.seen) best = outcome;
  return best?.causes ?? [];
}

function checkBranch(branch: Branch, value: unknown, path: string): Outcome {
  const causes = checkValue(branch, value, path);
  let seen = 1;
  const within = (inner: Branch, each: unknown, place: string): void => {
    const outcome = checkBranch(inner, each, place);
    seen += outcome.seen;
    causes.push(...outcome.causes);
  };
  const { items, properties } = branch;
  if (Array.isArray(value) && items !== undefined) {
    value.forEach((each, index) => {
      within(items, each, `${path}[${index}]`);
    });
  }
  if (isRecord(value) && properties !== undefined) {
    for (const [name, inner] of Object.entries(properties)) {
      if (Object.hasOwn(value, name)) within(inner, value[name], childOf(path, name));
    }
  }
  return { causes, seen };
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
