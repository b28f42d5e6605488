// Turns: work for the same key one after another, and of all keys only so much at once.
// Knows nothing of what is done.

export class Turns {
  readonly #atOnce: number;
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Starts `work` when everything asked for earlier under `key` has ended, well or not. */
  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(
      () => this.#limited(work),
      () => this.#limited(work),
    );
    this.#last.set(key, mine);
    const forget = (): void => {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
    mine.then(forget, forget);
    return mine;
  }

  /** Resolves when everything that was asked for by now has ended, well or not. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running++;
    // Whoever ends hands its place over, so that nobody gets in between.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
