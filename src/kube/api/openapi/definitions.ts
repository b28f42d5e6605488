// Prints schemas as OpenAPI definitions, with Kubernetes' vendor extensions and our own descriptions.
// Knows schemas; which kinds and paths a document has is decided by v2.ts and v3.ts.
import { definition, type Schema } from '../schema/index.ts';
import { describe } from '../schema/words/index.ts';
import { publicName, type RefPrefix } from './names.ts';
import { scalarDefinitions } from './scalars.ts';

type Json = Record<string, unknown>;

/** Group, version and kind as the extension `x-kubernetes-group-version-kind` writes them. */
export interface KindName {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const KINDS = 'x-kubernetes-group-version-kind';

/** Collects the definitions that a document needs: ask for what it names, take all that those refer to. */
export class DefinitionSet {
  readonly #prefix: RefPrefix;
  readonly #made = new Map<string, Json>();

  constructor(prefix: RefPrefix) {
    this.#prefix = prefix;
  }

  /** Reference to a built-in definition, e.g. of `core.v1.Pod`. */
  ref(short: string): Json {
    const name = publicName(short);
    if (!this.#made.has(name)) {
      // Held before it is filled: definitions refer to themselves.
      const made: Json = {};
      this.#made.set(name, made);
      const schema = definition(short);
      if (schema === undefined) throw new Error(`No definition ${short} in the generated structure`);
      Object.assign(made, this.#object(short, schema));
    }
    return { $ref: `${this.#prefix}${name}` };
  }

  /** Adds a definition that is not built in, or a list. */
  add(name: string, body: Json): Json {
    this.#made.set(name, body);
    return { $ref: `${this.#prefix}${name}` };
  }

  /** Marks a definition as the shape of these kinds, and of those that it was marked with before. */
  setKinds(short: string, kinds: readonly KindName[]): void {
    this.ref(short);
    const made = this.#made.get(publicName(short));
    if (made === undefined) return;
    const had = (made[KINDS] ?? []) as readonly KindName[];
    const isNew = (kind: KindName): boolean => !had.some((one) => JSON.stringify(one) === JSON.stringify(kind));
    made[KINDS] = [...had, ...kinds.filter(isNew)];
  }

  /** All definitions, sorted by name. */
  all(): Json {
    return Object.fromEntries([...this.#made].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #object(short: string, schema: Schema): Json {
    const properties = Object.entries(schema.properties ?? {}).map(([name, field]) => {
      const about = describe(short, name);
      return [name, this.#field(field, about)];
    });
    return {
      ...described(describe(short)),
      type: 'object',
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(schema.required === undefined ? {} : { required: schema.required }),
      ...mapExtension(schema),
    };
  }

  /** A reference takes no siblings in OpenAPI, so v3 wraps it; v2's readers expect it bare and look beside it. */
  #field(schema: Schema, about: string | undefined): Json {
    const target = this.#target(schema);
    const extensions = fieldExtensions(schema);
    if (target === undefined) return { ...described(about), ...this.#inline(schema), ...extensions };
    if (about === undefined && Object.keys(extensions).length === 0) return target;
    const wrapped = this.#prefix === '#/definitions/' ? target : { allOf: [target] };
    return { ...described(about), ...wrapped, ...extensions };
  }

  #target(schema: Schema): Json | undefined {
    if (schema.ref !== undefined) return this.ref(schema.ref);
    const scalar = schema.format === undefined ? undefined : scalarDefinitions[schema.format];
    if (scalar === undefined) return undefined;
    const body = this.#prefix === '#/definitions/' ? scalar.v2 : scalar.v3;
    return this.#made.has(scalar.name) ? { $ref: `${this.#prefix}${scalar.name}` } : this.add(scalar.name, { ...body });
  }

  #inline(schema: Schema): Json {
    if (schema.type === 'any') return {};
    return {
      type: schema.type,
      ...(schema.format === undefined ? {} : { format: schema.format }),
      ...(schema.enum === undefined ? {} : { enum: schema.enum }),
      ...(schema.default === undefined ? {} : { default: schema.default }),
      ...(schema.items === undefined ? {} : { items: this.#field(schema.items, undefined) }),
      ...(schema.additionalProperties === undefined
        ? {}
        : { additionalProperties: this.#field(schema.additionalProperties, undefined) }),
    };
  }
}

function described(about: string | undefined): Json {
  return about === undefined ? {} : { description: about };
}

function mapExtension(schema: Schema): Json {
  return schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType };
}

function fieldExtensions(schema: Schema): Json {
  return {
    ...(schema.listType === undefined ? {} : { 'x-kubernetes-list-type': schema.listType }),
    ...(schema.listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': schema.listMapKeys }),
    ...(schema.ref === undefined ? mapExtension(schema) : {}),
    ...(schema.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': schema.patchStrategy.join(',') }),
    ...(schema.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': schema.patchMergeKey }),
  };
}
