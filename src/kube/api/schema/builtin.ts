// Schemas of the built-in kinds, made on first use from the generated structure and facts.
// Knows no object and no request; a schema is data that others walk.
import { readFileSync } from 'node:fs';
import type { FieldFacts, Schema } from './schema.ts';

/** Definition -> field (`name!` when required) -> type text; written by tools/schema/generate.ts. */
type Structure = Readonly<Record<string, Readonly<Record<string, string>>>>;

const scalars: Readonly<Record<string, Pick<Schema, 'type' | 'format' | 'preserveUnknownFields'>>> = {
  string: { type: 'string' },
  byte: { type: 'string', format: 'byte' },
  time: { type: 'string', format: 'date-time' },
  microTime: { type: 'string', format: 'micro-time' },
  quantity: { type: 'string', format: 'quantity' },
  intOrString: { type: 'any', format: 'int-or-string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  object: { type: 'object' },
  json: { type: 'any', format: 'json' },
  rawExtension: { type: 'object', format: 'raw', preserveUnknownFields: true },
  fieldsV1: { type: 'object', format: 'fields', preserveUnknownFields: true },
  schemaOrArray: { type: 'any', format: 'schema-or-array' },
  schemaOrBool: { type: 'any', format: 'schema-or-bool' },
  schemaOrStringArray: { type: 'any', format: 'schema-or-strings' },
};

/** What is said of a field beyond its type by `definition.field`, and of a type by `definition`; from the same script. */
type FactTable = Readonly<Record<string, FieldFacts>>;

let structure: Structure | undefined;
let facts: FactTable | undefined;
const definitions = new Map<string, Schema>();

function loadStructure(): Structure {
  structure ??= generated('structure') as Structure;
  return structure;
}

function generated(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`./gen/${name}.json`, import.meta.url), 'utf8'));
}

/** Facts of `definition.field`, or of a whole definition. */
function factsOf(key: string): FieldFacts {
  facts ??= generated('facts') as FactTable;
  return facts[key] ?? {};
}

/** Short names of all definitions, sorted, e.g. `core.v1.Container`. */
export function definitionNames(): string[] {
  return Object.keys(loadStructure());
}

/** The definition of that short name; undefined when there is none. */
export function definition(name: string): Schema | undefined {
  const known = definitions.get(name);
  if (known !== undefined) return known;
  const row = loadStructure()[name];
  if (row === undefined) return undefined;
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const [key, type] of Object.entries(row)) {
    const field = key.endsWith('!') ? key.slice(0, -1) : key;
    if (field !== key) required.push(field);
    properties[field] = fieldSchema(type, factsOf(`${name}.${field}`));
  }
  const made: Schema = Object.freeze({
    type: 'object',
    ref: name,
    properties: Object.freeze(properties),
    ...(required.length === 0 ? {} : { required: Object.freeze(required) }),
    ...factsOf(name),
  });
  definitions.set(name, made);
  return made;
}

/** `text` is a type of the generated structure; facts of the field win over those of the type. */
function fieldSchema(text: string, own: FieldFacts): Schema {
  if (text.startsWith('[]')) return Object.freeze({ type: 'array', items: fieldSchema(text.slice(2), {}), ...own });
  if (text.startsWith('{}')) {
    return Object.freeze({ type: 'object', additionalProperties: fieldSchema(text.slice(2), {}), ...own });
  }
  const scalar = scalars[text];
  if (scalar !== undefined) return Object.freeze({ ...scalar, ...own });
  return Object.freeze({
    type: 'object',
    ref: text,
    get properties() {
      return definition(text)?.properties;
    },
    get required() {
      return definition(text)?.required;
    },
    ...factsOf(text),
    ...own,
  });
}

/** Folder of the Go package that holds a group's types. */
const groupPackages: Readonly<Record<string, string>> = {
  '': 'core',
  'rbac.authorization.k8s.io': 'rbac',
  'apiextensions.k8s.io': 'apiextensions',
};

/** Kinds that any group version serves as `v1`'s own: options and answers of the protocol. */
const metaKinds: ReadonlySet<string> = new Set(['DeleteOptions', 'Status']);

/** Short definition name of a kind, whether or not it exists: `apps/v1` Deployment is `apps.v1.Deployment`. */
export function definitionNameOf(apiVersion: string, kind: string): string {
  if (metaKinds.has(kind)) return `meta.v1.${kind}`;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  // The beta of service ranges has the fields of its successor, and nothing else.
  if (apiVersion === 'networking.k8s.io/v1beta1') return `networking.v1.${kind}`;
  const name = groupPackages[group] ?? group.split('.')[0];
  return `${name}.${apiVersion.slice(slash + 1)}.${kind}`;
}

/** Structural schema of a built-in kind; undefined for kinds that are not built in. Frozen and shared. */
export function schemaFor(apiVersion: string, kind: string): Schema | undefined {
  const found = definition(definitionNameOf(apiVersion, kind));
  return found?.properties?.apiVersion === undefined ? undefined : found;
}
