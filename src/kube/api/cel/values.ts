// Values of CEL, and the questions that all of them answer: their type's name, equality, order, size.
// Knows no expression; JSON becomes values in json-value.ts.

/** What a value of a library is: compared and named by itself. */
export abstract class Opaque {
  abstract readonly typeName: string;
  abstract equals(other: Value): boolean;
  /** What it shows under a name, if it shows anything. */
  field(_name: string): Value | undefined {
    return undefined;
  }
  /** As `size()` in cost: 1 unless it stands for a text. */
  get costSize(): number {
    return 1;
  }
}

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since 1970, UTC. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** `undefined` inside means none. */
export class Optional {
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/** Something with fields or free keys that is not a literal of an expression: JSON, read when it is asked for. */
export abstract class Fields {
  abstract get(name: string): Value | undefined;
  abstract keys(): readonly string[];
  /** Where it has a type of a name of its own. */
  readonly typeName?: string;
  /** Whether it is shown as a map, whose keys can be iterated, or as an object with fields. */
  abstract readonly isMap: boolean;
}

export type MapKey = string | bigint | boolean;
export type List = readonly Value[];
export type Value =
  | bigint
  | number
  | boolean
  | string
  | null
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | TypeValue
  | Optional
  | Opaque
  | Fields
  | ReadonlyMap<MapKey, Value>
  | List;

/** An evaluation that came to no value, in cel-go's words. */
export class CelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelError';
  }
}

export const isList = (value: Value): value is List => Array.isArray(value);

export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return objectTypeName(value);
  }
}

function objectTypeName(value: Exclude<Value, bigint | number | boolean | string>): string {
  if (value === null) return 'null_type';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof TypeValue) return 'type';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof Opaque) return value.typeName;
  if (value instanceof Fields) return value.typeName ?? (value.isMap ? 'map' : 'object');
  return Array.isArray(value) ? 'list' : 'map';
}

/** How a list of the API compares: in order, as a set, or by the keys of its items. */
export interface ListMeaning {
  readonly type: 'set' | 'map';
  readonly keys: readonly string[];
}
const meanings = new WeakMap<List, ListMeaning>();
export const withMeaning = (list: List, meaning: ListMeaning | undefined): List => {
  if (meaning !== undefined) meanings.set(list, meaning);
  return list;
};
export const meaningOf = (list: List): ListMeaning | undefined => meanings.get(list);

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  const [x, y] = [numberOf(a), numberOf(b)];
  // biome-ignore lint/suspicious/noDoubleEquals: an int and a double of the same value are equal in CEL
  if (x !== undefined && y !== undefined) return x == y;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isList(a)) return isList(b) && listsEqual(a, b);
  if (a instanceof Opaque) return a.equals(b);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Optional) {
    if (!(b instanceof Optional)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equal(a.value, b.value);
  }
  return mapsEqual(a, b);
}

function numberOf(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof Uint ? value.value : undefined;
}

function listsEqual(a: List, b: List): boolean {
  if (a.length !== b.length) return false;
  const meaning = meaningOf(a) ?? meaningOf(b);
  if (meaning === undefined) return a.every((item, index) => equal(item, b[index] as Value));
  return a.every((item) => b.some((other) => equal(item, other)));
}

function mapsEqual(a: Value, b: Value): boolean {
  const [keys, others] = [keysOf(a), keysOf(b)];
  if (keys === undefined || others === undefined || keys.length !== others.length) return false;
  return keys.every((key) => {
    const [mine, theirs] = [lookup(a, key), lookup(b, key)];
    return mine !== undefined && theirs !== undefined && equal(mine, theirs);
  });
}

/** Keys of a map, or names of the fields that an object has; undefined for anything else. */
export function keysOf(value: Value): readonly MapKey[] | undefined {
  if (value instanceof Fields) return value.keys();
  return value instanceof Map ? [...value.keys()] : undefined;
}

/** What a map or an object holds under a key; undefined when it is not there. */
export function lookup(value: Value, key: Value): Value | undefined {
  if (value instanceof Fields) return typeof key === 'string' ? value.get(key) : undefined;
  if (!(value instanceof Map)) return undefined;
  const plain = key instanceof Uint ? key.value : typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key;
  return value.get(plain as MapKey);
}

/** Negative, zero or positive; undefined when the two have no order. */
export function compare(a: Value, b: Value): number | undefined {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return order(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return order(a.nanos, b.nanos);
  if (a instanceof Duration && b instanceof Duration) return order(a.nanos, b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return undefined;
}

function order<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Size as cost counts it: characters, items, entries; 1 for what has none. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string' || isList(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Opaque) return value.costSize;
  if (value instanceof Fields) return value.keys().length;
  return value instanceof Map ? value.size : 1;
}
