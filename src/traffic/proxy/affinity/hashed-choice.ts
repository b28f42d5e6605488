// Where a key leads by hashing alone: to one of the weighted backends of a route, and to one endpoint of a cluster.
// Keeps no list of keys; every worker and every gateway computes the same, whatever the cluster's own policy is.

import { hash32 } from '#lib/hash.ts';
import type { Pick, Picker, PickInput } from '#traffic/balancer/balancer.ts';
import { createBalancer } from '#traffic/balancer/index.ts';
import type { WeightedCluster } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';

/** The backend on whose share of the weights the key falls: a change of weights moves as few keys as it can. */
export function backendOf(
  backends: readonly WeightedCluster[],
  key: string,
  routeName: string,
): WeightedCluster | undefined {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  // By route, else one unlucky client would be everybody's canary.
  let point = (hash32(`${routeName}\0${key}`) / 2 ** 32) * total;
  return backends.find(({ weight }) => {
    point -= weight;
    return point < 0;
  });
}

/** The endpoint of a key: by hash, among those that may take requests, as near as the cluster prefers. */
export function endpointOf(cluster: ClusterEntry, input: PickInput): Pick<EngineTarget> {
  const { levels } = cluster;
  if (levels.length <= 1) return pickerOf(cluster.targets).pick(input);
  let point = (hash32(`level\0${input.hashKey}`) / 2 ** 32) * 100;
  const level = levels.find(({ load }) => {
    point -= load;
    return point < 0;
  });
  const pick = pickerOf(level?.targets ?? cluster.targets).pick(input);
  // All of a level may have been tried.
  return pick.type === 'target' && !input.tried.includes(pick.target) ? pick : pickerOf(cluster.targets).pick(input);
}

/** Of 1,000 endpoints each still has all its points; a ring of any size is made within some tens of milliseconds. */
const ring = { type: 'ring_hash', maximumSize: 2 ** 18 };

/** Rings live as long as the list of targets that they were made of. */
const rings = new WeakMap<readonly EngineTarget[], Picker<EngineTarget>>();

function pickerOf(targets: readonly EngineTarget[]): Picker<EngineTarget> {
  let made = rings.get(targets);
  if (made === undefined) {
    // Never drawn from: a ring leaves nothing to chance.
    made = createBalancer<EngineTarget>(ring, { random: Math.random }).update(targets);
    rings.set(targets, made);
  }
  return made;
}
