// Weights that change with time, as picks show them: slow start and load reports in front of the cluster's policy.
import { describe, expect, it } from 'vitest';
import type { Cluster, Endpoint, TrafficUpdate } from '#traffic/model/ir.ts';
import { createSnapshotBuilder, type EndpointCounters, type Snapshot } from './index.ts';

const counters: EndpointCounters = {
  slot: (key) => Number(/(\d+):/.exec(key)?.[1]),
  inFlight: () => 0,
  release: () => {},
};

function endpoint(last: number, more: Partial<Endpoint> = {}): Endpoint {
  const place = { pod: '', node: '', zone: '' };
  const state = { ready: true, serving: true, terminating: false };
  return { address: `10.0.0.${last}`, port: 80, weight: 1, ...place, ...state, ...more };
}

/** A cluster over time, on a clock that the test moves. */
class Fleet {
  now = 0;
  #version = 0;
  #snapshot: Snapshot;
  readonly #builder = createSnapshotBuilder({ random: () => 0, counters, now: () => this.now });

  constructor(settings: Partial<Cluster>, endpoints: readonly Endpoint[]) {
    const cluster: Cluster = {
      name: 'web',
      policy: { type: 'round_robin' },
      upstreamProtocol: 'http1',
      timeouts: { connect: 0, response: 0, idle: 0 },
      retry: { attempts: 1 },
      ...settings,
    };
    this.#snapshot = this.#apply({ clusters: new Map([['web', cluster]]), endpoints: new Map([['web', endpoints]]) });
  }

  #apply(update: Omit<TrafficUpdate, 'version'>): Snapshot {
    return this.#builder.apply({ version: this.#version++, ...update });
  }

  get web() {
    const found = this.#snapshot.cluster('web');
    if (found === undefined) throw new Error('Cluster "web" is not there');
    return found;
  }

  endpoints(...endpoints: readonly Endpoint[]): void {
    this.#snapshot = this.#apply({ endpoints: new Map([['web', endpoints]]) });
  }

  unhealthy(...keys: readonly string[]): void {
    const health = new Map([['web', new Map(keys.map((key) => [key, 'unhealthy' as const]))]]);
    this.#snapshot = this.#builder.applyHealth(health);
  }

  /** Time goes on; true when the tables changed with it. */
  advance(ms: number): boolean {
    this.now += ms;
    const next = this.#builder.refresh(this.now);
    this.#snapshot = next ?? this.#snapshot;
    return next !== undefined;
  }

  /** How many of `picks` each endpoint gets, by the last byte of its address. */
  shares(picks = 200): Record<string, number> {
    const shares: Record<string, number> = {};
    for (let i = 0; i < picks; i++) {
      const pick = this.web.picker.pick({ clientAddress: `192.0.2.${i}`, hashKey: '', now: this.now, tried: [] });
      if (pick.type === 'none') continue;
      shares[pick.target.index] = (shares[pick.target.index] ?? 0) + 1;
    }
    return shares;
  }
}

const slowStart = { windowMs: 10_000, aggression: 1, minWeightPercent: 10 };

describe('slow start', () => {
  it.each([{ type: 'round_robin' }, { type: 'weighted_round_robin' }] as const)(
    'gives an endpoint that joins its share little by little, under $type',
    (policy) => {
      const fleet = new Fleet({ policy, slowStart }, [endpoint(1)]);
      fleet.endpoints(endpoint(1), endpoint(2));
      expect(fleet.shares(110)).toEqual({ 1: 100, 2: 10 });
      expect(fleet.advance(5_000)).toBe(true);
      expect(fleet.shares(150)).toEqual({ 1: 100, 2: 50 });
      expect(fleet.advance(5_000)).toBe(true);
      expect(fleet.shares(200)).toEqual({ 1: 100, 2: 100 });
      expect(fleet.advance(5_000)).toBe(false);
    },
  );

  it('lets a whole cluster that starts begin at once', () => {
    const fleet = new Fleet({ slowStart }, []);
    fleet.endpoints(endpoint(1), endpoint(2));
    expect(fleet.shares(100)).toEqual({ 1: 50, 2: 50 });
  });

  it('begins again when another pod gets the address', () => {
    const fleet = new Fleet({ slowStart }, [endpoint(1, { pod: 'web-a' }), endpoint(2, { pod: 'web-b' })]);
    fleet.endpoints(endpoint(1, { pod: 'web-a' }), endpoint(2, { pod: 'web-c' }));
    expect(fleet.shares(110)).toEqual({ 1: 100, 2: 10 });
  });

  it('begins again when an endpoint returns from being unhealthy', () => {
    const fleet = new Fleet({ slowStart }, [endpoint(1), endpoint(2), endpoint(3)]);
    fleet.unhealthy('10.0.0.3:80');
    expect(fleet.shares(100)).toEqual({ 1: 50, 2: 50 });
    fleet.unhealthy();
    expect(fleet.shares(210)).toEqual({ 1: 100, 2: 100, 3: 10 });
    expect(fleet.web.describe(fleet.web.targets[2] as never, fleet.now)).toMatchObject({ slowStartFactor: 0.1 });
  });

  it('leaves clients where they are under a policy that keeps them', () => {
    const fleet = new Fleet({ policy: { type: 'ip_hash' }, slowStart }, [endpoint(1)]);
    fleet.endpoints(endpoint(1), endpoint(2));
    const before = fleet.shares();
    expect(before[2]).toBeGreaterThan(50);
    fleet.advance(5_000);
    expect(fleet.shares()).toEqual(before);
  });
});

describe('load reports', () => {
  it('move requests to where there is room, once they have come for long enough', () => {
    const fleet = new Fleet({ loadReports: { blackout: 1_000 } }, [endpoint(1), endpoint(2)]);
    const [busy, idle] = fleet.web.targets;
    if (busy === undefined || idle === undefined) throw new Error('Two targets were expected');
    for (let i = 0; i < 3; i++) {
      fleet.web.reportLoad?.(busy, 'TEXT cpu_utilization=0.9,rps_fractional=100', fleet.now);
      fleet.web.reportLoad?.(idle, 'TEXT cpu_utilization=0.3,rps_fractional=100', fleet.now);
      fleet.web.reportLoad?.(idle, 'nonsense=?', fleet.now);
      if (i === 0) expect(fleet.shares(100)).toEqual({ 1: 50, 2: 50 });
      fleet.advance(1_000);
    }
    expect(fleet.shares(100)).toEqual({ 1: 25, 2: 75 });
  });

  it('are not asked for by a cluster without the setting', () => {
    expect(new Fleet({ slowStart }, [endpoint(1)]).web.reportLoad).toBeUndefined();
  });
});

it('a preview tells the chances over all levels of nearness', () => {
  const builder = createSnapshotBuilder({ random: () => 0, counters, place: { node: '', zone: 'a' } });
  const near = [endpoint(1, { zone: 'a' }), endpoint(2, { zone: 'a' })];
  const entry = builder
    .apply(
      {
        version: 1,
        clusters: new Map([
          [
            'web',
            {
              name: 'web',
              policy: { type: 'random' },
              upstreamProtocol: 'http1',
              timeouts: { connect: 0, response: 0, idle: 0 },
              retry: { attempts: 0 },
              locality: { prefer: 'same_zone' },
            },
          ],
        ]),
        endpoints: new Map([['web', [...near, endpoint(3), endpoint(4)]]]),
      },
      new Map([['web', new Map([['10.0.0.2:80', 'ejected' as const]])]]),
    )
    .cluster('web');
  const chances = entry?.preview({ clientAddress: '192.0.2.1', hashKey: '', now: 0, tried: [] });
  expect(chances?.map(({ target, share }) => [target.index, share])).toEqual([
    [1, 0.7],
    [3, 0.15],
    [4, 0.15],
  ]);
});
