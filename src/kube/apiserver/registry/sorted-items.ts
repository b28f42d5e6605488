// Items in the order of their keys, mended where they changed instead of sorted again for each list.
// Knows keys only; what is current is told by whoever asks.
import type { Stored } from './codec.ts';

/** Sorts after every key with the same beginning. */
export const LAST = '\u{10FFFF}';

/** With more changes than this since the last list, sorting again is cheaper than mending. */
const MENDED_AT_ONCE = 100;

export class SortedItems {
  #sorted: readonly Stored[] | undefined;
  readonly #changed = new Set<string>();

  /** An item of that key came, went or is another one. */
  changed(key: string): void {
    if (this.#sorted === undefined) return;
    this.#changed.add(key);
    if (this.#changed.size <= MENDED_AT_ONCE) return;
    this.#sorted = undefined;
    this.#changed.clear();
  }

  /** Of all `items`. What an earlier call returned stays as it was: a reader may still be at it. */
  of(items: ReadonlyMap<string, Stored>): readonly Stored[] {
    if (this.#sorted === undefined) this.#sorted = [...items.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    else if (this.#changed.size > 0) this.#sorted = this.#mended(this.#sorted, items);
    this.#changed.clear();
    return this.#sorted;
  }

  #mended(sorted: readonly Stored[], items: ReadonlyMap<string, Stored>): readonly Stored[] {
    const next = [...sorted];
    for (const key of this.#changed) {
      const at = firstAt(next, key);
      const item = items.get(key);
      next.splice(at, next[at]?.key === key ? 1 : 0, ...(item === undefined ? [] : [item]));
    }
    return next;
  }
}

/** The place of the first item whose key is not before `key`. */
export function firstAt(sorted: readonly Stored[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as Stored).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
