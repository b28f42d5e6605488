// Settings of ring_hash: the size of the ring, and whether loads are bounded.
// Knows nothing of how the policy picks.
import { hashBalanceFactor } from '../hashing/load-bound.ts';
import { DEFAULT_MAXIMUM_SIZE, DEFAULT_POINTS_PER_ENDPOINT, type RingSettings } from '../hashing/ring.ts';
import { numberSetting, onlySettings } from '../policy.ts';

export interface RingHashConfig extends RingSettings {
  readonly type: 'ring_hash';
  /** Percent of its share of all requests in flight that a target may carry, 100 or more; 0: no bound. */
  readonly hashBalanceFactor: number;
}

export function parseRingHash(settings: Readonly<Record<string, unknown>>): RingHashConfig {
  const type = 'ring_hash';
  onlySettings(type, settings, ['pointsPerEndpoint', 'maximumSize', 'hashBalanceFactor']);
  return {
    type,
    pointsPerEndpoint: numberSetting(type, settings, 'pointsPerEndpoint', DEFAULT_POINTS_PER_ENDPOINT, {
      min: 1,
      max: 65_536,
      whole: true,
    }),
    maximumSize: numberSetting(type, settings, 'maximumSize', DEFAULT_MAXIMUM_SIZE, {
      min: 1,
      max: 8 * 2 ** 20,
      whole: true,
    }),
    hashBalanceFactor: hashBalanceFactor(type, settings),
  };
}
