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
    let place = -1;
    if (tried.length > 0) {
      for (const [at, target] of this.#targets.entries()) this.#mask[at] = tried.includes(target) ? 0 : 1;
      place = this.#draw.drawMasked(this.#mask);
    }
    if (place < 0) place = this.#draw.draw();
    return this.#picks[place] ?? noTargets;
  }
}
