// The rules about values in a CustomResourceDefinition's schema, read once into the form in which they are checked.
// Knows what the keywords say; holding a value against them is value-check.ts. Rules in CEL are not of this kind.
import { compileRegex } from '#lib/linear-regex.ts';
import { isRecord } from '../schema/schema.ts';

/** What a schema says of a value beyond its structure. Frozen; empty for a schema that says nothing. */
export interface ValueRules {
  readonly type?: string;
  readonly nullable?: boolean;
  readonly intOrString?: boolean;
  readonly format?: string;
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
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly allOf?: readonly Branch[];
  readonly anyOf?: readonly Branch[];
  readonly oneOf?: readonly Branch[];
  readonly not?: Branch;
  /** Whether a text matches `pattern`, which is no rule when it is no regular expression; absent when there is none. */
  readonly matches?: (text: string) => boolean;
}

/** A schema below `allOf`, `anyOf`, `oneOf` or `not`: rules for a value and for what lies within it. */
export interface Branch extends ValueRules {
  readonly properties?: Readonly<Record<string, Branch>>;
  readonly items?: Branch;
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
const flags = ['exclusiveMinimum', 'exclusiveMaximum', 'nullable'] as const;
const texts = ['type', 'format', 'pattern'] as const;
const junctors = ['allOf', 'anyOf', 'oneOf'] as const;

/** The rules of one schema for a value itself; what it says of fields and items is the structure's. */
export function readRules(source: unknown): ValueRules {
  if (!isRecord(source)) return Object.freeze({});
  const rules: Record<string, unknown> = {};
  for (const name of numbers) if (typeof source[name] === 'number') rules[name] = source[name];
  for (const name of flags) if (source[name] === true) rules[name] = true;
  for (const name of texts) if (typeof source[name] === 'string' && source[name] !== '') rules[name] = source[name];
  const intOrString = source['x-kubernetes-int-or-string'] === true;
  if (intOrString) rules.intOrString = true;
  for (const name of junctors) {
    const list = source[name];
    // How int-or-string is written for other tools; `intOrString` says it already.
    if (Array.isArray(list) && !(name === 'anyOf' && intOrString)) rules[name] = list.map(readBranch);
  }
  if (Array.isArray(source.enum)) rules.enum = source.enum;
  if (Array.isArray(source.required)) rules.required = source.required.map(String);
  if (isRecord(source.not)) rules.not = readBranch(source.not);
  if (typeof rules.pattern === 'string') {
    const { pattern } = rules;
    // Compiled when the first text comes: a schema is read more often than most of its fields are written.
    rules.matches = (text: string) => {
      const regex = compileRegex(pattern);
      return 'error' in regex || regex.test(text);
    };
  }
  return Object.freeze(rules);
}

function readBranch(source: unknown): Branch {
  if (!isRecord(source)) return Object.freeze({});
  const { items, properties } = source;
  return Object.freeze({
    ...readRules(source),
    ...(isRecord(items) ? { items: readBranch(items) } : {}),
    ...(isRecord(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, readBranch(inner)])) }
      : {}),
  });
}
