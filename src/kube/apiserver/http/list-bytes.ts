// Lists as bytes, put together from those of their objects, which are made once for each object and form.
// Knows how a list's bytes are made of its items'; which objects is the verbs' matter.
import { apiVersionOf } from '#kube/api/resources.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import { ItemBytes, type MakeBytes } from './item-bytes.ts';
import { type Parts, together } from './parts.ts';
import { loadProtobuf } from './protobuf.ts';
import { bare, type ListMetadata, partial, type RepresentOptions, tableOf } from './represent.ts';
import { TableParts } from './table-parts.ts';

export interface ListOfObjects {
  readonly objects: readonly AnyObject[];
  readonly metadata: ListMetadata;
  readonly options: RepresentOptions;
}

/** Kept at most of each form. */
const MAX_BYTES = 128 * 1024 * 1024;

export class ListBytes {
  readonly #forms = new Map<string, ItemBytes>();

  /** In parts, to be sent one after the other; undefined for a form that is not made of its items' bytes. */
  async of(resource: Resource, list: ListOfObjects): Promise<Parts | undefined> {
    const { format, representation, version } = list.options.accepted;
    if (format === 'yaml') return undefined;
    if (representation === 'table') return this.#asTable(resource, list);
    const items = this.#formOf(`${format} ${representation} ${version}`);
    return together(format === 'protobuf' ? await asProtobuf(items, resource, list) : asJson(items, resource, list));
  }

  /** Cells are printed each time, for ages change while objects do not; what stands beside them is kept. */
  #asTable(resource: Resource, list: ListOfObjects): Parts {
    const { includeObject } = list.options;
    const { rows, ...head } = tableOf(resource, list.objects, list.metadata, list.options);
    const texts = rows.map(({ object: _, ...row }) => JSON.stringify(row));
    if (includeObject === 'None') {
      return together(inJson({ ...head, rows: [] }, texts.length === 0 ? [] : [Buffer.from(`,${texts.join(',')}`)]));
    }
    const items = this.#formOf(`row ${includeObject}`);
    const make: MakeBytes = (object) =>
      `,"object":${JSON.stringify(includeObject === 'Object' ? object : partial(object, 'v1'))}},`;
    const beside = list.objects.map((object) => items.of(object, make));
    return new TableParts(JSON.stringify({ ...head, rows: [] }).slice(0, -2), texts, beside);
  }

  #formOf(name: string): ItemBytes {
    const known = this.#forms.get(name);
    if (known !== undefined) return known;
    const made = new ItemBytes(MAX_BYTES);
    this.#forms.set(name, made);
    return made;
  }
}

/** What a list says of itself, and how each of its items is shown. */
function shownAs({ definition }: Resource, { metadata, options }: ListOfObjects) {
  const { representation, version } = options.accepted;
  if (representation === 'partial') {
    const apiVersion = `meta.k8s.io/${version}`;
    const item = (object: AnyObject): object => partial(object, version);
    return { kind: 'PartialObjectMetadata', list: { kind: 'PartialObjectMetadataList', apiVersion, metadata }, item };
  }
  const { kind } = definition;
  return { kind, list: { kind: `${kind}List`, apiVersion: apiVersionOf(definition), metadata }, item: bare };
}

function asJson(items: ItemBytes, resource: Resource, list: ListOfObjects): Uint8Array[] {
  const { list: head, item } = shownAs(resource, list);
  const runs = items.runsOf(list.objects, (object) => `,${JSON.stringify(item(object))}`);
  return inJson({ ...head, items: [] }, runs);
}

/** `list` ends with an empty array, which the runs fill; each of their items has a comma before it. */
function inJson(list: object, runs: Uint8Array[]): Uint8Array[] {
  const head = Buffer.from(JSON.stringify(list).slice(0, -2));
  const [first, ...others] = runs;
  return [head, ...(first === undefined ? [] : [first.subarray(1), ...others]), Buffer.from(']}\n')];
}

async function asProtobuf(items: ItemBytes, resource: Resource, list: ListOfObjects): Promise<Uint8Array[]> {
  const { encodeItem, encodeListHead } = await loadProtobuf();
  const { kind, list: head, item } = shownAs(resource, list);
  const runs = items.runsOf(list.objects, (object) => encodeItem(head.apiVersion, kind, item(object)));
  const length = runs.reduce((sum, run) => sum + run.length, 0);
  return [encodeListHead(head, length), ...runs];
}
