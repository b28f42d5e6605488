// Rules about values in a CustomResourceDefinition's schema, and whether a value keeps them, in upstream's words.
// Knows one value at a time; walking an object is validate.ts. Rules in CEL are not of this kind.
import { isRecord } from './schema.ts';

/** What a custom schema says of a value beyond its type. Frozen; empty for a schema that says nothing. */
export interface ValueRules {
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, ValueRules>>;
  readonly items?: ValueRules;
  readonly allOf?: readonly ValueRules[];
  readonly anyOf?: readonly ValueRules[];
  readonly oneOf?: readonly ValueRules[];
  readonly not?: ValueRules;
}

export interface ValueMistake {
  /** Reason of the cause, e.g. `FieldValueInvalid`. */
  readonly reason: string;
  readonly message: string;
}

/** Every rule that `value` breaks itself, not what lies within it. `path` names it in the messages. */
export function valueMistakes(rules: ValueRules, value: unknown, path: string): ValueMistake[] {
  const found: ValueMistake[] = [];
  const invalid = (text: string): void => {
    found.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${path} in body ${text}` });
  };
  if (rules.enum !== undefined && !rules.enum.some((each) => same(each, value))) {
    const values = rules.enum.map((each) => JSON.stringify(each)).join(', ');
    found.push({
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${shown(value)}: supported values: ${values}`,
    });
  }
  if (typeof value === 'string') textMistakes(rules, value, invalid, found);
  else if (typeof value === 'number') numberMistakes(rules, value, invalid);
  else if (Array.isArray(value)) listMistakes(rules, value, invalid, found);
  else if (isRecord(value)) mapMistakes(rules, value, invalid, found);
  combinationMistakes(rules, value, invalid);
  return found;
}

type Invalid = (text: string) => void;

function textMistakes(rules: ValueRules, value: string, invalid: Invalid, found: ValueMistake[]): void {
  // Lengths count characters, not UTF-16 units.
  const length = [...value].length;
  if (rules.maxLength !== undefined && length > rules.maxLength) {
    found.push({ reason: 'FieldValueTooLong', message: `Too long: may not be more than ${rules.maxLength} bytes` });
  }
  if (rules.minLength !== undefined && length < rules.minLength) {
    invalid(`should be at least ${rules.minLength} chars long`);
  }
  if (rules.pattern !== undefined && compiled(rules.pattern)?.test(value) === false) {
    invalid(`should match '${rules.pattern}'`);
  }
}

const patterns = new Map<string, RegExp | undefined>();

/** Undefined for a pattern that only Go's regular expressions know: it is then no rule here. */
function compiled(pattern: string): RegExp | undefined {
  if (!patterns.has(pattern)) {
    try {
      patterns.set(pattern, new RegExp(pattern, 'u'));
    } catch {
      patterns.set(pattern, undefined);
    }
  }
  return patterns.get(pattern);
}

function numberMistakes(rules: ValueRules, value: number, invalid: Invalid): void {
  const { minimum, maximum, multipleOf } = rules;
  if (minimum !== undefined && (rules.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    invalid(`should be greater than ${rules.exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
  }
  if (maximum !== undefined && (rules.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    invalid(`should be less than ${rules.exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf))
    invalid(`should be a multiple of ${multipleOf}`);
}

function listMistakes(rules: ValueRules, value: readonly unknown[], invalid: Invalid, found: ValueMistake[]): void {
  tooMany(rules.maxItems, value.length, found);
  if (rules.minItems !== undefined && value.length < rules.minItems) {
    invalid(`should have at least ${rules.minItems} items`);
  }
  if (rules.uniqueItems === true && new Set(value.map((each) => JSON.stringify(each))).size < value.length) {
    invalid("shouldn't contain duplicates");
  }
}

function mapMistakes(rules: ValueRules, value: Record<string, unknown>, invalid: Invalid, found: ValueMistake[]): void {
  const count = Object.keys(value).length;
  tooMany(rules.maxProperties, count, found);
  if (rules.minProperties !== undefined && count < rules.minProperties) {
    invalid(`should have at least ${rules.minProperties} properties`);
  }
}

function tooMany(most: number | undefined, count: number, found: ValueMistake[]): void {
  if (most === undefined || count <= most) return;
  found.push({ reason: 'FieldValueTooMany', message: `Too many: ${count}: must have at most ${most} items` });
}

function combinationMistakes(rules: ValueRules, value: unknown, invalid: Invalid): void {
  const { allOf, anyOf, oneOf, not } = rules;
  if (anyOf !== undefined && !anyOf.some((each) => keeps(each, value))) {
    invalid('must validate at least one schema (anyOf)');
  }
  if (oneOf !== undefined && oneOf.filter((each) => keeps(each, value)).length !== 1) {
    invalid('must validate one and only one schema (oneOf)');
  }
  if (allOf !== undefined && !allOf.every((each) => keeps(each, value)))
    invalid('must validate all the schemas (allOf)');
  if (not !== undefined && keeps(not, value)) invalid('must not validate the schema (not)');
}

/** Whether a value keeps all rules of one branch, those within it included. */
function keeps(rules: ValueRules, value: unknown): boolean {
  if (valueMistakes(rules, value, '').length > 0) return false;
  const { items, properties = {}, required = [] } = rules;
  if (Array.isArray(value)) return items === undefined || value.every((each) => keeps(items, each));
  if (!isRecord(value)) return true;
  if (!required.every((name) => Object.hasOwn(value, name))) return false;
  return Object.entries(properties).every(([name, inner]) => !Object.hasOwn(value, name) || keeps(inner, value[name]));
}

/** Upstream quotes text, and names objects and lists by their JSON. */
function shown(value: unknown): string {
  return JSON.stringify(value);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

const numbers = [
  'minimum',
  'maximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
] as const;
const flags = ['exclusiveMinimum', 'exclusiveMaximum', 'uniqueItems'] as const;
const branches = ['allOf', 'anyOf', 'oneOf'] as const;

/** The rules in a schema as a CustomResourceDefinition holds it; `within` takes those of fields and items along. */
export function readRules(source: unknown, within = false): ValueRules {
  if (!isRecord(source)) return Object.freeze({});
  const rules: Record<string, unknown> = {};
  for (const name of numbers) if (typeof source[name] === 'number') rules[name] = source[name];
  for (const name of flags) if (source[name] === true) rules[name] = true;
  for (const name of branches) {
    const list = source[name];
    // How int-or-string is written for other tools; the format says it already.
    const told = name === 'anyOf' && source['x-kubernetes-int-or-string'] === true;
    if (Array.isArray(list) && !told) rules[name] = list.map((each) => readRules(each, true));
  }
  if (typeof source.pattern === 'string') rules.pattern = source.pattern;
  if (Array.isArray(source.enum)) rules.enum = source.enum;
  if (source.not !== undefined) rules.not = readRules(source.not, true);
  if (within) Object.assign(rules, rulesWithin(source));
  return Object.freeze(rules);
}

function rulesWithin(source: Record<string, unknown>): ValueRules {
  const { items, properties, required } = source;
  return {
    ...(Array.isArray(required) ? { required: required.map(String) } : {}),
    ...(items === undefined ? {} : { items: readRules(items, true) }),
    ...(isRecord(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, inner]) => [name, readRules(inner, true)]),
          ),
        }
      : {}),
  };
}
