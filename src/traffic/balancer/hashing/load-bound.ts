// Bounded loads: how much of all requests in flight a target may carry before its keys go on to the next.
// Reads a few counts a pick, not all of them; knows no circle. After "Consistent Hashing with Bounded Loads", 2016.

import type { Target } from '../balancer.ts';
import { numberSetting } from '../policy.ts';

/** Counts read anew at each pick, in turn: a fleet up to this size is seen exactly. */
const READ_A_PICK = 16;

export class LoadBound {
  readonly #targets: readonly Target[];
  readonly #factor: number;
  readonly #weights: Float64Array;
  readonly #allWeights: number;
  readonly #seen: Float64Array;
  #total = 0;
  #next = 0;

  /** `percent` of its share by weight is what a target may carry: 100 or more. */
  constructor(targets: readonly Target[], percent: number) {
    this.#targets = targets;
    this.#factor = percent / 100;
    this.#weights = Float64Array.from(targets, ({ weight }) => weight);
    this.#allWeights = this.#weights.reduce((sum, weight) => sum + weight, 0);
    this.#seen = new Float64Array(targets.length);
    for (let place = 0; place < targets.length; place++) this.#read(place);
  }

  /** To be called once a pick, before `load`. */
  look(): void {
    for (let count = Math.min(READ_A_PICK, this.#seen.length); count > 0; count--) {
      this.#read(this.#next);
      this.#next = this.#next + 1 < this.#seen.length ? this.#next + 1 : 0;
    }
  }

  /** Requests in flight for those that the target may have: below 1 it takes another. */
  load(place: number): number {
    const inFlight = this.#read(place);
    // Divided last: a share that ought to be whole must not be rounded up by an error of the last digit.
    const room = Math.ceil((this.#factor * (this.#total + 1) * (this.#weights[place] ?? 1)) / this.#allWeights);
    return inFlight / Math.max(1, room);
  }

  #read(place: number): number {
    const inFlight = this.#targets[place]?.inFlight() ?? 0;
    this.#total += inFlight - (this.#seen[place] ?? 0);
    this.#seen[place] = inFlight;
    return inFlight;
  }
}

/** Setting `hashBalanceFactor`, in percent as Envoy has it; 0 or left out: no bound. */
export function hashBalanceFactor(type: string, settings: Readonly<Record<string, unknown>>): number {
  const value = settings.hashBalanceFactor ?? 0;
  return value === 0 ? 0 : numberSetting(type, settings, 'hashBalanceFactor', 0, { min: 100, max: 100_000 });
}
