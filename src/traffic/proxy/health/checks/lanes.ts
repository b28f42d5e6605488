// Lets so many things happen at a time and no more; the others wait their turn.
// Knows nothing of what happens.

export class Lanes {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Calls `start` when there is room, which ends with `leave`. The function it returns gives the place in the queue up. */
  enter(start: () => void): () => void {
    if (this.#free > 0) {
      this.#free--;
      start();
      return () => {};
    }
    this.#waiting.add(start);
    return () => this.#waiting.delete(start);
  }

  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#free++;
  }
}
