// round_robin: each target in turn, whatever its weight and load.
// Knows neither time nor other workers: each worker turns its own wheel from a random start.
import type { Balancer, Chance, Pick, Picker, PickInput, Random, Target } from '../balancer.ts';
import { chancesByWeight } from '../chances.ts';
import { noTargets, type Policy, picksOf } from '../policy.ts';
import { parseRoundRobin, type RoundRobinConfig } from './config.ts';

export const roundRobin: Policy<RoundRobinConfig> = {
  type: 'round_robin',
  promises: { weights: false, sticky: false },
  parse: parseRoundRobin,
  create: (_config, { random }) => new RoundRobinBalancer(random),
};

class RoundRobinBalancer<T extends Target> implements Balancer<T> {
  readonly #random: Random;
  #last: RoundRobinPicker<T> | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  update(targets: readonly T[]): Picker<T> {
    this.#last = new RoundRobinPicker(targets, this.#start(targets));
    return this.#last;
  }

  preview({ tried }: PickInput): readonly Chance<T>[] {
    return chancesByWeight(this.#last?.targets ?? [], tried, () => 1);
  }

  /** The wheel goes on where it stood: at the first of the coming targets that stays, or anywhere when none does. */
  #start(targets: readonly T[]): number {
    const places = new Map(targets.map((target, place) => [target, place]));
    for (const target of this.#last?.coming() ?? []) {
      const place = places.get(target);
      if (place !== undefined) return place;
    }
    return Math.floor(this.#random() * targets.length);
  }
}

class RoundRobinPicker<T extends Target> implements Picker<T> {
  readonly targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  #next: number;

  constructor(targets: readonly T[], start: number) {
    this.targets = targets;
    this.#picks = picksOf(targets);
    this.#next = start;
  }

  pick({ tried }: PickInput): Pick<T> {
    const count = this.#picks.length;
    if (tried.length > 0) {
      for (let step = 0; step < count; step++) {
        const pick = this.#turn(count);
        if (pick.type === 'target' && !tried.includes(pick.target)) return pick;
      }
    }
    return this.#turn(count);
  }

  #turn(count: number): Pick<T> {
    const pick = this.#picks[this.#next];
    this.#next = this.#next + 1 < count ? this.#next + 1 : 0;
    return pick ?? noTargets;
  }

  /** The targets in the order in which they would come now. */
  coming(): readonly T[] {
    return [...this.targets.slice(this.#next), ...this.targets.slice(0, this.#next)];
  }
}
