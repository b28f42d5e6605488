// The objects of one resource as last heard from the server, frozen, with indexes.
// Knows nothing of watches; whoever feeds it decides what is true.
import { type KubeObject, objectKey } from '#kube/api/object.ts';

export interface Change<T> {
  readonly key: string;
  /** Absent when the object is gone. */
  readonly now: T | undefined;
  /** Absent when the object is new. */
  readonly before: T | undefined;
}

type KeysOf<T> = (object: T) => readonly string[];

interface Index<T> {
  readonly keysOf: KeysOf<T>;
  /** By key; mostly there is one, which needs no map of its own. */
  readonly members: Map<string, Member<T> | Map<string, T>>;
}

interface Member<T> {
  readonly key: string;
  readonly object: T;
}

const BY_NAMESPACE = 'namespace';

export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): T[] {
    if (namespace === undefined) return [...this.#objects.values()];
    // Made for who asks: many never do.
    if (!this.#indexes.has(BY_NAMESPACE)) this.addIndex(BY_NAMESPACE, (object) => [object.metadata?.namespace ?? '']);
    return this.byIndex(BY_NAMESPACE, namespace);
  }

  /** Indexes what is there and what comes. Throws when the name is taken by another function. */
  addIndex(name: string, keysOf: KeysOf<T>): void {
    const existing = this.#indexes.get(name);
    if (existing?.keysOf === keysOf) return;
    if (existing !== undefined)
      throw new Error(`Index "${name}" is defined twice; share one function or choose another name`);
    const index: Index<T> = { keysOf, members: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) insert(index, key, object);
  }

  byIndex(name: string, key: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`No index named "${name}"; call addIndex first`);
    const members = index.members.get(key);
    if (members === undefined) return [];
    return members instanceof Map ? [...members.values()] : [members.object];
  }

  /** Stores one object. Returns no change when it is the version already held. */
  set(object: T): Change<T> | undefined {
    const key = objectKey(object);
    const before = this.#objects.get(key);
    const version = object.metadata?.resourceVersion;
    if (before !== undefined && version !== undefined && before.metadata?.resourceVersion === version) return undefined;
    const now = deepFreeze(object);
    this.#objects.set(key, now);
    for (const index of this.#indexes.values()) {
      if (before !== undefined) remove(index, key, before);
      insert(index, key, now);
    }
    return { key, now, before };
  }

  delete(key: string): Change<T> | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) remove(index, key, before);
    return { key, now: undefined, before };
  }

  /** Makes the cache hold exactly these objects; returns what that changed. */
  replace(objects: readonly T[]): Change<T>[] {
    const changes: Change<T>[] = [];
    const kept = new Set<string>();
    for (const object of objects) {
      const key = objectKey(object);
      kept.add(key);
      const before = this.#objects.get(key);
      // Another uid under the same name is another object: its watchers must see the old one go.
      if (before !== undefined && before.metadata?.uid !== object.metadata?.uid) push(changes, this.delete(key));
      push(changes, this.set(object));
    }
    for (const key of [...this.#objects.keys()]) if (!kept.has(key)) push(changes, this.delete(key));
    return changes;
  }
}

function push<T>(changes: Change<T>[], change: Change<T> | undefined): void {
  if (change !== undefined) changes.push(change);
}

function insert<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.keysOf(object)) {
    const members = index.members.get(value);
    if (members === undefined || (!(members instanceof Map) && members.key === key)) {
      index.members.set(value, { key, object });
    } else if (members instanceof Map) members.set(key, object);
    else {
      index.members.set(
        value,
        new Map([
          [members.key, members.object],
          [key, object],
        ]),
      );
    }
  }
}

function remove<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.keysOf(object)) {
    const members = index.members.get(value);
    if (members instanceof Map) {
      members.delete(key);
      if (members.size === 0) index.members.delete(value);
    } else if (members?.key === key) index.members.delete(value);
  }
}

/** Freezes in place; objects from the server are trees, so no cycle has to be feared. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
