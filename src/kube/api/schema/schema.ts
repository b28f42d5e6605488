// What a field of the API may hold: the structural schema that every reader of objects shares.
// Knows no kind and reads no file; built-in kinds come from builtin.ts, custom ones from custom.ts.

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'any';

/**
 * How the value is read beyond its type.
 * `quantity`, `int-or-string`, `date-time` and `micro-time` are what Go's types read from text;
 * `json` and `raw` hold anything, `fields` is a managedFields set, `schema-or-*` belong to CustomResourceDefinition.
 */
export type SchemaFormat =
  | 'int32'
  | 'int64'
  | 'double'
  | 'byte'
  | 'date-time'
  | 'micro-time'
  | 'quantity'
  | 'int-or-string'
  | 'json'
  | 'raw'
  | 'fields'
  | 'schema-or-array'
  | 'schema-or-bool'
  | 'schema-or-strings';

export type PatchStrategy = 'merge' | 'replace' | 'retainKeys';

/** What the API says of a field beyond its type: how lists and maps merge, and what is assumed when it is absent. */
export interface FieldFacts {
  /** Server-side apply: `atomic` lists have one owner, `set` and `map` lists are merged by value or by key. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** Server-side apply: `atomic` objects and maps are owned as one. */
  readonly mapType?: 'atomic' | 'granular';
  /** Strategic merge patch; absent means replace for lists and merge for objects. */
  readonly patchStrategy?: readonly PatchStrategy[];
  readonly patchMergeKey?: string;
  readonly enum?: readonly string[];
  /** Assumed for a list-map key that an applied item leaves out. */
  readonly default?: string | number | boolean;
}

/** Frozen. `properties`, `required`, `items` and `additionalProperties` may be lazy getters: schemas can refer to themselves. */
export interface Schema extends FieldFacts {
  readonly type: SchemaType;
  readonly format?: SchemaFormat;
  /** Definition this schema stands for, e.g. `core.v1.Container`. */
  readonly ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  /** Values of a map with free keys. */
  readonly additionalProperties?: Schema;
  /** Fields that are not named here are kept, and are no mistake. */
  readonly preserveUnknownFields?: boolean;
  /** Explicit null is a value of its own (custom resources); elsewhere null means absent. */
  readonly nullable?: boolean;
  /** Of a custom resource: never decoded into structs, so that its values are checked elsewhere. */
  readonly custom?: true;
  /** An object with apiVersion, kind and metadata of its own. */
  readonly embeddedResource?: boolean;
}

/** True for an object that is not an array, the only thing a schema of type `object` takes. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
