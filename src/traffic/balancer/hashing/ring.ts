// The hash ring: every target has points on it in proportion to its weight, a key belongs to the next point.
// Built from the ring before where targets stay; knows neither load nor what was tried.
import { mix32 } from '#lib/hash.ts';
import type { Target } from '../balancer.ts';
import { type Circle, canonicalOrder, targetHash } from './circle.ts';

export interface RingSettings {
  /** Points of a target of median weight. More share more evenly: the shares scatter by one through its root. */
  readonly pointsPerEndpoint: number;
  /** Points altogether; in a larger fleet each target has half as many, or a quarter, ... but at least one. */
  readonly maximumSize: number;
}

export const DEFAULT_POINTS_PER_ENDPOINT = 256;
export const DEFAULT_MAXIMUM_SIZE = 2 ** 20;

/** Sorting key of a point: its hash, then the rank of its target, both within 2^53. */
const RANKS = 2 ** 21;

/**
 * The points of a target come from its address alone, and how many there are depends on others only through the
 * median weight and the maximum size. So a target that goes gives its keys to the next points and no other key moves;
 * one that comes, or gains weight, takes keys and gives none.
 */
export class HashRing<T extends Target> implements Circle {
  readonly #targets: readonly T[];
  readonly #counts: Uint32Array;
  readonly #hashes: Uint32Array;
  readonly #owners: Uint32Array;

  constructor(targets: readonly T[], settings: RingSettings, before?: HashRing<T>) {
    this.#targets = targets;
    this.#counts = pointCounts(targets, settings);
    const size = this.#counts.reduce((sum, count) => sum + count, 0);
    this.#hashes = new Uint32Array(size);
    this.#owners = new Uint32Array(size);

    const hashes = Uint32Array.from(targets, targetHash);
    const order = canonicalOrder(targets, hashes);
    const ranks = new Uint32Array(targets.length);
    for (const [rank, place] of order.entries()) ranks[place] = rank;
    const kept = before === undefined ? undefined : this.#placesKept(before);
    const staying = new Uint8Array(targets.length);
    for (const place of kept ?? []) if (place >= 0) staying[place] = 1;

    this.#merge(this.#freshPoints(hashes, ranks, staying), order, ranks, kept, before);
  }

  get size(): number {
    return this.#hashes.length;
  }

  locate(hash: number): number {
    const hashes = this.#hashes;
    let low = 0;
    let high = hashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((hashes[middle] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    return low === hashes.length ? 0 : low;
  }

  ownerAt(position: number): number {
    return this.#owners[position] ?? -1;
  }

  /** For each place before: the place now, when the target stays with as many points; else -1. */
  #placesKept(before: HashRing<T>): Int32Array {
    const places = new Map(this.#targets.map((target, place) => [target, place]));
    return Int32Array.from(before.#targets, (target, old) => {
      const place = places.get(target);
      return place !== undefined && this.#counts[place] === before.#counts[old] ? place : -1;
    });
  }

  /** Sorted points of the targets that do not stay as they were. */
  #freshPoints(hashes: Uint32Array, ranks: Uint32Array, staying: Uint8Array): Float64Array {
    let count = 0;
    for (let place = 0; place < staying.length; place++) if (staying[place] === 0) count += this.#counts[place] ?? 0;
    const points = new Float64Array(count);
    let at = 0;
    for (let place = 0; place < staying.length; place++) {
      if (staying[place] === 1) continue;
      const hash = hashes[place] ?? 0;
      for (let point = this.#counts[place] ?? 0; point > 0; point--) {
        points[at++] = mix32(hash ^ mix32(point)) * RANKS + (ranks[place] ?? 0);
      }
    }
    return points.sort();
  }

  /** One pass over the points of before that stay, and the fresh ones: a change of one target sorts only its own. */
  #merge(
    fresh: Float64Array,
    order: Uint32Array,
    ranks: Uint32Array,
    kept: Int32Array | undefined,
    before: HashRing<T> | undefined,
  ): void {
    const hashes = this.#hashes;
    const owners = this.#owners;
    let at = 0;
    let next = 0;
    const appendFresh = (until: number): void => {
      for (let point = fresh[next]; point !== undefined && point < until; point = fresh[++next]) {
        hashes[at] = Math.floor(point / RANKS);
        owners[at++] = order[point % RANKS] ?? 0;
      }
    };
    if (before !== undefined && kept !== undefined) {
      const oldHashes = before.#hashes;
      const oldOwners = before.#owners;
      let due = fresh[0] ?? Number.POSITIVE_INFINITY;
      for (let old = 0; old < oldHashes.length; old++) {
        const place = kept[oldOwners[old] ?? 0] ?? -1;
        if (place < 0) continue;
        const hash = oldHashes[old] ?? 0;
        const point = hash * RANKS + (ranks[place] ?? 0);
        if (due < point) {
          appendFresh(point);
          due = fresh[next] ?? Number.POSITIVE_INFINITY;
        }
        hashes[at] = hash;
        owners[at++] = place;
      }
    }
    appendFresh(Number.POSITIVE_INFINITY);
  }
}

/** In proportion to weight, as many as fit. */
function pointCounts(targets: readonly Target[], { pointsPerEndpoint, maximumSize }: RingSettings): Uint32Array {
  const weights = Float64Array.from(targets, ({ weight }) => weight);
  // The median stands still when one target alone gets another weight, whichever that is.
  const median = weights.toSorted()[(weights.length - 1) >> 1] ?? 1;
  for (let points = pointsPerEndpoint; ; points /= 2) {
    const counts = Uint32Array.from(weights, (weight) => Math.max(1, Math.round((points * weight) / median)));
    if (points < 1 || counts.reduce((sum, count) => sum + count, 0) <= maximumSize) return counts;
  }
}
