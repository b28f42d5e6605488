// A builder that has lived through any updates answers like a fresh one that got their sum, and leaks no counter.
// Knows nothing of what a change costs; builder.test.ts looks at that.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster, Endpoint, TrafficUpdate, VirtualHost } from '#traffic/model/ir.ts';
import {
  createSnapshotBuilder,
  type EndpointCounters,
  type EndpointHealth,
  type HealthUpdate,
  type Snapshot,
} from './index.ts';

type Table = 'clusters' | 'endpoints' | 'virtualHosts';

const name = fc.constantFrom('a', 'b', 'c');
const endpoint: fc.Arbitrary<Endpoint> = fc.record({
  address: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1'),
  port: fc.constantFrom(80, 81),
  weight: fc.integer({ min: 1, max: 3 }),
  pod: fc.constant(''),
  node: fc.constant(''),
  zone: fc.constant(''),
  ready: fc.boolean(),
  serving: fc.boolean(),
  terminating: fc.boolean(),
});
const policy: fc.Arbitrary<Cluster['policy']> = fc.constantFrom(
  { type: 'round_robin' },
  { type: 'weighted_round_robin' },
  { type: 'least_request', choices: 2 },
);
const cluster = fc.record({ name, policy }).map(
  (some): Cluster => ({
    ...some,
    upstreamProtocol: 'http1',
    timeouts: { connect: 0, response: 0, idle: 0 },
    retry: { attempts: 1 },
  }),
);
const virtualHost = fc
  .record({ hostname: fc.constantFrom('a.local', '*.local', '*'), path: fc.constantFrom('/', '/x'), to: name })
  .map(
    ({ hostname, path, to }): VirtualHost => ({
      hostname,
      wildcard: 'one-label',
      routes: [
        {
          name: `${hostname}${path}${to}`,
          metricName: '',
          path: { type: 'prefix', value: path },
          action: { type: 'forward', clusters: [{ cluster: to, weight: 1 }] },
        },
      ],
    }),
  );

const changes = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(name, fc.option(value, { nil: undefined })).map((entries) => new Map(Object.entries(entries)));
const health: fc.Arbitrary<HealthUpdate> = fc
  .dictionary(
    name,
    fc.dictionary(
      fc.constantFrom('10.0.0.1:80', '10.0.0.2:80', '[fd00::1]:81'),
      fc.constantFrom<EndpointHealth>('drained', 'pending', 'unhealthy', 'ejected'),
    ),
  )
  .map((clusters) => new Map(Object.entries(clusters).map(([key, states]) => [key, new Map(Object.entries(states))])));
const update = fc.record({
  clusters: changes(cluster),
  endpoints: changes(fc.array(endpoint, { maxLength: 4 })),
  virtualHosts: changes(virtualHost),
  /** Comes with the update, or right after it. */
  health,
  atOnce: fc.boolean(),
});

class Slots implements EndpointCounters {
  readonly held = new Set<string>();

  slot(key: string): number {
    this.held.add(key);
    return 0;
  }

  inFlight(): number {
    return 0;
  }

  release(key: string): void {
    this.held.delete(key);
  }
}

/** Everything a snapshot answers, as plain data. */
function answers(snapshot: Snapshot | undefined): unknown {
  const routes = ['a.local', 'b.local', 'c.d'].flatMap((host) =>
    ['/', '/x/y'].map((path) => snapshot?.route('http', host, path)?.route.name),
  );
  const clusters = [...(snapshot?.clusters ?? [])]
    .map(([key, { config, targets, endpoints, levels }]) => ({
      key,
      config,
      endpoints,
      levels: levels.map(({ name, load, panic }) => ({ name, load, panic })),
      targets: targets.map((target) => [target.key, target.weight, target.endpoint]),
    }))
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  return { routes, clusters };
}

/** The updates as one. */
function sumOf(updates: readonly Pick<TrafficUpdate, Table>[]): TrafficUpdate {
  const sum = { clusters: new Map(), endpoints: new Map(), virtualHosts: new Map() };
  for (const one of updates) {
    for (const table of ['clusters', 'endpoints', 'virtualHosts'] as const) {
      for (const [key, value] of one[table] ?? []) sum[table].set(key, value);
    }
  }
  return { version: updates.length, ...sum };
}

describe('snapshot builder after any updates', () => {
  it('answers like a fresh one and holds the counters of its endpoints only', () => {
    fc.assert(
      fc.property(fc.array(update, { maxLength: 8 }), (updates) => {
        const slots = new Slots();
        const lived = createSnapshotBuilder({ random: () => 0, counters: slots });
        let snapshot = lived.apply({ version: 0 });
        for (const [index, { health, atOnce, ...one }] of updates.entries()) {
          snapshot = lived.apply({ version: index + 1, ...one }, atOnce ? health : undefined);
          if (!atOnce) snapshot = lived.applyHealth(health);
        }

        const fresh = createSnapshotBuilder({ random: () => 0, counters: new Slots() });
        const told = new Map(updates.flatMap(({ health }) => [...health]));
        expect(answers(snapshot)).toEqual(answers(fresh.apply(sumOf(updates), told)));

        const keys = [...snapshot.clusters.values()].flatMap(({ endpoints }) =>
          endpoints.map(({ address, port }) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)),
        );
        expect(slots.held).toEqual(new Set(keys));
      }),
      { numRuns: 300 },
    );
  });
});
