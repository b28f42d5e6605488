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

export function targetHash({ address, port }: Target): number {
  return hash32(`${address} ${port}`);
}

/** Places in an order that depends on the targets alone, not on the order in which they are listed. */
export function canonicalOrder(targets: readonly Target[], hashes: Uint32Array): Uint32Array {
  const keyOf = (place: number): string => `${targets[place]?.address} ${targets[place]?.port}`;
  return Uint32Array.from(targets, (_, place) => place).sort((a, b) => {
    const order = (hashes[a] ?? 0) - (hashes[b] ?? 0);
    if (order !== 0) return order;
    return keyOf(a) < keyOf(b) ? -1 : 1;
  });
}
