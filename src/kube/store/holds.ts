// Who still reads at which revision, so that compaction waits for them; shared by every store.
// Knows numbers only.

export class Holds {
  readonly #held = new Set<{ readonly revision: number }>();

  take(revision: number): { readonly revision: number; release(): void } {
    const hold = { revision };
    this.#held.add(hold);
    return { revision, release: () => void this.#held.delete(hold) };
  }

  /** The revision itself, or the oldest that is held when that is older: reads at a compacted revision still work. */
  cap(revision: number): number {
    return Math.min(revision, ...[...this.#held].map((hold) => hold.revision));
  }
}
