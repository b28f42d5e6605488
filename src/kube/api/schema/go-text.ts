// How Kubernetes' decoder words a value that does not fit, and how its types read text.
// Knows schemas and single values; walking an object is validate.ts.
import { parseQuantity } from '../quantity.ts';
import { goContextOf, type Place } from './place.ts';
import { isRecord, type Schema } from './schema.ts';

/** What the decoder calls a JSON value in its messages. */
export function jsonName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

/** Name of the Go type behind a schema, as the decoder prints it. */
export function goType(schema: Schema): string {
  if (schema.ref !== undefined) {
    const [, version = 'v1', kind = ''] = schema.ref.split('.');
    return `${version}.${kind}`;
  }
  switch (schema.type) {
    case 'array':
      return `[]${schema.items === undefined ? 'interface {}' : goType(schema.items)}`;
    case 'object':
      return objectType(schema);
    case 'string':
      return schema.format === 'byte' ? '[]uint8' : 'string';
    case 'integer':
      return schema.format ?? 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    default:
      return 'interface {}';
  }
}

function objectType(schema: Schema): string {
  const values = schema.additionalProperties;
  if (values === undefined) return schema.properties === undefined ? 'map[string]interface {}' : 'struct';
  return values.format === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(values)}`;
}

/** Where the decoder stands: the struct whose field is read, and the path of field names without indices. */
export interface GoContext {
  readonly struct: string;
  readonly path: string;
}

function mismatch(what: string, schema: Schema, place: Place | undefined): string {
  const { struct, path } = goContextOf(place);
  const target = path === '' ? 'value' : `struct field ${struct}.${path}`;
  return `json: cannot unmarshal ${what} into Go ${target} of type ${goType(schema)}`;
}

/** Why `value` (not null) is no value of this scalar or container type; undefined when it is one. */
export function typeMistake(schema: Schema, value: unknown, place: Place | undefined): string | undefined {
  if (schema.format !== undefined) {
    const check = formats[schema.format];
    if (check !== undefined) return check(value, schema, place);
  }
  if (schema.type === 'any' || matches(schema, value)) return undefined;
  return mismatch(jsonName(value), schema, place);
}

function matches(schema: Schema, value: unknown): boolean {
  if (schema.type === 'object') return isRecord(value);
  if (schema.type === 'array') return Array.isArray(value);
  if (schema.type === 'integer') return Number.isInteger(value);
  return typeof value === schema.type;
}

type FormatCheck = (value: unknown, schema: Schema, place: Place | undefined) => string | undefined;

const formats: Readonly<Record<string, FormatCheck>> = {
  int32: (value, schema, place) => integerMistake(value, 2 ** 31, schema, place),
  int64: (value, schema, place) => integerMistake(value, 2 ** 63, schema, place),
  byte: (value, schema, place) =>
    typeof value === 'string' ? base64Mistake(value) : mismatch(jsonName(value), schema, place),
  'date-time': timeMistake,
  'micro-time': timeMistake,
  quantity: quantityMistake,
  'int-or-string': intOrStringMistake,
};

function integerMistake(value: unknown, limit: number, schema: Schema, place: Place | undefined): string | undefined {
  if (typeof value !== 'number') return mismatch(jsonName(value), schema, place);
  if (Number.isInteger(value) && value >= -limit && value < limit) return undefined;
  return mismatch(`number ${value}`, schema, place);
}

function intOrStringMistake(value: unknown): string | undefined {
  if (typeof value === 'string') return undefined;
  if (typeof value !== 'number') return `json: cannot unmarshal ${jsonName(value)} into Go value of type int32`;
  if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) return undefined;
  return `json: cannot unmarshal number ${value} into Go value of type int32`;
}

function quantityMistake(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  try {
    parseQuantity(typeof text === 'string' ? text.trim() : JSON.stringify(text));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Where padded standard base64 goes wrong, counted as Go counts; line breaks are ignored. */
function base64Mistake(text: string): string | undefined {
  const clean = text.replace(/[\r\n]/g, '');
  const body = /^[A-Za-z0-9+/]*/.exec(clean)?.[0].length ?? 0;
  const illegal = illegalByte(clean.slice(body), body);
  return illegal === undefined ? undefined : `illegal base64 data at input byte ${illegal}`;
}

/** `rest` is what follows `body` characters of the alphabet. */
function illegalByte(rest: string, body: number): number | undefined {
  const used = body % 4;
  if (rest === '') return used === 0 ? undefined : body - used;
  if (rest[0] !== '=' || used < 2) return body;
  if (used === 2 && rest[1] !== '=') return body + 1;
  const padding = 4 - used;
  return rest.length > padding ? body + padding : undefined;
}

/** Elements of RFC 3339 in Go's layout notation, each with the text it takes. */
const layout: readonly (readonly [element: string, pattern: RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^(0[1-9]|1[0-2])/],
  ['-', /^-/],
  ['02', /^(0[1-9]|[12]\d|3[01])/],
  ['T', /^T/],
  ['15', /^([01]\d|2[0-3])/],
  [':', /^:/],
  ['04', /^[0-5]\d/],
  [':', /^:/],
  ['05', /^[0-5]\d([.,]\d+)?/],
  ['Z07:00', /^(Z|[+-]([01]\d|2[0-4]):[0-5]\d)/],
];

/** What nearly all times look like; days that not every month has are left to the long way. */
const PLAIN_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$/;

function timeMistake(value: unknown, schema: Schema): string | undefined {
  if (typeof value === 'string' && PLAIN_TIME.test(value)) return undefined;
  if (typeof value !== 'string') return `json: cannot unmarshal ${jsonName(value)} into Go value of type string`;
  const wanted = schema.format === 'micro-time' ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00';
  const start = `parsing time ${JSON.stringify(value)} as ${JSON.stringify(wanted)}:`;
  let rest = value;
  for (const [element, pattern] of layout) {
    const taken = pattern.exec(rest);
    if (taken === null) return `${start} cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`;
    rest = rest.slice(taken[0].length);
  }
  if (rest !== '') return `parsing time ${JSON.stringify(value)}: extra text: ${JSON.stringify(rest)}`;
  const date = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(value.slice(8, 10))) {
    return `parsing time ${JSON.stringify(value)}: day out of range`;
  }
  return undefined;
}
