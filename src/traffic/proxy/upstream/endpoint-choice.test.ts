// Whom a request avoids: those it has been to above all, then those that refused a connection to others.
import { describe, expect, it } from 'vitest';
import { type ClusterEntry, createSnapshotBuilder, type EngineTarget } from '#traffic/snapshot/index.ts';
import { EndpointSlots } from '../endpoint-slots.ts';
import { ClusterGuards } from '../guards/cluster-guard.ts';
import { defaultLimits } from '../http1/limits.ts';
import { simpleModel } from '../testing/model.ts';
import { createInFlightMemory, InFlightCounters } from '../workers/in-flight.ts';
import { EndpointChoice } from './endpoint-choice.ts';
import { UpstreamPools } from './pools.ts';

const client = { source: { address: '10.0.0.1', port: 1 }, destination: { address: '10.0.0.2', port: 80 } };

/** The tables of one worker for endpoints on these ports. */
function worker(ports: readonly number[]): { entry: ClusterEntry; pools: UpstreamPools } {
  const memory = createInFlightMemory(1);
  const update = simpleModel(ports);
  const counters = new InFlightCounters(memory, 0, 1, () => {});
  counters.learn(new EndpointSlots(memory, 1).apply(update));
  const snapshot = createSnapshotBuilder({ random: () => 0, counters }).apply(update);
  const slotOf = (key: string): number | undefined => counters.knownSlot(key);
  const pools = new UpstreamPools(slotOf, new ClusterGuards(counters, () => 0), defaultLimits, () => 0);
  return { entry: snapshot.cluster('test/web/http') as ClusterEntry, pools };
}

function next(choice: EndpointChoice, entry: ClusterEntry, pools: UpstreamPools, now = 0): EngineTarget {
  const pick = choice.next(entry, pools.avoided.of(entry, now), now);
  if (pick.type === 'none') throw new Error(pick.reason);
  return pick.target;
}

describe('EndpointChoice', () => {
  it('goes to one that refused others rather than to one twice', () => {
    const { entry, pools } = worker([1, 2]);
    const [first, second] = entry.targets as [EngineTarget, EngineTarget];
    pools.avoided.avoid(second.key, false, 0);
    const choice = new EndpointChoice();
    choice.begin('10.0.0.1', '');
    expect(next(choice, entry, pools)).toBe(first);
    expect(next(choice, entry, pools)).toBe(second);
  });
});

describe('UpstreamPools', () => {
  it('has picks avoid an endpoint for a second after it refused a connection', () => {
    const { entry, pools } = worker([1, 2, 3]);
    const [first, second] = entry.targets as [EngineTarget, EngineTarget];
    pools.avoided.avoid(first.key, false, 0);
    pools.avoided.avoid(second.key, false, 500);
    expect(pools.avoided.of(entry, 999)).toEqual([first, second]);
    pools.avoided.avoid(first.key, false, 999);
    expect(pools.avoided.of(entry, 1500)).toEqual([first]);
    expect(pools.avoided.of(entry, 1999)).toEqual([]);
  });

  it('looks only at those that refused, however large the cluster', () => {
    const { entry, pools } = worker(Array.from({ length: 5000 }, (_, port) => port + 1));
    pools.avoided.avoid((entry.targets[17] as EngineTarget).key, false, 0);
    let looks = 0;
    const counted = {
      ...entry,
      get targets(): readonly EngineTarget[] {
        looks += entry.targets.length;
        return entry.targets;
      },
      targetOf: (key: string) => {
        looks++;
        return entry.targetOf(key);
      },
    };
    expect(pools.avoided.of(counted, 10)).toEqual([entry.targets[17]]);
    expect(looks).toBe(1);
  });

  it('keeps no pool for an endpoint that has left', () => {
    const { entry } = worker([1]);
    const { pools } = worker([2]);
    const [gone] = entry.targets as [EngineTarget];
    const pool = pools.of(gone, entry.config, client);
    expect(pool.retired).toBe(true);
    expect(pools.of(gone, entry.config, client)).not.toBe(pool);
  });
});
