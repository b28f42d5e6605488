// The traffic controller against a real API server: objects go in by the API, routes come out at the sink.
// The sink keeps the tables an engine would keep.
import type { Event, Secret, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers, type Informers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { type Clock, FakeClock, systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import type { Listener, TrafficSink, TrafficUpdate } from '#traffic/model/ir.ts';
import { createSnapshotBuilder, type Snapshot } from '#traffic/snapshot/index.ts';
import { startTraffic } from './index.ts';

const http: Listener = { name: 'http', address: '127.0.0.1', port: 0, protocol: 'http' };

/** Applies updates as an engine does, and lets a test wait for a state. */
class TestEngine implements TrafficSink {
  readonly updates: TrafficUpdate[] = [];
  readonly #builder = createSnapshotBuilder({
    random: Math.random,
    counters: { slot: () => 0, inFlight: () => 0, release: () => {} },
  });
  readonly #waiting = new Set<() => void>();
  snapshot: Snapshot | undefined;

  publish(update: TrafficUpdate): void {
    this.updates.push(update);
    this.snapshot = this.#builder.apply(structuredClone(update));
    for (const check of this.#waiting) check();
  }

  until(holds: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    const { promise, resolve } = Promise.withResolvers<Snapshot>();
    const check = (): void => {
      if (this.snapshot === undefined || !holds(this.snapshot)) return;
      this.#waiting.delete(check);
      resolve(this.snapshot);
    };
    this.#waiting.add(check);
    check();
    return promise;
  }

  addresses(cluster: string): string[] {
    return this.snapshot?.cluster(cluster)?.targets.map(({ address }) => address) ?? [];
  }
}

function service(name: string): Service & KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 as never }] },
  };
}

function slice(name: string, ...addresses: string[]): EndpointSlice & KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

function ingress(
  name: string,
  host: string,
  backend: string,
  spec: Partial<Ingress['spec']> = {},
): Ingress & KubeObject {
  const to = { service: { name: backend, port: { name: 'http' } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'default', name },
    spec: {
      ingressClassName: 'evenkeel',
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: to }] } }],
      ...spec,
    },
  };
}

describe('traffic controller', () => {
  let server: TestServer;
  let client: Client;
  let informers: Informers;
  let engine: TestEngine;
  let traffic: { stop(): Promise<void> } | undefined;

  beforeEach(async () => {
    server = await startTestServer();
    client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
    informers = createInformers(client, { log: silentLogger, clock: systemClock });
    engine = new TestEngine();
    informers.start();
  });

  afterEach(async () => {
    await traffic?.stop();
    traffic = undefined;
    await informers.stop();
    await client.close();
    await server.close();
  });

  async function start(sink = engine, clock: Clock = systemClock): Promise<void> {
    traffic = await startTraffic({
      client,
      informers,
      sink,
      listeners: [http],
      ingressClass: 'evenkeel',
      publishAddress: '127.0.0.1',
      log: silentLogger,
      clock,
    });
  }

  it('tells a Service of a port that could not be listened at, and no other', async () => {
    const message = 'Cannot serve Service "default/web:http" on 127.96.0.4:80: ports below 1024 need privileges';
    await client.create(builtin('Service'), service('web'));
    const errors = new Map([
      ['default/web:http', new Error(message)],
      ['http', new Error('a listener of its own')],
    ]);
    await start(Object.assign(engine, { applied: async () => {}, listenErrors: () => errors }));
    await eventually('the Service has an event', async () => {
      const { items } = await client.list<Event & KubeObject>(builtin('Event'));
      const told = items.map(({ involvedObject, reason, message: text }) => [involvedObject.name, reason, text]);
      expect(told).toEqual([['web', 'FailedToListen', message]]);
    });
  });

  it('publishes everything there is, once', async () => {
    await client.create(builtin('Service'), service('web'));
    await client.create(builtin('EndpointSlice'), slice('web', '127.244.0.2'));
    await client.create(builtin('Ingress'), ingress('web', 'shop.local', 'web'));
    await start();
    expect(engine.updates).toHaveLength(1);
    expect(engine.snapshot?.listeners.get('http')).toEqual(http);
    expect(engine.snapshot?.route('http', 'shop.local', '/')?.pickCluster()).toBe('default/web/http');
    expect(engine.addresses('default/web/http')).toEqual(['127.244.0.2']);
    expect(engine.snapshot?.services.get('default/web:http')?.clusterIPs).toEqual([
      expect.stringMatching(/^127\.96\./),
    ]);
  });

  it('publishes an endpoint change as nothing but that', async () => {
    await client.create(builtin('Service'), service('web'));
    const created = await client.create(builtin('EndpointSlice'), slice('web', '127.244.0.2', '127.244.0.3'));
    await client.create(builtin('Ingress'), ingress('web', 'shop.local', 'web'));
    await start();
    await client.update(builtin('EndpointSlice'), { ...created, endpoints: slice('web', '127.244.0.3').endpoints });
    await engine.until(() => engine.addresses('default/web/http').length === 1);
    const { version, ...changes } = engine.updates.at(-1) ?? { version: 0 };
    expect(version).toBe(2);
    expect(Object.keys(changes)).toEqual(['endpoints']);
  });

  it('follows an Ingress from the missing Service to its end', async () => {
    await client.create(builtin('Ingress'), ingress('web', 'shop.local', 'web'));
    await start();
    expect(engine.snapshot?.route('http', 'shop.local', '/')?.route.action).toMatchObject({ status: 503 });
    await client.create(builtin('Service'), service('web'));
    await engine.until((now) => now.route('http', 'shop.local', '/')?.pickCluster() === 'default/web/http');
    await client.delete(builtin('Ingress'), 'web', 'default');
    await engine.until((now) => now.route('http', 'shop.local', '/') === undefined);
  });

  it('takes up a certificate when its Secret comes, and the next when it is replaced', async () => {
    const authority = await createAuthority({ commonName: 'test' });
    const issue = () => authority.issue({ commonName: 'shop.local', dnsNames: ['shop.local'], server: true });
    const tls = [{ hosts: ['shop.local'], secretName: 'shop-tls' }];
    await client.create(builtin('Service'), service('web'));
    await client.create(builtin('Ingress'), ingress('web', 'shop.local', 'web', { tls }));
    await start();
    expect(engine.snapshot?.certificatesFor('https', 'shop.local')[0]).toBeUndefined();
    const secret = ({ certPem, keyPem }: { certPem: string; keyPem: string }): Secret & KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'default', name: 'shop-tls' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': btoa(certPem), 'tls.key': btoa(keyPem) },
    });
    const first = await issue();
    const created = await client.create(builtin('Secret'), secret(first));
    const before = await engine.until((now) => now.certificatesFor('https', 'shop.local')[0] !== undefined);
    expect(before.certificatesFor('https', 'shop.local')[0]?.privateKeyPem.value).toBe(first.keyPem);
    const second = await issue();
    await client.update(builtin('Secret'), { ...created, data: secret(second).data ?? {} });
    const after = await engine.until(
      (now) => now.certificatesFor('https', 'shop.local')[0]?.certificateChainPem === second.certPem,
    );
    expect(after.certificatesFor('https', 'shop.local')[0]?.fingerprint).not.toBe(
      before.certificatesFor('https', 'shop.local')[0]?.fingerprint,
    );
  });

  it('writes the status of its Ingresses and no other, and no update follows from that', async () => {
    await client.create(builtin('Service'), service('web'));
    await client.create(builtin('Ingress'), ingress('web', 'shop.local', 'web'));
    await client.create(builtin('Ingress'), ingress('foreign', 'x.local', 'web', { ingressClassName: 'nginx' }));
    await start();
    await statusWritten('web');
    // An update that must follow stands behind whatever the status write might have caused.
    await client.create(builtin('Service'), service('later'));
    await engine.until((now) => now.cluster('default/later/http') !== undefined);
    expect(engine.updates).toHaveLength(2);
    const foreign = await client.get<Ingress & KubeObject>(builtin('Ingress'), 'foreign', 'default');
    expect(foreign.status?.loadBalancer?.ingress).toBeUndefined();
  });

  it('tells the owner of an Ingress what stays wrong with it, once', async () => {
    const clock = new FakeClock();
    await client.create(builtin('Ingress'), ingress('web', 'shop.local', 'gone'));
    await client.create(builtin('Ingress'), ingress('early', 'early.local', 'late'));
    await start(engine, clock);
    await client.create(builtin('Service'), service('late'));
    await seen('Service', 'default/late');
    clock.advance(1_000);
    await client.create(builtin('Service'), service('other'));
    await seen('Service', 'default/other');
    clock.advance(2_000);
    await traffic?.stop();
    const { items } = await client.list<Event & KubeObject>(builtin('Event'), { namespace: 'default' });
    const told = items.filter((event) => event.involvedObject.kind === 'Ingress');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      type: 'Warning',
      reason: 'ServiceNotFound',
      message: expect.stringContaining('Service "default/gone" does not exist'),
      involvedObject: { name: 'web' },
      count: 1,
    });
  });

  it('says the same after a restart', async () => {
    await client.create(builtin('Service'), service('web'));
    await client.create(builtin('EndpointSlice'), slice('web', '127.244.0.2'));
    await client.create(builtin('Ingress'), ingress('web', 'shop.local', 'web'));
    await start();
    await statusWritten('web');
    await traffic?.stop();
    const again = new TestEngine();
    await start(again);
    expect(again.updates).toEqual(engine.updates);
  });

  function statusWritten(name: string): Promise<void> {
    return seen(
      'Ingress',
      `default/${name}`,
      (now: Ingress) => now.status?.loadBalancer?.ingress?.[0]?.ip === '127.0.0.1',
    );
  }

  /** Resolves once the informers, and so the controller, have such an object. */
  async function seen<T>(kind: string, key: string, holds: (now: T) => boolean = () => true): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = informers.of(builtin(kind)).onChange((changed, now) => {
      if (changed === key && now !== undefined && holds(now as T)) resolve();
    });
    await promise;
    end();
  }
});
