// Picks by a key from a circle: the owner of the key's position, or the next around that can take the request.
// Knows neither rings nor tables; every worker comes to the same answer while no bound on loads is set.
import type { Chance, Pick, Picker, PickInput, Target } from '../balancer.ts';
import { certain } from '../chances.ts';
import { noTargets, picksOf } from '../policy.ts';
import type { Circle } from './circle.ts';
import { LoadBound } from './load-bound.ts';

/** Positions looked at for a target below its bound; then the least loaded of those seen takes the request. */
const MAX_STEPS = 512;

export interface CirclePickerSettings {
  readonly hash: (input: PickInput) => number;
  /** Percent; 0: no bound. */
  readonly hashBalanceFactor: number;
}

export class CirclePicker<T extends Target> implements Picker<T> {
  readonly #targets: readonly T[];
  readonly #picks: readonly Pick<T>[];
  readonly #circle: Circle;
  readonly #hash: (input: PickInput) => number;
  readonly #percent: number;
  readonly #bound: LoadBound | undefined;
  readonly #present: ReadonlySet<Target>;

  constructor(targets: readonly T[], circle: Circle, { hash, hashBalanceFactor }: CirclePickerSettings) {
    this.#targets = targets;
    this.#picks = picksOf(targets);
    this.#circle = circle;
    this.#hash = hash;
    this.#percent = hashBalanceFactor;
    this.#bound = this.#newBound();
    this.#present = new Set(targets);
  }

  pick(input: PickInput): Pick<T> {
    return this.#picks[this.#place(input, this.#bound)] ?? noTargets;
  }

  preview(input: PickInput): readonly Chance<T>[] {
    // With counts of its own: those of the picks are read in turn, and must not be read out of turn.
    return certain(this.#targets, this.#targets[this.#place(input, this.#newBound())]);
  }

  #newBound(): LoadBound | undefined {
    return this.#percent === 0 ? undefined : new LoadBound(this.#targets, this.#percent);
  }

  #place(input: PickInput, bound: LoadBound | undefined): number {
    if (this.#targets.length === 0) return -1;
    const start = this.#circle.locate(this.#hash(input));
    const tried = this.#othersRemain(input.tried) ? input.tried : nobody;
    return bound === undefined ? this.#next(start, tried) : this.#nextBelow(bound, start, tried);
  }

  #othersRemain(tried: readonly Target[]): boolean {
    let left = this.#targets.length;
    for (let at = 0; at < tried.length; at++) {
      const target = tried[at];
      if (target !== undefined && this.#present.has(target) && tried.indexOf(target) === at) left--;
    }
    return left > 0;
  }

  /** Ends, as somebody remains who was not tried and everybody owns a position. */
  #next(start: number, tried: readonly Target[]): number {
    const { size } = this.#circle;
    let position = start;
    for (let step = 0; step < size; step++) {
      const place = this.#circle.ownerAt(position);
      if (tried.length === 0 || !this.#isTried(place, tried)) return place;
      position = position + 1 < size ? position + 1 : 0;
    }
    // Only a target without an entry in a table too small for the fleet is left.
    return this.#targets.findIndex((target) => !tried.includes(target));
  }

  #nextBelow(bound: LoadBound, start: number, tried: readonly Target[]): number {
    bound.look();
    const { size } = this.#circle;
    let position = start;
    let best = -1;
    let lowest = Number.POSITIVE_INFINITY;
    let last = -1;
    for (let step = Math.min(size, MAX_STEPS); step > 0; step--) {
      const place = this.#circle.ownerAt(position);
      position = position + 1 < size ? position + 1 : 0;
      if (place === last || this.#isTried(place, tried)) continue;
      last = place;
      const load = bound.load(place);
      if (load < 1) return place;
      if (load < lowest) {
        lowest = load;
        best = place;
      }
    }
    return best >= 0 ? best : this.#next(start, tried);
  }

  #isTried(place: number, tried: readonly Target[]): boolean {
    const target = this.#targets[place];
    return tried.length > 0 && target !== undefined && tried.includes(target);
  }
}

const nobody: readonly Target[] = [];
