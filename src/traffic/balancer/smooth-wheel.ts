// The smooth weighted wheel: turns by weight without ever sending a burst to the heaviest target.
// Shared by the policies that rotate by weight; knows neither load nor what was tried.
import type { Target } from './balancer.ts';

/**
 * Every candidate gains its weight, the one with the highest credit wins and pays back what all candidates gained.
 * Over any stretch of turns each target's share is its weight's share, spread as evenly as can be
 * (5:1:1 yields a a b a c a a). A turn costs one pass over the targets.
 */
export class SmoothWheel<T extends Target> {
  readonly #targets: readonly T[];
  readonly #weights: readonly number[];
  readonly #credit: Float64Array;

  /** `before` passes on the credit of the targets that stay. */
  constructor(targets: readonly T[], before?: SmoothWheel<T>) {
    this.#targets = targets;
    this.#weights = targets.map((target) => target.weight);
    this.#credit = new Float64Array(targets.length);
    if (before === undefined) return;
    const kept = new Map(before.#targets.map((target, place) => [target, before.#credit[place] ?? 0]));
    for (const [place, target] of targets.entries()) this.#credit[place] = kept.get(target) ?? 0;
  }

  /** Place of the next target among those that `mask` (1 = candidate) lets in; -1 when it lets in none. */
  turn(mask?: Uint8Array): number {
    const credit = this.#credit;
    let best = -1;
    let bestCredit = Number.NEGATIVE_INFINITY;
    let gained = 0;
    for (let place = 0; place < credit.length; place++) {
      if (mask !== undefined && mask[place] === 0) continue;
      const weight = this.#weights[place] ?? 1;
      const now = (credit[place] ?? 0) + weight;
      credit[place] = now;
      gained += weight;
      if (now > bestCredit) {
        bestCredit = now;
        best = place;
      }
    }
    if (best >= 0) credit[best] = bestCredit - gained;
    return best;
  }
}
