// What hashing policies look a key up in: places of targets around a circle, the same in every worker.
// Also the hashes of keys and targets; knows no policy and no load.
import { hash32 } from '#lib/hash.ts';
import type { PickInput, Target } from '../balancer.ts';

/** Positions from 0 to `size - 1` and round again, each owned by a target. */
export interface Circle {
  readonly size: number;
  /** Where the search for a key's target begins; `hash` is from 0 to 2^32 - 1. */
  locate(hash: number): number;
  /** Place of the target that owns a position. */
  ownerAt(position: number): number;
}

export function keyHash({ hashKey, clientAddress }: PickInput): number {
  return hash32(hashKey === '' ? clientAddress : hashKey);
}

export function addressHash({ clientAddress }: PickInput): number {
  return hash32(clientAddress);
}

export function targetHash(target: Target): number {
  return hash32(addressOf(target));
}

/** More places than any fleet has; times 2^32 it stays a whole number. */
const PLACES = 2 ** 21;

/** Places in an order that depends on the targets alone, not on the order in which they are listed. */
export function canonicalOrder(targets: readonly Target[], hashes: Uint32Array): Uint32Array {
  // Sorted as numbers: with a comparison function this would cost more than all the rest of an update.
  const keys = Float64Array.from(hashes, (hash, place) => hash * PLACES + place).sort();
  const order = Uint32Array.from(keys, (key) => key % PLACES);
  for (let at = 1; at < order.length; at++) {
    // Equal hashes are rare; whoever has one is put in order by its address.
    for (let rank = at; rank > 0 && isMisplaced(targets, hashes, order, rank); rank--) {
      const place = order[rank] ?? 0;
      order[rank] = order[rank - 1] ?? 0;
      order[rank - 1] = place;
    }
  }
  return order;
}

function isMisplaced(targets: readonly Target[], hashes: Uint32Array, order: Uint32Array, rank: number): boolean {
  const [before, place] = [order[rank - 1] ?? 0, order[rank] ?? 0];
  return hashes[before] === hashes[place] && addressOf(targets[place]) < addressOf(targets[before]);
}

function addressOf(target: Target | undefined): string {
  return target === undefined ? '' : `${target.address} ${target.port}`;
}
