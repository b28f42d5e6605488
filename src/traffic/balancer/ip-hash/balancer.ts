// ip_hash: a client address stays with one target, whatever else the request says.
// ring_hash with nothing to set; every worker computes the same answer from the addresses alone.
import type { Balancer, Target } from '../balancer.ts';
import { addressHash } from '../hashing/circle.ts';
import { DEFAULT_MAXIMUM_SIZE, DEFAULT_POINTS_PER_ENDPOINT } from '../hashing/ring.ts';
import { RingBalancer } from '../hashing/ring-balancer.ts';
import type { Policy } from '../policy.ts';
import { type IpHashConfig, parseIpHash } from './config.ts';

const ring = { pointsPerEndpoint: DEFAULT_POINTS_PER_ENDPOINT, maximumSize: DEFAULT_MAXIMUM_SIZE };

export const ipHash: Policy<IpHashConfig> = {
  type: 'ip_hash',
  promises: { weights: true, sticky: true },
  parse: parseIpHash,
  create: <T extends Target>(): Balancer<T> => new RingBalancer<T>(ring, { hash: addressHash, hashBalanceFactor: 0 }),
};
