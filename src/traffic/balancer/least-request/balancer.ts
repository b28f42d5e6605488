// least_request: the target with the fewest requests in flight for its weight, among a few drawn ones or among all.
// Reads in-flight counts from the targets, which count over every worker; keeps none of its own.
import type { Balancer, Chance, Picker, PickInput, Random, Target } from '../balancer.ts';
import { chancesByTrial } from '../chances.ts';
import { CompareAll, type Cost } from '../compare-all.ts';
import { CompareDrawn } from '../compare-drawn.ts';
import type { Policy } from '../policy.ts';
import { seededRandom } from '../seeded-random.ts';
import { SmoothWheel } from '../smooth-wheel.ts';
import { WeightedDraw } from '../weighted-draw.ts';
import { type LeastRequestConfig, parseLeastRequest } from './config.ts';

export const leastRequest: Policy<LeastRequestConfig> = {
  type: 'least_request',
  promises: { weights: true, sticky: false },
  parse: parseLeastRequest,
  create: (config, { random }) => new LeastRequestBalancer(config.choices, random),
};

/**
 * Up to this many targets a choice, looking at all of them is cheaper than drawing, and it never misses the best:
 * with one slow target of three it sends that one a sixth fewer requests than two draws do.
 */
const SCAN_FACTOR = 4;

class LeastRequestBalancer<T extends Target> implements Balancer<T> {
  readonly #choices: number;
  readonly #random: Random;
  #wheel: SmoothWheel<T>;
  #targets: readonly T[] = [];

  constructor(choices: number, random: Random) {
    this.#choices = choices;
    this.#random = random;
    this.#wheel = new SmoothWheel<T>([]);
  }

  update(targets: readonly T[]): Picker<T> {
    this.#targets = targets;
    this.#wheel = new SmoothWheel(targets, this.#wheel);
    return this.#picker(this.#wheel, this.#random);
  }

  preview(input: PickInput): readonly Chance<T>[] {
    const picker = this.#picker(new SmoothWheel(this.#targets), seededRandom());
    return picker instanceof CompareAll ? picker.preview(input) : chancesByTrial(this.#targets, picker, input);
  }

  #picker(wheel: SmoothWheel<T>, random: Random): Picker<T> {
    const targets = this.#targets;
    const weights = Float64Array.from(targets, ({ weight }) => weight);
    const load: Cost = (place) => (targets[place]?.inFlight() ?? 0) / (weights[place] ?? 1);
    const all = new CompareAll(targets, wheel, load);
    if (this.#choices === 0 || targets.length <= SCAN_FACTOR * this.#choices) return all;
    return new CompareDrawn(targets, this.#choices, new WeightedDraw(targets, random), load, all);
  }
}
