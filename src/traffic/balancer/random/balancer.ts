// random: a target by chance, in proportion to its weight.
// Keeps no state between picks, and so none between updates.
import type { Balancer, Pick, Picker, PickInput, Random, Target } from '../balancer.ts';
import { chancesByWeight } from '../chances.ts';
import { noTargets, type Policy, picksOf } from '../policy.ts';
import { WeightedDraw } from '../weighted-draw.ts';
import { parseRandom, type RandomConfig } from './config.ts';

export const random: Policy<RandomConfig> = {
  type: 'random',
  promises: { weights: true, sticky: false },
  parse: parseRandom,
  create<T extends Target>(_config: RandomConfig, deps: { random: Random }): Balancer<T> {
    let current: readonly T[] = [];
    return {
      update(targets) {
        current = targets;
        return new RandomPicker(targets, deps.random);
      },
      preview: ({ tried }) => chancesByWeight(current, tried, ({ weight }) => weight),
    };
  },
};

const MAX_DRAWS = 4;

class RandomPicker<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #draw: WeightedDraw;
  readonly #mask: Uint8Array;

  constructor(targets: readonly T[], random: Random) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#draw = new WeightedDraw(targets, random);
    this.#mask = new Uint8Array(targets.length);
  }

  pick({ tried }: PickInput): Pick<T> {
    let place = this.#draw.draw();
    // Another draw is cheap and keeps the shares of those that are left; a pass over all is for when few are.
    for (let draws = 1; draws < MAX_DRAWS && this.#isTried(place, tried); draws++) place = this.#draw.draw();
    if (this.#isTried(place, tried)) {
      for (const [at, target] of this.#targets.entries()) this.#mask[at] = tried.includes(target) ? 0 : 1;
      const untried = this.#draw.drawMasked(this.#mask);
      if (untried >= 0) place = untried;
    }
    return this.#picks[place] ?? noTargets;
  }

  #isTried(place: number, tried: readonly Target[]): boolean {
    const target = this.#targets[place];
    return tried.length > 0 && target !== undefined && tried.includes(target);
  }
}
