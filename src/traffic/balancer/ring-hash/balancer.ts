// ring_hash: a key stays with one target, on a ring where targets have points by their weight.
// Keeps no table of keys: every worker computes the same answer from the addresses alone.
import type { Balancer, Target } from '../balancer.ts';
import { keyHash } from '../hashing/circle.ts';
import { RingBalancer } from '../hashing/ring-balancer.ts';
import type { Policy } from '../policy.ts';
import { parseRingHash, type RingHashConfig } from './config.ts';

export const ringHash: Policy<RingHashConfig> = {
  type: 'ring_hash',
  promises: { weights: true, sticky: true },
  parse: parseRingHash,
  create: <T extends Target>(config: RingHashConfig): Balancer<T> =>
    new RingBalancer<T>(config, { hash: keyHash, hashBalanceFactor: config.hashBalanceFactor }),
};
