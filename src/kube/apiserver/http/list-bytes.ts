// Lists as bytes, put together from those of their objects, which are made once for each object and form.
// Knows how a list's bytes are made of its items'; which objects is the verbs' matter.
import { apiVersionOf } from '#kube/api/resources.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import type { Format } from './negotiation.ts';
import { loadProtobuf } from './protobuf.ts';
import type { ListMetadata } from './represent.ts';

export interface ListOfObjects {
  readonly objects: readonly AnyObject[];
  readonly metadata: ListMetadata;
}

/** What is kept at most of each form; then all of it goes, and what is asked for comes again. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

/** Stored objects are frozen, so their bytes last as long as they do. */
class Kept {
  #of = new WeakMap<AnyObject, Uint8Array>();
  #bytes = 0;

  get(object: AnyObject, make: () => Uint8Array): Uint8Array {
    const known = this.#of.get(object);
    if (known !== undefined) return known;
    const made = make();
    // Objects that went have taken theirs along without telling: the sum is too high, never too low.
    if (this.#bytes + made.length > MAX_KEPT_BYTES) {
      this.#of = new WeakMap();
      this.#bytes = 0;
    }
    this.#bytes += made.length;
    this.#of.set(object, made);
    return made;
  }
}

const COMMA = Buffer.from(',');
const END = Buffer.from(']}\n');

export class ListBytes {
  readonly #json = new Kept();
  readonly #protobuf = new Kept();

  /** Undefined for a form that is not made of its items' bytes. */
  async of(resource: Resource, list: ListOfObjects, format: Format): Promise<Uint8Array | undefined> {
    if (format === 'json') return this.#asJson(resource, list);
    return format === 'protobuf' ? this.#asProtobuf(resource, list) : undefined;
  }

  #asJson({ definition }: Resource, { objects, metadata }: ListOfObjects): Uint8Array {
    const head = JSON.stringify({ kind: `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata });
    const parts: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
    for (const [index, object] of objects.entries()) {
      if (index > 0) parts.push(COMMA);
      parts.push(this.#json.get(object, () => Buffer.from(JSON.stringify(bare(object)))));
    }
    parts.push(END);
    return Buffer.concat(parts);
  }

  async #asProtobuf({ definition }: Resource, { objects, metadata }: ListOfObjects): Promise<Uint8Array> {
    const { encodeItem, encodeList } = await loadProtobuf();
    const apiVersion = apiVersionOf(definition);
    const items = objects.map((object) =>
      this.#protobuf.get(object, () => encodeItem(apiVersion, definition.kind, object)),
    );
    return encodeList({ apiVersion, kind: `${definition.kind}List`, metadata }, items);
  }
}

/** As upstream: the items of a built-in list do not repeat what the list says. */
export function bare({ apiVersion: _, kind: __, ...rest }: AnyObject): AnyObject {
  return rest;
}
