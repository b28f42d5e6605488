// Types of CEL: what an expression may come to, known before it runs.
// Knows how types are written, and which fits which; which a schema has is schema-type.ts.

/** What the API says of the size of a value: the most characters, items or entries; without end when it says nothing. */
interface Sized {
  readonly max?: number;
}
export interface Field {
  /** Name in JSON; in expressions it may be escaped. */
  readonly name: string;
  readonly type: Type;
}
export type Scalar =
  | 'dyn'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null_type'
  | 'google.protobuf.Timestamp'
  | 'google.protobuf.Duration'
  | 'type';
export interface ListType extends Sized {
  readonly kind: 'list';
  readonly item: Type;
  readonly meaning?: { readonly type: 'set' | 'map'; readonly keys: readonly string[] };
}
export interface MapType extends Sized {
  readonly kind: 'map';
  readonly key: Type;
  readonly value: Type;
}
export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  /** By the name that expressions use. */
  readonly fields: ReadonlyMap<string, Field>;
}
export type Type =
  | ({ readonly kind: 'scalar'; readonly name: Scalar } & Sized)
  | ListType
  | MapType
  | ObjectType
  | { readonly kind: 'opaque'; readonly name: string; readonly fields?: ReadonlyMap<string, Type> }
  | { readonly kind: 'optional'; readonly item: Type }
  /** Stands for any one type in a signature. */
  | { readonly kind: 'param'; readonly name: string };

const scalar = (name: Scalar, max?: number): Type => ({ kind: 'scalar', name, ...(max === undefined ? {} : { max }) });
export const DYN = scalar('dyn');
export const BOOL = scalar('bool');
export const INT = scalar('int');
export const UINT = scalar('uint');
export const DOUBLE = scalar('double');
export const STRING = scalar('string');
export const BYTES = scalar('bytes');
export const NULL = scalar('null_type');
export const TIMESTAMP = scalar('google.protobuf.Timestamp');
export const DURATION = scalar('google.protobuf.Duration');
export const TYPE = scalar('type');
export const listOf = (item: Type, max?: number): ListType => ({
  kind: 'list',
  item,
  ...(max === undefined ? {} : { max }),
});
export const mapOf = (key: Type, value: Type, max?: number): MapType => ({
  kind: 'map',
  key,
  value,
  ...(max === undefined ? {} : { max }),
});
export const optionalOf = (item: Type): Type => ({ kind: 'optional', item });
export const sized = (name: 'string' | 'bytes' | 'dyn', max: number): Type => scalar(name, max);

export function formatType(type: Type): string {
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.item)})`;
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`;
    case 'optional':
      return `optional_type(${formatType(type.item)})`;
    default:
      return type.name === 'null_type' ? 'null' : type.name;
  }
}

export const isDyn = (type: Type): boolean => type.kind === 'scalar' && type.name === 'dyn';

/** What the parameters of a signature turned out to stand for. */
export type Bindings = Map<string, Type>;

/** Whether a value of `actual` may stand where `wanted` is asked for. Parameters are bound on the way. */
export function fits(wanted: Type, actual: Type, bindings: Bindings): boolean {
  if (wanted.kind === 'param') {
    const bound = bindings.get(wanted.name);
    if (bound === undefined || isDyn(bound) || isNull(bound)) {
      bindings.set(wanted.name, bound !== undefined && isNull(actual) ? bound : actual);
      return true;
    }
    return isDyn(actual) || isNull(actual) || fits(bound, actual, bindings);
  }
  if (isDyn(wanted) || isDyn(actual)) return true;
  if (wanted.kind === 'list') return actual.kind === 'list' && fits(wanted.item, actual.item, bindings);
  if (wanted.kind === 'map') {
    // An object of unknown fields is a map to whoever looks at it.
    return (
      actual.kind === 'map' && fits(wanted.key, actual.key, bindings) && fits(wanted.value, actual.value, bindings)
    );
  }
  if (wanted.kind === 'optional') return actual.kind === 'optional' && fits(wanted.item, actual.item, bindings);
  if (actual.kind === 'list' || actual.kind === 'map' || actual.kind === 'optional') return false;
  return wanted.kind === actual.kind && wanted.name === actual.name;
}

/** Nulls are let through: which fields may be null is the schema's matter. */
function isNull(type: Type): boolean {
  return type.kind === 'scalar' && type.name === 'null_type';
}

export function substitute(type: Type, bindings: Bindings): Type {
  switch (type.kind) {
    case 'param':
      return bindings.get(type.name) ?? DYN;
    case 'list':
      return { ...type, item: substitute(type.item, bindings) };
    case 'map':
      return { ...type, key: substitute(type.key, bindings), value: substitute(type.value, bindings) };
    case 'optional':
      return { ...type, item: substitute(type.item, bindings) };
    default:
      return type;
  }
}

/** The type of what may be either. */
export function join(a: Type, b: Type): Type {
  if (a === b) return a;
  if (isNull(a)) return b;
  if (isNull(b)) return a;
  return formatType(a) === formatType(b) ? larger(a, b) : DYN;
}

function larger(a: Type, b: Type): Type {
  const [x, y] = [maxOf(a), maxOf(b)];
  return x >= y ? a : b;
}

export function maxOf(type: Type): number {
  return 'max' in type && type.max !== undefined ? type.max : Number.POSITIVE_INFINITY;
}
