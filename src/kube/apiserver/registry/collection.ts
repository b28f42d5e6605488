// All objects below one store prefix, parsed once and kept current by a watch on the store.
// Knows keys, revisions and changes; nothing of HTTP, selectors or kinds.
import type { RangeOptions, Store, StoreEvent, StoreWatch, WriteOutcome } from '#kube/store/store.ts';
import type { Logger } from '#lib/log.ts';
import type { AnyObject } from './any-object.ts';
import { decode, encode, type Stored } from './codec.ts';
import { firstAt, LAST, SortedItems } from './sorted-items.ts';

/** One change as every watcher of the collection sees it; encodings made for one watcher serve the others. */
export interface Change {
  readonly type: 'put' | 'delete';
  /** On deletion the last state, with the revision of the deletion. */
  readonly now: Stored;
  readonly before: Stored | undefined;
  readonly encodings: Map<string, Uint8Array>;
}

export interface Page {
  readonly items: readonly Stored[];
  readonly revision: number;
  readonly remaining: number;
}

type Listener = (change: Change) => void;

/**
 * Reads are answered from memory and are never behind an acknowledged write: the store tells its watchers before a
 * write resolves.
 */
export class Collection {
  readonly prefix: string;
  readonly #store: Store;
  readonly #log: Logger;
  readonly #items = new Map<string, Stored>();
  readonly #listeners = new Set<Listener>();
  readonly #watch: StoreWatch;
  readonly #sorted = new SortedItems();
  /** No change after it: what is held is exact for every revision from here on. */
  #changedAt: number;

  constructor(store: Store, prefix: string, log: Logger) {
    this.#log = log;
    this.prefix = prefix;
    this.#store = store;
    const { records, revision } = store.range(prefix);
    this.#changedAt = revision;
    for (const record of records) this.#items.set(record.key, decode(record));
    this.#watch = store.watch(prefix, revision, (events) => this.#follow(events));
  }

  /** The revision that reads are exact for. */
  revision(): number {
    return this.#store.revision();
  }

  keyOf(namespace: string | undefined, name: string): string {
    return namespace === undefined ? this.prefix + name : `${this.prefix}${namespace}/${name}`;
  }

  get(namespace: string | undefined, name: string): Stored | undefined {
    return this.#items.get(this.keyOf(namespace, name));
  }

  get size(): number {
    return this.#items.size;
  }

  /** Current objects in key order, of one namespace or of all. */
  list(namespace?: string): readonly Stored[] {
    const sorted = this.#sorted.of(this.#items);
    if (namespace === undefined) return sorted;
    const from = `${this.prefix}${namespace}/`;
    return sorted.slice(firstAt(sorted, from), firstAt(sorted, from + LAST));
  }

  /** Objects as of a revision, from the store. Throws `CompactedError`, `FutureRevisionError`. */
  page(namespace: string | undefined, options: RangeOptions): Page {
    const held = this.#heldPage(namespace, options);
    if (held !== undefined) return held;
    const prefix = namespace === undefined ? this.prefix : `${this.prefix}${namespace}/`;
    const { records, revision, remaining } = this.#store.range(prefix, options);
    return {
      items: records.map((record) => this.#known(record.key, record.revision) ?? decode(record)),
      revision,
      remaining,
    };
  }

  /** From memory where nothing has changed since the revision, as is the rule from one page of a list to the next. */
  #heldPage(namespace: string | undefined, { revision, limit, after }: RangeOptions): Page | undefined {
    const current = this.#store.revision();
    const at = revision ?? current;
    if (at < this.#changedAt || at > current || at < this.#store.compacted()) return undefined;
    const all = this.list(namespace);
    const start = after === undefined ? 0 : firstAt(all, `${after}\0`);
    const items = all.slice(start, limit === undefined ? undefined : start + limit);
    return { items, revision: at, remaining: all.length - start - items.length };
  }

  /** Writes when the key's revision is `expected` (0: must not exist). */
  put(key: string, object: AnyObject, expected: number): Promise<WriteOutcome> {
    return this.#store.put(key, encode(object), expected);
  }

  delete(key: string, expected: number): Promise<WriteOutcome> {
    return this.#store.delete(key, expected);
  }

  /** Every change from now on, until the returned function is called. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The changes after `revision` up to now. Throws `CompactedError`, `FutureRevisionError`. */
  changesSince(revision: number): readonly Change[] {
    const changes: Change[] = [];
    this.#store
      .watch(this.prefix, revision, (events) => {
        for (const event of events) changes.push(this.#toChange(event));
      })
      .close();
    return changes;
  }

  close(): void {
    this.#watch.close();
    this.#listeners.clear();
  }

  #follow(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const change = this.#toChange(event);
      // With each: whoever is told of one may ask for the list, and more are to come.
      this.#sorted.changed(event.record.key);
      this.#changedAt = event.record.revision;
      if (event.type === 'put') this.#items.set(event.record.key, change.now);
      else this.#items.delete(event.record.key);
      for (const listener of [...this.#listeners]) this.#tell(listener, change);
    }
  }

  /** One follower's failure must not keep a change from the others, nor the writer from its answer. */
  #tell(listener: Listener, change: Change): void {
    try {
      listener(change);
    } catch (error) {
      this.#log.error({ error, key: change.now.key }, 'A follower of stored objects failed');
    }
  }

  #toChange({ type, record, previous }: StoreEvent): Change {
    const now = this.#known(record.key, record.revision) ?? decode(record);
    const before =
      previous === undefined ? undefined : (this.#known(record.key, previous.revision) ?? decode(previous));
    return { type, now, before, encodings: new Map() };
  }

  #known(key: string, revision: number): Stored | undefined {
    const item = this.#items.get(key);
    return item?.revision === revision ? item : undefined;
  }
}
