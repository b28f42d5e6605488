// Turns by weight, evenly spread, in O(log n) each: earliest deadline first over a heap.
// Shared by the policies that rotate by weight; knows neither load nor what a target is asked for.
import type { Target } from './balancer.ts';

/** Consecutive multiples of it, cut to their fraction, fall evenly between each other, however many there are. */
const GOLDEN_RATIO = 0.6180339887498949;

/**
 * A target of weight w is due every 1/w; whoever is due first has its turn. Each target's turns are thus evenly
 * spaced, and over a stretch in which the weights sum to as many turns each gets exactly its weight.
 * Where in its first interval a target begins is spread by the golden ratio, so that equals do not come in bursts.
 */
export class EdfSchedule<T extends Target> {
  readonly targets: readonly T[];
  readonly #weights: Float64Array;
  readonly #due: Float64Array;
  /** Places, as a binary heap by `#due`. */
  readonly #heap: Uint32Array;
  readonly #passed: number[] = [];
  #phase: number;
  /** Deadline of the last turn. */
  #now: number;

  /** Targets of `before` keep the part of their interval that is left; `start` in [0, 1) sets the first phase. */
  constructor(targets: readonly T[], start: number, before?: EdfSchedule<T>) {
    this.targets = targets;
    this.#weights = Float64Array.from(targets, ({ weight }) => weight);
    this.#phase = before === undefined ? start : before.#phase;
    // Time begins anew with each update, so that it stays small enough to be exact.
    this.#now = 0;
    const left = before?.intervalsLeft();
    this.#due = Float64Array.from(targets, (target, place) => {
      const intervals = left?.get(target) ?? this.#nextPhase();
      return intervals / (this.#weights[place] ?? 1);
    });
    this.#heap = Uint32Array.from(targets, (_, place) => place);
    for (let at = (targets.length >> 1) - 1; at >= 0; at--) this.#sink(at, targets.length);
  }

  /** Place of the target whose turn it is; -1 when there is none. */
  turn(): number {
    const place = this.#heap[0];
    if (place === undefined) return -1;
    this.#now = this.#due[place] ?? 0;
    this.#due[place] = this.#now + 1 / (this.#weights[place] ?? 1);
    this.#sink(0, this.#heap.length);
    return place;
  }

  /**
   * The same among the targets that were not tried; -1 when all were. Those passed over are due at once afterwards,
   * but owe no more than that one turn: one that could not be used for long gets no burst when it can again.
   */
  turnUntried(tried: readonly Target[]): number {
    const passed = this.#passed;
    let size = this.#heap.length;
    passed.length = 0;
    let place = -1;
    while (size > 0) {
      const first = this.#heap[0] ?? 0;
      const target = this.targets[first];
      if (target !== undefined && !tried.includes(target)) {
        place = first;
        break;
      }
      passed.push(first);
      size--;
      this.#heap[0] = this.#heap[size] ?? 0;
      this.#sink(0, size);
    }
    if (place >= 0) {
      this.#now = Math.max(this.#now, this.#due[place] ?? 0);
      this.#due[place] = this.#now + 1 / (this.#weights[place] ?? 1);
      this.#sink(0, size);
    }
    for (let at = passed.length - 1; at >= 0; at--) {
      const owed = passed[at] ?? 0;
      if (place >= 0) this.#due[owed] = Math.max(this.#due[owed] ?? 0, this.#now);
      this.#heap[size] = owed;
      this.#rise(size);
      size++;
    }
    return place;
  }

  /** How much of its interval is left for each target. */
  intervalsLeft(): ReadonlyMap<T, number> {
    return new Map(
      this.targets.map((target, place) => [
        target,
        Math.max(0, (this.#due[place] ?? 0) - this.#now) * (this.#weights[place] ?? 1),
      ]),
    );
  }

  #nextPhase(): number {
    this.#phase = (this.#phase + GOLDEN_RATIO) % 1;
    return this.#phase;
  }

  /** Deadline first, then place, so that the order of ties does not depend on the heap's shape. */
  #before(a: number, b: number): boolean {
    const early = this.#due[a] ?? 0;
    const late = this.#due[b] ?? 0;
    return early < late || (early === late && a < b);
  }

  #sink(from: number, size: number): void {
    const heap = this.#heap;
    const place = heap[from] ?? 0;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(heap[child + 1] ?? 0, heap[child] ?? 0)) child++;
      if (!this.#before(heap[child] ?? 0, place)) break;
      heap[at] = heap[child] ?? 0;
      at = child;
    }
    heap[at] = place;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const place = heap[from] ?? 0;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(place, heap[parent] ?? 0)) break;
      heap[at] = heap[parent] ?? 0;
      at = parent;
    }
    heap[at] = place;
  }
}
