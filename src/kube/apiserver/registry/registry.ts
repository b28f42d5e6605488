// Every resource that is served, built-in or defined by a CustomResourceDefinition, with its storage and its rules.
// Knows definitions and strategies; nothing of requests.
import type { CustomKind } from '#kube/api/openapi/index.ts';
import { apiVersionOf, builtinResources, type ResourceDefinition } from '#kube/api/resources.ts';
import { type Schema, schemaFor } from '#kube/api/schema/index.ts';
import type { StatusCause } from '#kube/api/status.ts';
import type { TableOptions } from '#kube/api/table/index.ts';
import type { Store } from '#kube/store/store.ts';
import type { Logger } from '#lib/log.ts';
import { strategyFor } from '../strategies/index.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { type AnyObject, mutableCopy } from './any-object.ts';
import { Collection } from './collection.ts';
import { type Conversion, conversionFor } from './conversion.ts';

/** What a request needs to know of its resource. */
export interface Resource {
  readonly definition: ResourceDefinition;
  readonly collection: Collection;
  readonly strategy: Strategy;
  readonly conversion: Conversion | undefined;
  /** Of a custom resource only. */
  readonly custom: CustomResource | undefined;
  /** Whether its objects have a form in protocol buffers. */
  readonly inProtobuf: boolean;
  schema(): Schema | undefined;
  /**
   * Makes ready what `view` shows of these objects; undefined when nothing is to be waited for. Rejects where a webhook
   * that converts cannot be asked.
   */
  prepare(objects: readonly AnyObject[]): Promise<void> | undefined;
  /** The stored object as this resource's version shows it. */
  view(object: AnyObject): AnyObject;
}

/** What a CustomResourceDefinition says of one of its versions beyond names. */
export interface CustomResource {
  readonly conversion: Conversion;
  readonly schema: Schema | undefined;
  readonly openApiSchema: CustomKind['openApiSchema'];
  readonly printer: NonNullable<TableOptions['printer']>;
  readonly scale: ScalePaths | undefined;
  /** Its definition is going: nothing new is created. */
  readonly terminating: boolean;
  /** Fills in the defaults of the schema. */
  applyDefaults(object: AnyObject): void;
  /** What the schema does not allow; what `previous` has already, unchanged, stays allowed. */
  validate(
    next: AnyObject,
    previous: AnyObject | undefined,
  ): { readonly causes: readonly StatusCause[]; readonly warnings: readonly string[] };
}

/** Where a custom resource keeps what its Scale shows. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  readonly selector: readonly string[] | undefined;
}

/** Resources that are computed when they are asked for, and never stored. */
export interface Answered {
  /** For discovery, as of now. */
  definitions(): readonly ResourceDefinition[];
  /** Those that are not listed may be found, too. */
  find(group: string, version: string, resource: string): ResourceDefinition | undefined;
}

/** An object of one version as another version of the same resource shows it; a copy. Rejects where a conversion fails. */
export async function convertBetween(from: Resource, to: Resource, object: AnyObject): Promise<AnyObject> {
  if (from === to) return object;
  const stored = { ...(from.custom === undefined ? (from.conversion?.toStorage(object) ?? object) : object) };
  await to.prepare([stored]);
  return mutableCopy(to.view(stored));
}

/** An object as it is to be stored. Rejects where a conversion fails. */
export function storedForm({ conversion }: Resource, object: AnyObject): AnyObject | Promise<AnyObject> {
  const { asked } = conversion ?? {};
  if (conversion === undefined) return object;
  if (asked === undefined || object.apiVersion === asked.stored) return conversion.toStorage(object);
  return asked.convert([object], asked.stored).then(([made]) => conversion.toStorage(made ?? object));
}

/** Asks for what is not known yet, once for whoever else wants the same, and keeps it where views are. */
function preparing(
  { asked, fromStorage }: Conversion,
  views: WeakMap<AnyObject, AnyObject>,
): (objects: readonly AnyObject[]) => Promise<void> | undefined {
  const onTheirWay = new WeakMap<AnyObject, Promise<void>>();
  return (objects) => {
    const missing = objects.filter((object) => object.apiVersion !== asked?.shown && !views.has(object));
    if (missing.length === 0 || asked === undefined) return undefined;
    const fresh = missing.filter((object) => !onTheirWay.has(object));
    if (fresh.length > 0) {
      const coming = asked.convert(fresh, asked.shown).then(
        (made) => {
          for (const [index, object] of fresh.entries()) {
            onTheirWay.delete(object);
            const converted = made[index];
            if (converted !== undefined) views.set(object, fromStorage(converted));
          }
        },
        (error: unknown) => {
          for (const object of fresh) onTheirWay.delete(object);
          throw error;
        },
      );
      for (const object of fresh) onTheirWay.set(object, coming);
    }
    return Promise.all(new Set(missing.map((object) => onTheirWay.get(object)))).then(() => undefined);
  };
}

export class Registry {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #answered: Answered;
  readonly #resources = new Map<string, Resource>();
  readonly #collections = new Map<string, Collection>();

  constructor(store: Store, log: Logger, answered: (registry: Registry) => Answered = () => nothing) {
    this.#store = store;
    this.#log = log;
    for (const definition of builtinResources) this.#add(definition, strategyFor(definition), undefined);
    this.#answered = answered(this);
  }

  /** Serves a version of a custom resource; throws when the name is that of a built-in one. */
  addCustom(definition: ResourceDefinition, strategy: Strategy, custom: CustomResource): void {
    const { group, resource } = definition;
    // In any version: they would share the built-in one's stored objects.
    if (builtinResources.some((builtin) => builtin.group === group && builtin.resource === resource)) {
      throw new Error(`Custom resource "${resource}.${group}" has the name of a built-in one. Choose another group`);
    }
    this.#add(definition, strategy, custom);
  }

  /** For OpenAPI. */
  customKinds(): CustomKind[] {
    const kinds: CustomKind[] = [];
    for (const { definition, custom } of this.#resources.values()) {
      if (custom !== undefined) kinds.push({ resource: definition, openApiSchema: custom.openApiSchema });
    }
    return kinds;
  }

  #add(definition: ResourceDefinition, strategy: Strategy, custom: CustomResource | undefined): void {
    const { group, version, resource } = definition;
    this.#resources.set(keyOf(group, version, resource), this.#resource(definition, strategy, custom));
  }

  #resource(definition: ResourceDefinition, strategy: Strategy, custom: CustomResource | undefined): Resource {
    const conversion = custom?.conversion ?? conversionFor(definition);
    const storageName = conversion?.storageName ?? storageNameOf(definition);
    const views = new WeakMap<AnyObject, AnyObject>();
    const prepare = conversion?.asked === undefined ? () => undefined : preparing(conversion, views);
    const collection = (): Collection => this.#collection(storageName);
    return {
      definition,
      strategy,
      conversion,
      custom,
      inProtobuf: builtinResources.includes(definition),
      schema: () => (custom === undefined ? schemaFor(apiVersionOf(definition), definition.kind) : custom.schema),
      get collection() {
        return collection();
      },
      prepare,
      view(object) {
        if (conversion === undefined) return object;
        const known = views.get(object);
        if (known !== undefined) return known;
        const made = conversion.fromStorage(object);
        views.set(object, made);
        return made;
      },
    };
  }

  removeCustom(group: string, version: string, resource: string): void {
    if (this.find(group, version, resource)?.custom === undefined) return;
    this.#resources.delete(keyOf(group, version, resource));
  }

  find(group: string, version: string, resource: string): Resource | undefined {
    const stored = this.#resources.get(keyOf(group, version, resource));
    if (stored !== undefined) return stored;
    const answered = this.#answered.find(group, version, resource);
    return answered && this.#resource(answered, {}, undefined);
  }

  /** A built-in resource by Kind; throws when there is none, which is a mistake in our code. */
  builtin(group: string, version: string, resource: string): Resource {
    const found = this.find(group, version, resource);
    if (found === undefined) throw new Error(`No resource ${resource} in ${group}/${version}`);
    return found;
  }

  definitions(): ResourceDefinition[] {
    return [...this.#resources.values()].map(({ definition }) => definition).concat(this.#answered.definitions());
  }

  /** Those that are stored. */
  resources(): Iterable<Resource> {
    return this.#resources.values();
  }

  /** How many objects are stored of each resource that has been read, by `group/resource` or `resource`. */
  *storedCounts(): Iterable<{ readonly group: string; readonly resource: string; readonly count: number }> {
    for (const [name, collection] of this.#collections) {
      const [resource = '', group = ''] = name.split('/').reverse();
      yield { group, resource, count: collection.size };
    }
  }

  close(): void {
    for (const collection of this.#collections.values()) collection.close();
  }

  /** Read on first use: a resource nobody asks for costs nothing. */
  #collection(storageName: string): Collection {
    let collection = this.#collections.get(storageName);
    if (collection === undefined) {
      collection = new Collection(this.#store, `/registry/${storageName}/`, this.#log);
      this.#collections.set(storageName, collection);
    }
    return collection;
  }
}

const nothing: Answered = { definitions: () => [], find: () => undefined };

function keyOf(group: string, version: string, resource: string): string {
  return `${group}/${version}/${resource}`;
}

function storageNameOf({ group, resource }: ResourceDefinition): string {
  return group === '' ? resource : `${group}/${resource}`;
}
