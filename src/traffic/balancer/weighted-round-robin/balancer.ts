// weighted_round_robin: each target in turn, as often as its weight says, smoothly interleaved.
// Knows no load; each worker turns its own schedule from a random start.
import type { Balancer, Chance, Pick, Picker, PickInput, Random, Target } from '../balancer.ts';
import { chancesByWeight } from '../chances.ts';
import { EdfSchedule } from '../edf.ts';
import { noTargets, type Policy, picksOf } from '../policy.ts';
import { parseWeightedRoundRobin, type WeightedRoundRobinConfig } from './config.ts';

export const weightedRoundRobin: Policy<WeightedRoundRobinConfig> = {
  type: 'weighted_round_robin',
  promises: { weights: true, sticky: false },
  parse: parseWeightedRoundRobin,
  create: (_config, { random }) => new WeightedRoundRobinBalancer(random),
};

class WeightedRoundRobinBalancer<T extends Target> implements Balancer<T> {
  readonly #random: Random;
  #schedule: EdfSchedule<T> | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  update(targets: readonly T[]): Picker<T> {
    // Workers start apart, else the heaviest target would get the first request of each at the same moment.
    const start = this.#schedule === undefined ? this.#random() : 0;
    this.#schedule = new EdfSchedule(targets, start, this.#schedule);
    return new WeightedRoundRobinPicker(this.#schedule);
  }

  preview({ tried }: PickInput): readonly Chance<T>[] {
    return chancesByWeight(this.#schedule?.targets ?? [], tried, ({ weight }) => weight);
  }
}

class WeightedRoundRobinPicker<T extends Target> implements Picker<T> {
  readonly #picks: readonly Pick<T>[];
  readonly #schedule: EdfSchedule<T>;

  constructor(schedule: EdfSchedule<T>) {
    this.#picks = picksOf(schedule.targets);
    this.#schedule = schedule;
  }

  pick({ tried }: PickInput): Pick<T> {
    let place = tried.length > 0 ? this.#schedule.turnUntried(tried) : -1;
    if (place < 0) place = this.#schedule.turn();
    return this.#picks[place] ?? noTargets;
  }
}
