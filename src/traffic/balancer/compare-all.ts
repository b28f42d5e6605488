// Compares every target by cost and takes the cheapest; those that tie take turns by weight.
// For small fleets and for retries, where a pass over all targets is worth its price; knows no policy.

import type { Chance, Pick, Picker, PickInput, Target } from './balancer.ts';
import { chancesByWeight } from './chances.ts';
import { noTargets, picksOf } from './policy.ts';
import type { SmoothWheel } from './smooth-wheel.ts';

/** What a request would cost on the target at a place, at a moment in monotonic milliseconds; 0 or more, finite. */
export type Cost = (place: number, now: number) => number;

export class CompareAll<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #wheel: SmoothWheel<T>;
  readonly #cost: Cost;
  readonly #costs: Float64Array;
  readonly #ties: Uint8Array;
  readonly #tolerance: number;
  readonly #idleTolerance: number;

  /**
   * Costs up to `tolerance` times the lowest tie with it: 1 for exact counts, more for estimates. Where the cheapest
   * target has nothing in flight, others that have nothing in flight either tie up to `idleTolerance`.
   */
  constructor(targets: readonly T[], wheel: SmoothWheel<T>, cost: Cost, tolerance = 1, idleTolerance = tolerance) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#wheel = wheel;
    this.#cost = cost;
    this.#costs = new Float64Array(targets.length);
    this.#ties = new Uint8Array(targets.length);
    this.#tolerance = tolerance;
    this.#idleTolerance = idleTolerance;
  }

  pick(input: PickInput): Pick<T> {
    this.#compare(input);
    return this.#picks[this.#wheel.turn(this.#ties)] ?? noTargets;
  }

  preview(input: PickInput): readonly Chance<T>[] {
    this.#compare(input);
    return chancesByWeight(this.#targets, [], (target, place) => (this.#ties[place] === 1 ? target.weight : 0));
  }

  #compare({ tried, now }: PickInput): void {
    const costs = this.#costs;
    let lowest = Number.POSITIVE_INFINITY;
    let cheapest: Target | undefined;
    for (let place = 0; place < costs.length; place++) {
      const target = this.#targets[place];
      // Each cost is read once: other workers move the counts on while we look.
      const cost =
        target === undefined || (tried.length > 0 && tried.includes(target))
          ? Number.POSITIVE_INFINITY
          : this.#cost(place, now);
      costs[place] = cost;
      if (cost < lowest) {
        lowest = cost;
        cheapest = target;
      }
    }
    const limit = lowest * this.#tolerance;
    const idle = this.#idleTolerance > this.#tolerance && cheapest?.inFlight() === 0;
    const idleLimit = idle ? lowest * this.#idleTolerance : limit;
    for (let place = 0; place < costs.length; place++) {
      const cost = costs[place] ?? 0;
      const ties = cost <= limit || (cost <= idleLimit && this.#targets[place]?.inFlight() === 0);
      this.#ties[place] = ties ? 1 : 0;
    }
  }
}
