// Draws targets at random in proportion to their weight, in O(log n) and without allocating.
// Shared by the policies that draw; knows neither load nor what was tried.
import type { Random, Target } from './balancer.ts';

export class WeightedDraw {
  readonly #random: Random;
  readonly #weights: readonly number[];
  /** Sum of the weights up to and including each place; undefined when all weights are equal. */
  readonly #sums: Float64Array | undefined;
  readonly #total: number;

  constructor(targets: readonly Target[], random: Random) {
    this.#random = random;
    this.#weights = targets.map((target) => target.weight);
    const first = this.#weights[0] ?? 1;
    const equal = this.#weights.every((weight) => weight === first);
    let total = 0;
    const sums = Float64Array.from(this.#weights, (weight) => {
      total += weight;
      return total;
    });
    this.#total = equal ? targets.length : total;
    this.#sums = equal ? undefined : sums;
  }

  /** A place by weight; -1 when there is no target. */
  draw(): number {
    if (this.#weights.length === 0) return -1;
    return this.#placeOf(this.#random() * this.#total);
  }

  /** A place by weight among all but `place`; `place` itself when it is the only one. */
  drawOther(place: number): number {
    if (this.#weights.length < 2) return place;
    const own = this.#sums === undefined ? 1 : (this.#weights[place] ?? 0);
    const before = this.#sums === undefined ? place : (this.#sums[place - 1] ?? 0);
    const point = this.#random() * (this.#total - own);
    return this.#placeOf(point < before ? point : point + own);
  }

  /** A place by weight among those that `mask` (1 = candidate) lets in; -1 when it lets in none. One pass over all. */
  drawMasked(mask: Uint8Array): number {
    let total = 0;
    for (let place = 0; place < mask.length; place++) total += mask[place] === 0 ? 0 : (this.#weights[place] ?? 0);
    let point = this.#random() * total;
    let last = -1;
    for (let place = 0; place < mask.length; place++) {
      if (mask[place] === 0) continue;
      last = place;
      point -= this.#weights[place] ?? 0;
      if (point < 0) break;
    }
    return last;
  }

  #placeOf(point: number): number {
    const last = this.#weights.length - 1;
    if (this.#sums === undefined) return Math.min(Math.floor(point), last);
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sums[middle] ?? 0) > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
