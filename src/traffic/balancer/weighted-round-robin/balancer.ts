// weighted_round_robin: each target in turn, as often as its weight says, smoothly interleaved.
// Knows no load; each worker turns its own wheel from a random start.
import type { Balancer, Pick, Picker, PickInput, Random, Target } from '../balancer.ts';
import { noTargets, type Policy, picksOf } from '../policy.ts';
import { SmoothWheel } from '../smooth-wheel.ts';
import { parseWeightedRoundRobin, type WeightedRoundRobinConfig } from './config.ts';

export const weightedRoundRobin: Policy<WeightedRoundRobinConfig> = {
  type: 'weighted_round_robin',
  promises: { weights: true, sticky: false },
  parse: parseWeightedRoundRobin,
  create: (_config, { random }) => new WeightedRoundRobinBalancer(random),
};

/** More turns than this at the start would cost time without making workers any less alike. */
const MAX_START_TURNS = 64;

class WeightedRoundRobinBalancer<T extends Target> implements Balancer<T> {
  readonly #random: Random;
  #wheel: SmoothWheel<T> | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  update(targets: readonly T[]): Picker<T> {
    const wheel = new SmoothWheel(targets, this.#wheel);
    if (this.#wheel === undefined) {
      const turns = Math.floor(this.#random() * Math.min(targets.length, MAX_START_TURNS));
      for (let turn = 0; turn < turns; turn++) wheel.turn();
    }
    this.#wheel = wheel;
    return new WeightedRoundRobinPicker(targets, wheel);
  }
}

class WeightedRoundRobinPicker<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #wheel: SmoothWheel<T>;
  readonly #mask: Uint8Array;

  constructor(targets: readonly T[], wheel: SmoothWheel<T>) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#wheel = wheel;
    this.#mask = new Uint8Array(targets.length);
  }

  pick({ tried }: PickInput): Pick<T> {
    let place = -1;
    if (tried.length > 0) {
      for (const [at, target] of this.#targets.entries()) this.#mask[at] = tried.includes(target) ? 0 : 1;
      place = this.#wheel.turn(this.#mask);
    }
    if (place < 0) place = this.#wheel.turn();
    return this.#picks[place] ?? noTargets;
  }
}
