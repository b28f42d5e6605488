// Picks over levels of preference: draws the level by its load, then asks the level's own picker.
// Knows nothing of nodes, zones or health; whoever makes it says what share each level takes.
import { hash32, mix32 } from '#lib/hash.ts';
import type { Pick, Picker, PickInput, Random, Target } from '../balancer.ts';
import { noTargets } from '../policy.ts';

/** So that the level is drawn by another number than the target: else each level would see its share of hashes only. */
const LEVEL_SALT = 0x5bd1e995;

export interface PickerLevel<T extends Target> {
  readonly picker: Picker<T>;
  /** Percent of the requests. */
  readonly load: number;
}

/**
 * `sticky`: the level is drawn by what the policy hashes, not by chance, so that a client stays where it is. A retry
 * whose level has nobody left that was not tried goes on to the others, from near to far.
 */
export class LocalityPicker<T extends Target> implements Picker<T> {
  readonly #levels: readonly PickerLevel<T>[];
  readonly #sticky: boolean;
  readonly #random: Random;

  constructor(levels: readonly PickerLevel<T>[], sticky: boolean, random: Random) {
    this.#levels = levels;
    this.#sticky = sticky;
    this.#random = random;
  }

  pick(input: PickInput): Pick<T> {
    const levels = this.#levels;
    const chosen = this.#draw(input);
    const pick = levels[chosen]?.picker.pick(input) ?? noTargets;
    if (isNew(pick, input.tried)) return pick;
    for (let level = 0; level < levels.length; level++) {
      if (level === chosen) continue;
      const other = levels[level]?.picker.pick(input) ?? noTargets;
      if (isNew(other, input.tried) || (pick.type === 'none' && other.type === 'target')) return other;
    }
    return pick;
  }

  /** The chance of each level to be the one that such a request is drawn for, 0 to 1. */
  chances(input: PickInput): readonly number[] {
    if (!this.#sticky) return this.#levels.map(({ load }) => load / 100);
    const drawn = this.#draw(input);
    return this.#levels.map((_, level) => (level === drawn ? 1 : 0));
  }

  #draw(input: PickInput): number {
    const levels = this.#levels;
    const point = this.#sticky
      ? mix32(hash32(input.hashKey === '' ? input.clientAddress : input.hashKey) ^ LEVEL_SALT) % 100
      : this.#random() * 100;
    let sum = 0;
    for (let level = 0; level < levels.length; level++) {
      sum += levels[level]?.load ?? 0;
      if (point < sum) return level;
    }
    return 0;
  }
}

function isNew<T extends Target>(pick: Pick<T>, tried: readonly Target[]): boolean {
  return pick.type === 'target' && (tried.length === 0 || !tried.includes(pick.target));
}
