// Splits requests over the weighted clusters of a route, exactly: over any stretch of requests as long as the weights
// (divided by what they share) add up to, each cluster gets its weight. Knows nothing of routes and endpoints.
import type { Random } from '#traffic/balancer/balancer.ts';

export interface Weighted {
  readonly weight: number;
}

/**
 * Earliest deadline first. A cluster of weight 9 is due nine times a round, one of weight 1 once, each at its own evenly
 * spaced moments; the one that is due next is next. Every round holds every moment once and in the same order, so the
 * sequence repeats, and any stretch as long as a round is exact. The moments begin at random places, drawn once: workers
 * do not move in step, and a route that is built anew again and again still gives a weight of 1 in 1,000,000 its share.
 */
export class WeightedSplit<T extends Weighted> {
  readonly #items: readonly T[];
  readonly #weights: readonly number[];
  readonly #phases: readonly number[];
  /** How often each was due in its present round. */
  readonly #turns: number[];
  /** How many rounds each is ahead of the one that is furthest behind. */
  readonly #rounds: number[];

  /** Items of weight 0 get nothing. */
  constructor(items: readonly T[], random: Random) {
    this.#items = items.filter(({ weight }) => weight > 0);
    const divisor = this.#items.reduce((shared, { weight }) => greatestCommonDivisor(shared, weight), 0);
    this.#weights = this.#items.map(({ weight }) => weight / divisor);
    this.#phases = this.#items.map(() => random());
    this.#turns = this.#items.map(() => 0);
    this.#rounds = this.#items.map(() => 0);
  }

  /** Undefined when every weight is 0. One pass over the items; allocates nothing. */
  next(): T | undefined {
    const weights = this.#weights;
    if (weights.length < 2) return this.#items[0];
    let best = 0;
    let bestRound = Number.POSITIVE_INFINITY;
    let bestMoment = Number.POSITIVE_INFINITY;
    for (let place = 0; place < weights.length; place++) {
      const round = this.#rounds[place] as number;
      // Counted within the round, so that the same moment is the same number in every round.
      const moment = ((this.#turns[place] as number) + (this.#phases[place] as number)) / (weights[place] as number);
      if (round < bestRound || (round === bestRound && moment < bestMoment)) {
        best = place;
        bestRound = round;
        bestMoment = moment;
      }
    }
    const turns = (this.#turns[best] as number) + 1;
    if (turns < (weights[best] as number)) {
      this.#turns[best] = turns;
    } else {
      this.#turns[best] = 0;
      this.#rounds[best] = bestRound + 1;
      this.#startOver();
    }
    return this.#items[best];
  }

  /** Takes off the rounds that all are through with, so that the numbers stay small. */
  #startOver(): void {
    for (let place = 0; place < this.#rounds.length; place++) if (this.#rounds[place] === 0) return;
    for (let place = 0; place < this.#rounds.length; place++) this.#rounds[place] = (this.#rounds[place] as number) - 1;
  }
}

/** Weights are whole numbers; those that are not share nothing and are taken as they are. */
function greatestCommonDivisor(a: number, b: number): number {
  if (!Number.isInteger(a) || !Number.isInteger(b)) return 1;
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
