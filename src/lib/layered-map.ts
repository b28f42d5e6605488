// A map that never changes, of which the next version costs what has changed and not what it holds.
// Knows nothing of its entries: a few newer ones lie above many older ones, and now and then both become one.

/** So many newer entries a version carries along before they are laid down; a lookup asks two maps, whatever the number. */
const MOST_ABOVE = 64;

export class LayeredMap<K, V extends string | object> implements ReadonlyMap<K, V> {
  readonly size: number;
  readonly #base: ReadonlyMap<K, V>;
  /** Undefined: gone. */
  readonly #above: ReadonlyMap<K, V | undefined>;

  private constructor(base: ReadonlyMap<K, V>, above: ReadonlyMap<K, V | undefined>, size: number) {
    this.#base = base;
    this.#above = above;
    this.size = size;
  }

  /** `entries` may not be changed afterwards. */
  static of<K, V extends string | object>(entries: ReadonlyMap<K, V> = new Map()): LayeredMap<K, V> {
    return new LayeredMap(entries, new Map(), entries.size);
  }

  /** The map after these changes, in their order; an undefined value removes. */
  with(changes: Iterable<readonly [K, V | undefined]>): LayeredMap<K, V> {
    const above = new Map(this.#above);
    let { size } = this;
    for (const [key, value] of changes) {
      const known = above.has(key) ? above.get(key) : this.#base.get(key);
      size += Number(value !== undefined) - Number(known !== undefined);
      above.set(key, value);
    }
    // What is small is laid down at once: one map is less than two.
    if (above.size <= MOST_ABOVE && this.#base.size > MOST_ABOVE) return new LayeredMap(this.#base, above, size);
    const base = new Map(this.#base);
    for (const [key, value] of above) {
      if (value === undefined) base.delete(key);
      else base.set(key, value);
    }
    return new LayeredMap<K, V>(base, new Map(), size);
  }

  get(key: K): V | undefined {
    if (this.#above.size === 0) return this.#base.get(key);
    const newer = this.#above.get(key);
    if (newer !== undefined || this.#above.has(key)) return newer;
    return this.#base.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): Generator<[K, V], undefined> {
    for (const [key, value] of this.#base) if (!this.#above.has(key)) yield [key, value];
    for (const [key, value] of this.#above) if (value !== undefined) yield [key, value];
    return undefined;
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this.entries()) yield key;
    return undefined;
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  forEach(fn: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) fn(value, key, this);
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries();
  }
}
