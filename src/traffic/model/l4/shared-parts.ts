// Parts that are the same in many objects, held once: tens of thousands of Services have a few lists of ports.
// Knows JSON values, and no object.

/** A cluster has few of them; whoever makes many gets none that is shared with those before. */
const MOST_SHARED = 10_000;

class SharedParts {
  readonly #known = new Map<string, unknown>();

  /** The value, or one like it that was there before. Nobody may change either. */
  one<T>(value: T): T {
    if (value === undefined) return value;
    const key = JSON.stringify(value);
    const had = this.#known.get(key);
    if (had !== undefined) return had as T;
    if (this.#known.size >= MOST_SHARED) this.#known.clear();
    this.#known.set(key, value);
    return value;
  }
}

export const shared = new SharedParts();
