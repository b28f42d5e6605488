// What the keywords of a custom resource's schema may say, each by itself: supported ones only, list and map types.
// Knows schemas as JSON. Upstream source: apiextensions/validation ValidateCustomResourceDefinitionOpenAPISchema.
import { isRecord } from '../../schema/schema.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';
import { type RawSchema, schemaList, schemaMembers } from './structural.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];
const METADATA = ['metadata', 'kind', 'apiVersion'];

interface Where {
  readonly isRoot: boolean;
  readonly inMetadata: boolean;
  /** Why there may be no default here. */
  readonly noDefault: string | undefined;
}

export function validateKeywords(schema: RawSchema, path: FieldPath, report: Report): void {
  walk(schema, path, { isRoot: true, inMetadata: false, noDefault: undefined }, report);
}

function walk(schema: RawSchema, path: FieldPath, where: Where, report: Report): void {
  standard(schema, path, where, report);
  if (schema.uniqueItems === true) {
    report.forbidden(
      child(path, 'uniqueItems'),
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    );
  }
  const inner = { ...where, isRoot: false };
  const { additionalProperties, items } = schema;
  if (additionalProperties !== undefined) {
    const here = child(path, 'additionalProperties');
    if (schemaMembers(schema, 'properties').length > 0 && additionalProperties !== true) {
      report.forbidden(here, 'additionalProperties and properties are mutual exclusive');
    }
    const noDefault = where.inMetadata ? 'inside additionalProperties applying to object metadata' : where.noDefault;
    if (isRecord(additionalProperties)) walk(additionalProperties, here, { ...inner, noDefault }, report);
  }
  for (const [name, property] of schemaMembers(schema, 'properties')) {
    const isMetadata = (where.isRoot || schema['x-kubernetes-embedded-resource'] === true) && METADATA.includes(name);
    const noDefault = isMetadata && where.isRoot ? `in top-level ${name}` : where.noDefault;
    const below = { isRoot: false, inMetadata: where.inMetadata || isMetadata, noDefault };
    walk(property, at(child(path, 'properties'), name), below, report);
  }
  if (isRecord(schema.not)) walk(schema.not, child(path, 'not'), inner, report);
  for (const keyword of ['allOf', 'oneOf', 'anyOf']) {
    for (const [index, each] of schemaList(schema, keyword).entries()) {
      walk(each, at(child(path, keyword), index), inner, report);
    }
  }
  if (isRecord(items)) walk(items, child(path, 'items'), inner, report);
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    report.invalid(child(path, 'x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined');
  }
  mergeTypes(schema, path, report);
}

function standard(schema: RawSchema, path: FieldPath, where: Where, report: Report): void {
  const { type } = schema;
  if (typeof type === 'string' && type !== '' && !TYPES.includes(type)) {
    report.notSupported(child(path, 'type'), type, TYPES);
  }
  if (schema.default !== undefined && where.noDefault !== undefined) {
    report.forbidden(child(path, 'default'), `must not be set ${where.noDefault}`);
  }
  for (const keyword of UNSUPPORTED) {
    if (schema[keyword] !== undefined && schema[keyword] !== '') {
      report.forbidden(child(path, keyword), `${keyword} is not supported`);
    }
  }
  if (type === 'null') {
    report.forbidden(child(path, 'type'), 'type cannot be set to null, use nullable as an alternative');
  }
  if (Array.isArray(schema.items)) {
    report.forbidden(child(path, 'items'), 'items must be a schema object and not an array');
  }
  if (where.inMetadata && schema['x-kubernetes-embedded-resource'] === true) {
    report.forbidden(child(path, 'x-kubernetes-embedded-resource'), 'must not be used inside of resource meta');
  }
}

const MAP_TYPE = 'x-kubernetes-map-type';
const LIST_TYPE = 'x-kubernetes-list-type';
const MAP_KEYS = 'x-kubernetes-list-map-keys';

function mergeTypes(schema: RawSchema, path: FieldPath, report: Report): void {
  const mapType = schema[MAP_TYPE];
  const listType = schema[LIST_TYPE];
  if (mapType !== undefined) {
    typeNeeded(schema, 'object', MAP_TYPE, path, report);
    if (mapType !== 'atomic' && mapType !== 'granular') {
      report.notSupported(child(path, MAP_TYPE), mapType, ['atomic', 'granular']);
    }
  }
  const items = isRecord(schema.items) ? schema.items : undefined;
  if (listType !== undefined) {
    if (schema.type !== 'array') typeNeeded(schema, 'array', LIST_TYPE, path, report);
    else if (listType === 'set' && items !== undefined) setItems(items, child(path, 'items'), report);
    if (!['atomic', 'set', 'map'].includes(String(listType))) {
      report.notSupported(child(path, LIST_TYPE), listType, ['atomic', 'set', 'map']);
    }
  }
  const keys = Array.isArray(schema[MAP_KEYS]) ? schema[MAP_KEYS].map(String) : [];
  if (keys.length > 0 && listType !== 'map') {
    const text = 'must be map if x-kubernetes-list-map-keys is non-empty';
    if (listType === undefined) report.required(child(path, LIST_TYPE), text);
    else report.invalid(child(path, LIST_TYPE), listType, text);
  }
  if (listType === 'map') mapItems(schema, items, keys, path, report);
  if ((listType === 'map' || listType === 'set') && items?.nullable === true) {
    report.forbidden(child(path, 'items', 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`);
  }
}

function typeNeeded(schema: RawSchema, wanted: string, keyword: string, path: FieldPath, report: Report): void {
  if (schema.type === wanted) return;
  const text = `must be ${wanted} if ${keyword} is specified`;
  if (schema.type === undefined || schema.type === '') report.required(child(path, 'type'), text);
  else report.invalid(child(path, 'type'), schema.type, text);
}

/** Items of a set are compared whole, so nobody may own a part of one. */
function setItems(items: RawSchema, path: FieldPath, report: Report): void {
  const text = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items[LIST_TYPE];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    report.invalid(child(path, LIST_TYPE), listType, text);
  }
  if (items.type === 'object' && items[MAP_TYPE] !== 'atomic')
    report.invalid(child(path, MAP_TYPE), items[MAP_TYPE], text);
}

function mapItems(
  schema: RawSchema,
  items: RawSchema | undefined,
  keys: readonly string[],
  path: FieldPath,
  report: Report,
): void {
  const keysPath = child(path, MAP_KEYS);
  if (keys.length === 0) report.required(keysPath, 'must not be empty if x-kubernetes-list-type is map');
  if (schema.items === undefined) {
    report.required(child(path, 'items'), 'must have a schema if x-kubernetes-list-type is map');
  }
  if (items === undefined) return;
  const itemsPath = child(path, 'items');
  if (items.type !== 'object') {
    report.invalid(
      child(itemsPath, 'type'),
      items.type ?? '',
      "must be object if parent array's x-kubernetes-list-type is map",
    );
    return;
  }
  const properties = new Map(schemaMembers(items, 'properties'));
  const required = new Set(Array.isArray(items.required) ? items.required : []);
  for (const [index, key] of keys.entries()) {
    const property = properties.get(key);
    const here = at(child(itemsPath, 'properties'), key);
    if (property === undefined) report.invalid(keysPath, keys, 'entries must all be names of item properties');
    else if (property.type === 'array' || property.type === 'object') {
      const text = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      report.invalid(child(here, 'type'), property.type, text);
    }
    if (keys.indexOf(key) < index) report.invalid(keysPath, keys, 'must not contain duplicate entries');
    if (property === undefined) continue;
    const note = 'this property is in x-kubernetes-list-map-keys, so it';
    if (!required.has(key) && property.default === undefined) {
      report.required(child(here, 'default'), `${note} must have a default or be a required property`);
    }
    if (property.nullable === true) report.forbidden(child(here, 'nullable'), `${note} cannot be nullable`);
  }
}
