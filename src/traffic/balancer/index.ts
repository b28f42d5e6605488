// The registry of balancing policies: from settings to a balancer.
// The only place that knows every policy; to add one, see README.md.
import type { Balancer, Target } from './balancer.ts';
import { ipHash } from './ip-hash/balancer.ts';
import type { IpHashConfig } from './ip-hash/config.ts';
import { leastRequest } from './least-request/balancer.ts';
import type { LeastRequestConfig } from './least-request/config.ts';
import { maglev } from './maglev/balancer.ts';
import type { MaglevConfig } from './maglev/config.ts';
import { peakEwma } from './peak-ewma/balancer.ts';
import type { PeakEwmaConfig } from './peak-ewma/config.ts';
import type { BalancerDeps, Policy } from './policy.ts';
import { prequal } from './prequal/balancer.ts';
import type { PrequalConfig } from './prequal/config.ts';
import { random } from './random/balancer.ts';
import type { RandomConfig } from './random/config.ts';
import { ringHash } from './ring-hash/balancer.ts';
import type { RingHashConfig } from './ring-hash/config.ts';
import { roundRobin } from './round-robin/balancer.ts';
import type { RoundRobinConfig } from './round-robin/config.ts';
import { weightedRoundRobin } from './weighted-round-robin/balancer.ts';
import type { WeightedRoundRobinConfig } from './weighted-round-robin/config.ts';

export type PolicyConfig =
  | IpHashConfig
  | LeastRequestConfig
  | MaglevConfig
  | PeakEwmaConfig
  | PrequalConfig
  | RandomConfig
  | RingHashConfig
  | RoundRobinConfig
  | WeightedRoundRobinConfig;

type Policies = { readonly [Type in PolicyConfig['type']]: Policy<Extract<PolicyConfig, { type: Type }>> };

export const policies: Policies = {
  round_robin: roundRobin,
  weighted_round_robin: weightedRoundRobin,
  least_request: leastRequest,
  random,
  ip_hash: ipHash,
  ring_hash: ringHash,
  maglev,
  peak_ewma: peakEwma,
  prequal,
};

/** A balancer for a policy's settings; throws when they are out of range, naming field, value and remedy. */
export function createBalancer<T extends Target>(
  config: PolicyConfig | { readonly type: string },
  deps: BalancerDeps,
): Balancer<T> {
  if (!isKnown(config.type)) {
    throw new TypeError(`Balancing policy "${config.type}" is not known: use ${Object.keys(policies).join(', ')}`);
  }
  return create(config.type, config, deps);
}

function isKnown(type: string): type is PolicyConfig['type'] {
  return Object.hasOwn(policies, type);
}

function create<T extends Target, Type extends PolicyConfig['type']>(
  type: Type,
  config: { readonly type: string },
  deps: BalancerDeps,
): Balancer<T> {
  const policy: Policies[Type] = policies[type];
  return policy.create<T>(policy.parse({ ...config }), deps);
}
