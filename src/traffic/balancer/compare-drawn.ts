// Draws a few targets by weight and takes the cheapest: the power of two choices, or of more.
// What a target costs is the policy's affair; knows neither loads nor latencies.
import type { Pick, Picker, PickInput, Target } from './balancer.ts';
import type { Cost } from './compare-all.ts';
import { noTargets, picksOf } from './policy.ts';
import type { WeightedDraw } from './weighted-draw.ts';

/** The first draw wins a tie, so that an idle fleet is shared by weight. */
export class CompareDrawn<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #choices: number;
  readonly #draw: WeightedDraw;
  readonly #cost: Cost;
  readonly #all: Picker<T>;

  constructor(targets: readonly T[], choices: number, draw: WeightedDraw, cost: Cost, all: Picker<T>) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#choices = choices;
    this.#draw = draw;
    this.#cost = cost;
    this.#all = all;
  }

  pick(input: PickInput): Pick<T> {
    let best = this.#draw.draw();
    let lowest = this.#costOf(best, input);
    for (let choice = 1; choice < this.#choices; choice++) {
      const place = this.#draw.drawOther(best);
      const cost = this.#costOf(place, input);
      if (cost < lowest) {
        best = place;
        lowest = cost;
      }
    }
    // Every draw hit a target that was tried: rare, and only on a retry, so a look at all may cost more.
    if (lowest === Number.POSITIVE_INFINITY) return this.#all.pick(input);
    return this.#picks[best] ?? noTargets;
  }

  /** Infinite for a target that was tried, so that it wins only when all were. */
  #costOf(place: number, { tried, now }: PickInput): number {
    const target = this.#targets[place];
    if (target === undefined || (tried.length > 0 && tried.includes(target))) return Number.POSITIVE_INFINITY;
    return this.#cost(place, now);
  }
}
