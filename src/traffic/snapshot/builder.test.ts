// Snapshots as an engine meets them: what each update rebuilds, and what it must leave alone.
// Uses the real policies; the counters are a plain table.
import { describe, expect, it } from 'vitest';
import type { Cluster, Endpoint, Route, TrafficUpdate, VirtualHost } from '#traffic/model/ir.ts';
import { createSnapshotBuilder, type EndpointCounters, type SnapshotBuilder } from './index.ts';

class TableCounters implements EndpointCounters {
  readonly slots = new Map<string, number>();
  readonly released: string[] = [];
  #next = 0;

  slot(key: string): number {
    const slot = this.slots.get(key) ?? this.#next++;
    this.slots.set(key, slot);
    return slot;
  }

  inFlight(): number {
    return 0;
  }

  release(key: string): void {
    this.slots.delete(key);
    this.released.push(key);
  }
}

const client = { clientAddress: '192.0.2.1', hashKey: '', now: 0, tried: [] };

function cluster(name: string, policy: Cluster['policy'] = { type: 'round_robin' }): Cluster {
  return {
    name,
    policy,
    upstreamProtocol: 'http1',
    timeouts: { connect: 0, response: 0, idle: 0 },
    retry: { attempts: 1 },
  };
}

function endpoint(address: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    address,
    port: 80,
    weight: 1,
    pod: '',
    node: '',
    zone: '',
    ready: true,
    serving: true,
    terminating: false,
    ...more,
  };
}

function host(hostname: string, routes: readonly Route[], more: Partial<VirtualHost> = {}): VirtualHost {
  return { hostname, wildcard: 'one-label', routes, ...more };
}

function route(name: string, path: string, clusters: Record<string, number> = { [name]: 1 }): Route {
  const weighted = Object.entries(clusters).map(([cluster, weight]) => ({ cluster, weight }));
  return {
    name,
    metricName: name,
    path: { type: 'prefix', value: path },
    action: { type: 'forward', clusters: weighted },
  };
}

function started(update: Partial<TrafficUpdate>): { builder: SnapshotBuilder; counters: TableCounters } {
  const counters = new TableCounters();
  const builder = createSnapshotBuilder({ random: () => 0, counters });
  builder.apply({ version: 1, ...update });
  return { builder, counters };
}

const shop: Partial<TrafficUpdate> = {
  virtualHosts: new Map([['shop', host('shop.local', [route('web', '/')])]]),
  clusters: new Map([
    ['web', cluster('web')],
    ['cart', cluster('cart')],
  ]),
  endpoints: new Map([
    ['web', [endpoint('10.0.0.1'), endpoint('10.0.0.2')]],
    ['cart', [endpoint('10.0.1.1')]],
  ]),
};

describe('snapshot builder', () => {
  it('carries everything over that an endpoint change does not touch', () => {
    const { builder } = started(shop);
    const before = builder.apply({ version: 2 });
    const after = builder.apply({ version: 3, endpoints: new Map([['web', [endpoint('10.0.0.2')]]]) });
    expect(after.version).toBe(3);
    expect(after.route('http', 'shop.local', '/')).toBe(before.route('http', 'shop.local', '/'));
    expect(after.virtualHosts).toBe(before.virtualHosts);
    expect(after.certificates).toBe(before.certificates);
    expect(after.services).toBe(before.services);
    expect(after.cluster('cart')).toBe(before.cluster('cart'));
    expect(after.cluster('web')?.targets[0]).toBe(before.cluster('web')?.targets[1]);
    expect(before.cluster('web')?.targets).toHaveLength(2);
  });

  it('rebuilds only the paths of the virtual host that changed', () => {
    const { builder } = started({
      virtualHosts: new Map([
        ['a', host('a.local', [route('a', '/')])],
        ['b', host('b.local', [route('b', '/')])],
      ]),
    });
    const before = builder.apply({ version: 2 });
    const after = builder.apply({ version: 3, virtualHosts: new Map([['b', host('b.local', [route('b2', '/')])]]) });
    expect(after.route('http', 'a.local', '/')).toBe(before.route('http', 'a.local', '/'));
    expect(after.route('http', 'b.local', '/')?.route.name).toBe('b2');
    expect(before.route('http', 'b.local', '/')?.route.name).toBe('b');
  });

  it('keeps the picker when news concern nobody who takes requests', () => {
    const { builder } = started(shop);
    const before = builder.apply({ version: 2 }).cluster('web');
    const joining = endpoint('10.0.0.3', { ready: false, serving: false });
    const after = builder
      .apply({ version: 3, endpoints: new Map([['web', [endpoint('10.0.0.1'), endpoint('10.0.0.2'), joining]]]) })
      .cluster('web');
    expect(after?.picker).toBe(before?.picker);
    expect(after?.endpoints).toHaveLength(3);
  });

  it('uses terminating endpoints that still serve only when none is ready', () => {
    const leaving = endpoint('10.0.0.9', { ready: false, terminating: true });
    const gone = endpoint('10.0.0.8', { ready: false, serving: false, terminating: true });
    const { builder } = started({
      clusters: new Map([['web', cluster('web')]]),
      endpoints: new Map([['web', [leaving, gone]]]),
    });
    const last = builder.apply({ version: 2 }).cluster('web');
    expect(last?.targets.map((target) => target.address)).toEqual(['10.0.0.9']);
    const next = builder.apply({ version: 3, endpoints: new Map([['web', [leaving, endpoint('10.0.0.1')]]]) });
    expect(next.cluster('web')?.targets.map((target) => target.address)).toEqual(['10.0.0.1']);
  });

  it('takes news of health in without touching what it does not concern', () => {
    const { builder } = started(shop);
    const before = builder.apply({ version: 2 });
    const ejected = builder.applyHealth(new Map([['web', new Map([['10.0.0.1:80', 'ejected' as const]])]]));
    expect(ejected.version).toBe(2);
    expect(ejected.cluster('web')?.targets.map(({ address }) => address)).toEqual(['10.0.0.2']);
    expect(ejected.cluster('web')?.health.get('10.0.0.1:80')).toBe('ejected');
    expect(ejected.cluster('cart')).toBe(before.cluster('cart'));
    // The word holds until another one comes, whatever else is published.
    const after = builder.apply({
      version: 3,
      endpoints: new Map([['web', [endpoint('10.0.0.1'), endpoint('10.0.0.3')]]]),
    });
    expect(after.cluster('web')?.targets.map(({ address }) => address)).toEqual(['10.0.0.3']);
    const healed = builder.applyHealth(new Map([['web', new Map()]]));
    expect(healed.cluster('web')?.targets.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.3']);
  });

  it('spreads requests over levels of nearness, by how healthy the near ones are', () => {
    const near = [endpoint('10.0.0.1', { zone: 'a' }), endpoint('10.0.0.2', { zone: 'a' })];
    const update: TrafficUpdate = {
      version: 1,
      clusters: new Map([['web', { ...cluster('web'), locality: { prefer: 'same_zone' } }]]),
      endpoints: new Map([['web', [...near, endpoint('10.0.0.3')]]]),
    };
    const health = new Map([['web', new Map([['10.0.0.1:80', 'unhealthy' as const]])]]);
    // Half of the zone is healthy: it carries 70 %.
    for (const [draw, address] of [
      [0.69, '10.0.0.2'],
      [0.7, '10.0.0.3'],
    ] as const) {
      const place = { node: '', zone: 'a' };
      const builder = createSnapshotBuilder({ random: () => draw, counters: new TableCounters(), place });
      const web = builder.apply(update, health).cluster('web');
      expect(web?.picker.pick(client)).toMatchObject({ target: { address } });
      expect(web?.levels.map(({ name, load }) => [name, load])).toEqual([
        ['zone', 70],
        ['any', 30],
      ]);
    }
  });

  it('gives an endpoint one counter in all clusters, and releases it with the last of them', () => {
    const { builder, counters } = started({
      clusters: new Map([
        ['a', cluster('a')],
        ['b', cluster('b')],
      ]),
      endpoints: new Map([
        ['a', [endpoint('10.0.0.1')]],
        ['b', [endpoint('10.0.0.1')]],
      ]),
    });
    const { clusters } = builder.apply({ version: 2 });
    expect(clusters.get('a')?.targets[0]?.index).toBe(clusters.get('b')?.targets[0]?.index);
    builder.apply({ version: 3, endpoints: new Map([['a', undefined]]) });
    expect(counters.released).toEqual([]);
    builder.apply({ version: 4, clusters: new Map([['b', undefined]]) });
    expect(counters.released).toEqual(['10.0.0.1:80']);
  });

  it('changes the policy of a cluster without touching its targets', () => {
    const { builder } = started(shop);
    const before = builder.apply({ version: 2 }).cluster('web');
    const after = builder
      .apply({ version: 3, clusters: new Map([['web', cluster('web', { type: 'random' })]]) })
      .cluster('web');
    expect(after?.picker).not.toBe(before?.picker);
    expect(after?.targets).toBe(before?.targets);
    expect(after?.picker.pick(client)).toEqual({ type: 'target', target: before?.targets[0] });
  });

  it('takes endpoints that come before their cluster, and answers none for a cluster without any', () => {
    const { builder } = started({ endpoints: new Map([['web', [endpoint('10.0.0.1')]]]) });
    const snapshot = builder.apply({
      version: 2,
      clusters: new Map([
        ['web', cluster('web')],
        ['empty', cluster('empty')],
      ]),
    });
    expect(snapshot.cluster('web')?.targets).toHaveLength(1);
    expect(snapshot.cluster('empty')?.picker.pick(client)).toEqual({ type: 'none', reason: 'No endpoint is usable' });
  });

  it('splits requests by weight, with the settings of each backend', () => {
    const canary = route('canary', '/', { blue: 1, green: 3, off: 0 });
    const entry = started({ virtualHosts: new Map([['x', host('*', [canary])]]) })
      .builder.apply({ version: 2 })
      .route('http', 'any', '/');
    const drawn = Array.from({ length: 8 }, () => entry?.pickBackend());
    expect(drawn.filter((backend) => backend?.cluster === 'blue')).toEqual(
      Array(2).fill({ cluster: 'blue', weight: 1 }),
    );
    expect(drawn.filter((backend) => backend?.cluster === 'green')).toHaveLength(6);
  });

  it('keeps the place in a split of a route that stays, when its neighbours change', () => {
    const canary = route('canary', '/', { blue: 1, green: 1 });
    const { builder } = started({ virtualHosts: new Map([['x', host('*', [canary])]]) });
    const before = builder.apply({ version: 2 }).route('http', 'any', '/');
    const drawn = [before?.pickCluster()];
    const changed = host('*', [structuredClone(canary), route('other', '/other')]);
    const after = builder.apply({ version: 3, virtualHosts: new Map([['x', changed]]) }).route('http', 'any', '/');
    drawn.push(after?.pickCluster());
    expect(drawn.sort()).toEqual(['blue', 'green']);
  });

  it('takes a route on what it asks of a request', () => {
    const plain = route('plain', '/');
    const canary: Route = {
      ...route('canary', '/'),
      headers: [{ name: 'x-canary', match: { type: 'exact', value: 'yes' } }],
    };
    const { builder } = started({ virtualHosts: new Map([['x', host('*', [plain, canary])]]) });
    const snapshot = builder.apply({ version: 2 });
    const request = { method: 'GET', header: () => 'yes', query: () => undefined };
    expect(snapshot.route('http', 'any', '/', request)?.route.name).toBe('canary');
    expect(snapshot.route('http', 'any', '/')?.route.name).toBe('plain');
  });

  it('serves a virtual host only on the listeners that it names', () => {
    const { builder } = started({
      virtualHosts: new Map([
        ['inside', host('shop.local', [route('inside', '/')], { listeners: ['internal'] })],
        ['outside', host('*', [route('outside', '/')])],
      ]),
    });
    const snapshot = builder.apply({ version: 2 });
    expect(snapshot.route('internal', 'shop.local', '/')?.route.name).toBe('inside');
    expect(snapshot.route('http', 'shop.local', '/')?.route.name).toBe('outside');
    expect(snapshot.route('internal', 'other.local', '/')?.route.name).toBe('outside');
  });
});
