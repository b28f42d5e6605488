// Who wants what: values by key, each held as often as it is wanted, and the keys that changed since they were taken.
// Knows nothing of what it keeps.

export class Ledger<V> {
  readonly #held = new Map<string, { value: V; count: number }>();
  readonly #values = new Map<string, V>();
  readonly #touched = new Set<string>();

  get values(): ReadonlyMap<string, V> {
    return this.#values;
  }

  /** A later value stands for an earlier one. */
  hold(key: string, value: V): void {
    const count = (this.#held.get(key)?.count ?? 0) + 1;
    this.#held.set(key, { value, count });
    this.#values.set(key, value);
    this.#touched.add(key);
  }

  release(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    held.count -= 1;
    this.#touched.add(key);
    if (held.count > 0) return;
    this.#held.delete(key);
    this.#values.delete(key);
  }

  takeTouched(): ReadonlySet<string> {
    const touched = new Set(this.#touched);
    this.#touched.clear();
    return touched;
  }
}
