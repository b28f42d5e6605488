// A custom resource's schema as a tree that is read once: structure, merge facts, defaults, value rules, rules in CEL.
// Knows the keywords of structural schemas; whether a schema may say what it says is validation's matter.
import { isRecord } from '../schema/schema.ts';
import { readRules, type ValueRules } from './value-rules.ts';

/** One of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** Frozen. */
export interface Structural {
  /** `''` when the schema names none. */
  readonly type: string;
  readonly nullable: boolean;
  readonly embedded: boolean;
  readonly intOrString: boolean;
  readonly preserve: boolean;
  readonly properties: ReadonlyMap<string, Structural>;
  readonly required: ReadonlySet<string>;
  readonly items: Structural | undefined;
  /** Values of free keys; undefined where there are none, or where they may be anything. */
  readonly additional: Structural | undefined;
  readonly listType: string;
  readonly listMapKeys: readonly string[];
  readonly mapType: string;
  /** Undefined when there is none; null is a default of its own. */
  readonly default: unknown;
  readonly rules: ValueRules;
  readonly validations: readonly ValidationRule[];
  /** `allOf` of the schema, for rules in CEL that stand there. */
  readonly source: Readonly<Record<string, unknown>>;
}

const noProperties: ReadonlyMap<string, Structural> = new Map();
const noNames: ReadonlySet<string> = new Set();

/** Takes any value for a schema; what is not understood says nothing. */
export function readStructural(given: unknown): Structural {
  const source = isRecord(given) ? given : {};
  const flag = (name: string): boolean => source[name] === true;
  const text = (name: string): string => (typeof source[name] === 'string' ? (source[name] as string) : '');
  const texts = (name: string): string[] =>
    Array.isArray(source[name]) ? (source[name] as unknown[]).map(String) : [];
  const { properties, items, additionalProperties } = source;
  const required = texts('required');
  return Object.freeze({
    type: text('type'),
    nullable: flag('nullable'),
    embedded: flag('x-kubernetes-embedded-resource'),
    intOrString: flag('x-kubernetes-int-or-string'),
    preserve: flag('x-kubernetes-preserve-unknown-fields'),
    properties: isRecord(properties)
      ? new Map(Object.entries(properties).map(([name, inner]) => [name, readStructural(inner)]))
      : noProperties,
    required: required.length === 0 ? noNames : new Set(required),
    items: isRecord(items) ? readStructural(items) : undefined,
    additional: isRecord(additionalProperties) ? readStructural(additionalProperties) : undefined,
    listType: text('x-kubernetes-list-type'),
    listMapKeys: texts('x-kubernetes-list-map-keys'),
    mapType: text('x-kubernetes-map-type'),
    default: source.default,
    rules: readRules(source),
    validations: readValidations(source['x-kubernetes-validations']),
    source,
  });
}

function readValidations(given: unknown): readonly ValidationRule[] {
  return Array.isArray(given) ? (given.filter(isRecord) as unknown as ValidationRule[]) : [];
}

/** The schema of a field or of a free key. */
export function structuralAt(schema: Structural, name: string): Structural | undefined {
  return schema.properties.get(name) ?? schema.additional;
}
