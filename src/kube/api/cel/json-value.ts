// JSON as values of CEL, by its type: a field becomes a value when an expression asks for it.
// Knows types; objects of a type that is not known are maps.
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from './library/convert.ts';
import { escapeField } from './schema-type.ts';
import { DYN, isDyn, type ObjectType, type Type } from './types.ts';
import {
  CelError,
  Duration,
  Fields,
  isList,
  keysOf,
  lookup,
  Optional,
  Timestamp,
  Uint,
  type Value,
  withMeaning,
} from './values.ts';

type Json = Readonly<Record<string, unknown>>;

class JsonFields extends Fields {
  readonly isMap: boolean;
  readonly #json: Json;
  readonly #type: Type;
  readonly #known = new Map<string, Value>();

  constructor(json: Json, type: Type) {
    super();
    this.#json = json;
    this.#type = type;
    this.isMap = type.kind !== 'object';
  }

  get(name: string): Value | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const [field, type] = this.#fieldOf(name);
    if (field === undefined || !Object.hasOwn(this.#json, field)) return undefined;
    const json = this.#json[field];
    if (json === undefined || (json === null && this.#type.kind === 'object')) return undefined;
    const value = celValue(json, type);
    this.#known.set(name, value);
    return value;
  }

  #fieldOf(name: string): [string | undefined, Type] {
    if (this.#type.kind === 'object') {
      const field = this.#type.fields.get(name);
      return [field?.name, field?.type ?? DYN];
    }
    return [name, this.#type.kind === 'map' ? this.#type.value : DYN];
  }

  keys(): readonly string[] {
    const names = Object.keys(this.#json).filter((name) => this.#json[name] !== undefined);
    if (this.#type.kind !== 'object') return names;
    const { fields } = this.#type as ObjectType;
    return names.flatMap((name) => {
      const escaped = escapeField(name);
      return escaped !== undefined && fields.has(escaped) ? [escaped] : [];
    });
  }
}

/** `json` as a value of `type`; what is not of its type becomes what it is. */
export function celValue(json: unknown, type: Type): Value {
  if (json === null || json === undefined) return null;
  switch (typeof json) {
    case 'boolean':
      return json;
    case 'number':
      return numberValue(json, type);
    case 'string':
      return type.kind === 'scalar' ? textValue(json, type.name) : json;
    default:
      return Array.isArray(json) ? listValue(json, type) : new JsonFields(json as Json, type);
  }
}

function numberValue(json: number, type: Type): Value {
  const isDouble = type.kind === 'scalar' && type.name === 'double';
  return !isDouble && Number.isInteger(json) ? BigInt(json) : json;
}

function textValue(json: string, name: string): Value {
  try {
    if (name === 'google.protobuf.Duration') return parseDuration(json);
    if (name === 'google.protobuf.Timestamp')
      return parseTimestamp(/^\d{4}-\d{2}-\d{2}$/.test(json) ? `${json}T00:00:00Z` : json);
  } catch (error) {
    // The text is of its format but not of CEL's: then the expression sees the text.
    if (error instanceof CelError) return json;
    throw error;
  }
  return name === 'bytes' ? new Uint8Array(Buffer.from(json, 'base64')) : json;
}

function listValue(json: readonly unknown[], type: Type): Value {
  const item = type.kind === 'list' ? type.item : DYN;
  const list = json.map((each) => celValue(each, item));
  return withMeaning(list, type.kind === 'list' && !isDyn(type) ? type.meaning : undefined);
}

/** A value as JSON. Throws `CelError` for what has no form there. */
export function jsonOf(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(jsonOf);
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Optional) return value.value === undefined ? null : jsonOf(value.value);
  const keys = keysOf(value);
  if (keys === undefined) throw new CelError('no such conversion to JSON');
  const object: Record<string, unknown> = {};
  for (const key of keys) {
    if (typeof key !== 'string') throw new CelError(`map key ${JSON.stringify(String(key))} is not a string`);
    Object.defineProperty(object, key, {
      value: jsonOf(lookup(value, key) ?? null),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return object;
}
