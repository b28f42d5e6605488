// The Maglev table: targets fill the entries of a table by turns, each in an order of its own.
// Knows neither load nor what was tried. After "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016.
import { mix32 } from '#lib/hash.ts';
import type { Target } from '../balancer.ts';
import { type Circle, canonicalOrder, targetHash } from './circle.ts';

const FREE = 0xffff_ffff;

/**
 * Each target walks the table in steps of its own, prime to its size, and takes the next free entry at each of its
 * turns; one of lower weight than the heaviest lets turns pass, as in Envoy. Shares are even within one entry, a lookup
 * is one step. When a target comes or goes a few keys move that need not (a percent or two with 100 entries a target).
 */
export class MaglevTable implements Circle {
  readonly #owners: Uint32Array;

  /** `size` is a prime, and best a hundred times the number of targets. */
  constructor(targets: readonly Target[], size: number) {
    this.#owners = new Uint32Array(targets.length === 0 ? 0 : size).fill(FREE);
    const hashes = Uint32Array.from(targets, targetHash);
    const order = canonicalOrder(targets, hashes);
    const weights = Float64Array.from(order, (place) => targets[place]?.weight ?? 1);
    const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
    const entries = Uint32Array.from(order, (place) => (hashes[place] ?? 0) % size);
    const steps = Uint32Array.from(order, (place) => 1 + (mix32((hashes[place] ?? 0) ^ 0x5bd1e995) % (size - 1)));
    const due = new Float64Array(order.length);
    let free = this.#owners.length;
    for (let round = 1; free > 0; round++) {
      for (let rank = 0; rank < order.length && free > 0; rank++) {
        if (round * (weights[rank] ?? 1) < (due[rank] ?? 0)) continue;
        due[rank] = (due[rank] ?? 0) + heaviest;
        let entry = entries[rank] ?? 0;
        const step = steps[rank] ?? 1;
        while (this.#owners[entry] !== FREE) entry = (entry + step) % size;
        this.#owners[entry] = order[rank] ?? 0;
        entries[rank] = (entry + step) % size;
        free--;
      }
    }
  }

  get size(): number {
    return this.#owners.length;
  }

  locate(hash: number): number {
    return hash % this.#owners.length;
  }

  ownerAt(position: number): number {
    return this.#owners[position] ?? -1;
  }
}
