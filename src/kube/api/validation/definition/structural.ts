// Whether a custom resource's schema is structural: every field typed outside of logic, metadata left alone.
// Knows schemas as JSON. Upstream source: apiextensions-apiserver/pkg/apiserver/schema/{validation,complete}.go.

import { jsonEqual } from '#lib/json.ts';
import { compileRegex } from '#lib/linear-regex.ts';
import { isRecord } from '../../schema/schema.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';

export type RawSchema = Readonly<Record<string, unknown>>;
type Level = 'root' | 'items' | 'field';

const UNTYPED: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  items: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

export function schemaMembers(schema: RawSchema, keyword: string): [string, RawSchema][] {
  const members = schema[keyword];
  return isRecord(members)
    ? Object.entries(members).filter((entry): entry is [string, RawSchema] => isRecord(entry[1]))
    : [];
}

export function schemaList(schema: RawSchema, keyword: string): RawSchema[] {
  const list = schema[keyword];
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

const textOf = (schema: RawSchema, keyword: string): string =>
  typeof schema[keyword] === 'string' ? String(schema[keyword]) : '';

export function validateStructural(schema: RawSchema, path: FieldPath, report: Report): void {
  invariants(schema, 'root', path, report);
  completeness(schema, path, report);
}

function invariants(schema: RawSchema, level: Level, path: FieldPath, report: Report): void {
  const type = textOf(schema, 'type');
  const { items, additionalProperties } = schema;
  if (type === 'array' && items === undefined) report.required(child(path, 'items'), 'must be specified');
  if (isRecord(items)) invariants(items, 'items', child(path, 'items'), report);
  for (const [name, inner] of schemaMembers(schema, 'properties')) {
    invariants(inner, 'field', at(child(path, 'properties'), name), report);
  }
  const additionalPath = child(path, 'additionalProperties');
  if (additionalProperties !== undefined && level === 'root')
    report.forbidden(additionalPath, 'must not be used at the root');
  if (isRecord(additionalProperties)) invariants(additionalProperties, 'field', additionalPath, report);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource']) {
    if (intOrString && schema[name] === true) {
      report.invalid(child(path, name), true, 'must be false if x-kubernetes-int-or-string is true');
    }
  }
  logic(schema, isIntOrString(schema.anyOf), isIntOrString(schemaList(schema, 'allOf')[0]?.anyOf), level, path, report);
  const typePath = child(path, 'type');
  if (embedded && type !== 'object') {
    const text = 'must be object if x-kubernetes-embedded-resource is true';
    if (type === '') report.required(typePath, text);
    else report.invalid(typePath, type, text);
  } else if (type === '' && !intOrString && !preserve) report.required(typePath, UNTYPED[level]);
  if (embedded && additionalProperties !== undefined) {
    report.forbidden(additionalPath, 'must not be used if x-kubernetes-embedded-resource is set');
  }
  if (level === 'root' && type !== '' && type !== 'object')
    report.invalid(typePath, type, 'must be object at the root');
  metadataInvariants(schema, level === 'root' || embedded, level, path, report);
  if (embedded && !preserve && schemaMembers(schema, 'properties').length === 0) {
    report.required(
      child(path, 'properties'),
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
    );
  }
}

function metadataInvariants(schema: RawSchema, isObject: boolean, level: Level, path: FieldPath, report: Report): void {
  const properties = new Map(schemaMembers(schema, 'properties'));
  for (const name of ['kind', 'apiVersion']) {
    const property = properties.get(name);
    if (!isObject || property === undefined || property.type === 'string') continue;
    report.invalid(child(at(child(path, 'properties'), name), 'type'), textOf(property, 'type'), 'must be string');
  }
  const metadata = properties.get('metadata');
  if (metadata === undefined) return;
  const here = at(child(path, 'properties'), 'metadata');
  if (isObject && metadata.type !== 'object')
    report.invalid(child(here, 'type'), textOf(metadata, 'type'), 'must be object');
  if (level !== 'root') return;
  const { type: _type, default: _default, description: _description, properties: inner, ...others } = metadata;
  const named = isRecord(inner) ? Object.keys(inner) : [];
  const onlyNames = named.every((name) => name === 'name' || name === 'generateName');
  if (onlyNames && Object.keys(others).length === 0) return;
  report.forbidden(
    here,
    'must not specify anything other than name and generateName, but metadata is implicitly specified',
  );
}

function isIntOrString(anyOf: unknown): boolean {
  return jsonEqual(anyOf, [{ type: 'integer' }, { type: 'string' }]);
}

/** `skipAnyOf`, `skipFirstAllOf`: the two ways of writing int-or-string, in which types may be named. */
function logic(
  schema: RawSchema,
  skipAnyOf: boolean,
  skipFirstAllOf: boolean,
  level: Level,
  path: FieldPath,
  report: Report,
): void {
  for (const keyword of ['anyOf', 'allOf', 'oneOf'] as const) {
    if (keyword === 'anyOf' && skipAnyOf) continue;
    for (const [index, inner] of schemaList(schema, keyword).entries()) {
      nested(
        inner,
        keyword === 'allOf' && index === 0 && skipFirstAllOf,
        level,
        at(child(path, keyword), index),
        report,
      );
    }
  }
  if (isRecord(schema.not)) nested(schema.not, false, level, child(path, 'not'), report);
  const pattern = textOf(schema, 'pattern');
  if (pattern === '') return;
  const regex = compileRegex(pattern);
  if ('error' in regex) {
    const text = `must be a valid regular expression, but isn't: error parsing regexp: ${regex.error}`;
    report.invalid(child(path, 'pattern'), pattern, text);
  }
}

/** What describes structure, and so may not stand below logic; with what upstream says of it. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  type: 'must be empty to be structural',
  additionalProperties: 'must be undefined to be structural',
  default: 'must be undefined to be structural',
  title: 'must be empty to be structural',
  description: 'must be empty to be structural',
  nullable: 'must be false to be structural',
  'x-kubernetes-preserve-unknown-fields': 'must be false to be structural',
  'x-kubernetes-embedded-resource': 'must be false to be structural',
  'x-kubernetes-int-or-string': 'must be false to be structural',
  'x-kubernetes-list-map-keys': 'must be empty to be structural',
  'x-kubernetes-list-type': 'must be undefined to be structural',
  'x-kubernetes-map-type': 'must be undefined to be structural',
  'x-kubernetes-validations': 'must be empty to be structural',
};

function nested(schema: RawSchema, skipAnyOf: boolean, level: Level, path: FieldPath, report: Report): void {
  logic(schema, skipAnyOf, false, level, path, report);
  if (isRecord(schema.items)) nested(schema.items, false, level, child(path, 'items'), report);
  for (const [name, inner] of schemaMembers(schema, 'properties')) {
    nested(inner, false, 'field', at(child(path, 'properties'), name), report);
  }
  for (const [keyword, text] of Object.entries(FORBIDDEN)) {
    const value = schema[keyword];
    if (value === undefined || value === false || value === '' || (Array.isArray(value) && value.length === 0))
      continue;
    report.forbidden(child(path, keyword), text);
  }
  if (schemaMembers(schema, 'properties').some(([name]) => name === 'metadata')) {
    report.forbidden(at(child(path, 'properties'), 'metadata'), 'must not be specified in a nested context');
  }
}

/** Every field that logic speaks about is also there outside of it. */
function completeness(schema: RawSchema, path: FieldPath, report: Report): void {
  completeLogic(schema, schema, path, path, report);
  if (isRecord(schema.items)) completeness(schema.items, child(path, 'items'), report);
  if (isRecord(schema.additionalProperties)) {
    completeness(schema.additionalProperties, child(path, 'additionalProperties'), report);
  }
  for (const [name, inner] of schemaMembers(schema, 'properties')) {
    completeness(inner, at(child(path, 'properties'), name), report);
  }
}

function completeLogic(
  logical: RawSchema,
  structure: RawSchema,
  structurePath: FieldPath,
  path: FieldPath,
  report: Report,
): void {
  if (isRecord(logical.not)) completeNested(logical.not, structure, structurePath, child(path, 'not'), report);
  for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [index, inner] of schemaList(logical, keyword).entries()) {
      completeNested(inner, structure, structurePath, at(child(path, keyword), index), report);
    }
  }
}

function completeNested(
  logical: RawSchema,
  structure: RawSchema | undefined,
  structurePath: FieldPath,
  path: FieldPath,
  report: Report,
): void {
  if (structure === undefined) {
    report.required(structurePath, `because it is defined in ${path}`);
    return;
  }
  completeLogic(logical, structure, structurePath, path, report);
  if (isRecord(logical.items)) {
    const items = isRecord(structure.items) ? structure.items : undefined;
    completeNested(logical.items, items, child(structurePath, 'items'), child(path, 'items'), report);
  }
  const properties = new Map(schemaMembers(structure, 'properties'));
  for (const [name, inner] of schemaMembers(logical, 'properties')) {
    const [there, here] = [at(child(structurePath, 'properties'), name), at(child(path, 'properties'), name)];
    completeNested(inner, properties.get(name), there, here, report);
  }
}
