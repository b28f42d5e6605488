// The nodes that have fallen silent, as whoever hears of them tells the service proxy of this node.
// A word between two parts that start and end on their own; knows neither.

const NOBODY: ReadonlySet<string> = new Set();

export class SilenceBoard {
  #silent = NOBODY;
  readonly #listeners = new Set<(silent: ReadonlySet<string>) => void>();

  get silent(): ReadonlySet<string> {
    return this.#silent;
  }

  /** None, when it is not known any more. */
  tell(silent: ReadonlySet<string> = NOBODY): void {
    this.#silent = silent;
    for (const listener of this.#listeners) listener(silent);
  }

  /** Returns the way to stop listening. */
  onChange(listener: (silent: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
