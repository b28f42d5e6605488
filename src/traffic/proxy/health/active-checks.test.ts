// Active checks against real backends: who fails them gets no requests, who passes again does, and nobody is asked twice.
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import type { HealthCheck, UpstreamTls } from '#traffic/model/ir.ts';
import { Harness } from '../testing/harness.ts';
import { cluster, endpoint, update } from '../testing/model.ts';
import { rawBackend } from '../testing/peers.ts';
import { backends, engineOver, grpcBackend, reportOf, republish, shares, states } from './testing.ts';

const harness = new Harness();
afterEach(() => harness.close());

const http: HealthCheck = {
  type: 'http',
  path: '/healthz',
  interval: 20,
  timeout: 2000,
  jitter: 20,
  unhealthyThreshold: 2,
  healthyThreshold: 2,
};

describe('an HTTP check', () => {
  it('takes a backend out that fails it, in every worker, and brings it back', async () => {
    const fleet = await backends(harness, 3);
    const sick = fleet[0] as (typeof fleet)[0];
    const engine = await engineOver(harness, fleet, { healthCheck: http }, { workers: 2 });
    sick.health = 500;
    await eventually('it is unhealthy', async () =>
      expect(await states(engine, fleet)).toEqual(['unhealthy', 'healthy', 'healthy']),
    );
    expect((await shares(engine, fleet, 40))[0]).toBe(0);
    expect(await reportOf(engine, sick)).toMatchObject({
      reason: 'Answered 500',
      check: { good: false, detail: 'Answered 500' },
    });
    expect(await engine.metricsText()).toMatch(/evenkeel_health_checks_total\{type="http",outcome="failed"\} [1-9]/);
    sick.health = 200;
    await eventually('it is healthy', async () =>
      expect(await states(engine, fleet)).toEqual(['healthy', 'healthy', 'healthy']),
    );
    expect((await shares(engine, fleet, 40))[0]).toBeGreaterThan(0);
  });

  it('fails, and harms nothing else, when its request cannot be written', async () => {
    const fleet = await backends(harness, 1);
    const healthCheck: HealthCheck = { ...http, host: 'bad\nhost', unhealthyThreshold: 1 };
    const engine = await engineOver(harness, fleet, { healthCheck });
    await eventually('it is unhealthy', async () => expect(await states(engine, fleet)).toEqual(['unhealthy']));
    expect((await reportOf(engine, fleet[0] as (typeof fleet)[0])).reason).toMatch(/^Cannot be asked: /);
  });

  it('asks for the statuses, with the method and host, that it is told to', async () => {
    const seen: string[] = [];
    const web = await harness.backend(
      rawBackend((socket) =>
        socket.on('data', (bytes: Buffer) => {
          seen.push(bytes.toString());
          socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
        }),
      ),
    );
    const healthCheck: HealthCheck = {
      ...http,
      method: 'HEAD',
      host: 'health.local',
      expectedStatuses: ['200-299', '404'],
    };
    const engine = await harness.engine();
    engine.publish(
      update({
        clusters: new Map([['web', cluster('web', { healthCheck })]]),
        endpoints: new Map([['web', [endpoint(web.port)]]]),
      }),
    );
    await eventually('it was asked, and passed', async () => {
      const [report] = await engine.clusters();
      expect(report?.endpoints[0]).toMatchObject({ state: 'healthy', check: { good: true, detail: 'Answered 404' } });
    });
    expect(seen[0]).toMatch(
      /^HEAD \/healthz HTTP\/1\.1\r\nHost: health\.local\r\nUser-Agent: evenkeel-health-check\r\n/,
    );
  });

  it('fails when no answer comes in time, or no connection', async () => {
    const mute = await harness.backend(rawBackend(() => {}));
    const gone = await rawBackend(() => {});
    await gone.close();
    const engine = await harness.engine();
    engine.publish(
      update({
        clusters: new Map([['web', cluster('web', { healthCheck: { ...http, timeout: 100 } })]]),
        endpoints: new Map([['web', [endpoint(mute.port), endpoint(gone.port)]]]),
      }),
    );
    await eventually('both are unhealthy', async () => {
      const [report] = await engine.clusters();
      expect(report?.endpoints.map(({ state, reason }) => [state, reason])).toEqual([
        ['unhealthy', 'No answer within 100 ms'],
        ['unhealthy', 'Connection refused'],
      ]);
    });
  });

  it('keeps a backend out until its first good check where that is asked for, even when nobody else is there', async () => {
    const fleet = await backends(harness, 1);
    const only = fleet[0] as (typeof fleet)[0];
    only.health = 503;
    const engine = await engineOver(harness, fleet, { healthCheck: { ...http, initiallyUnhealthy: true } });
    await eventually('it has been asked', async () => expect(only.checks).toBeGreaterThan(2));
    expect(await states(engine, fleet)).toEqual(['pending']);
    expect(await shares(engine, fleet, 3)).toEqual([0]);
    only.health = 200;
    await eventually('it gets requests', async () => expect(await shares(engine, fleet, 1)).toEqual([1]));
  });

  it('is one, however many clusters and workers want it, and ends when nobody does', async () => {
    const fleet = await backends(harness, 1);
    const only = fleet[0] as (typeof fleet)[0];
    // Nobody asks a second time while this test runs: what is counted are first checks.
    const healthCheck = { ...http, interval: 600_000 };
    const engine = await engineOver(harness, fleet, { healthCheck }, { workers: 2 });
    const others = ['b', 'c'];
    engine.publish(
      update({
        clusters: new Map(others.map((name) => [name, cluster(name, { healthCheck: { ...healthCheck } })])),
        endpoints: new Map(others.map((name) => [name, [endpoint(only.port)]])),
      }),
    );
    engine.publish(
      update({
        clusters: new Map([['other-way', cluster('other-way', { healthCheck: { ...healthCheck, host: 'x' } })]]),
        endpoints: new Map([['other-way', [endpoint(only.port)]]]),
      }),
    );
    await eventually('all clusters have a result', async () => {
      const reports = await engine.clusters();
      expect(reports.flatMap(({ endpoints }) => endpoints.map(({ check }) => check?.good))).toEqual([
        true,
        true,
        true,
        true,
      ]);
    });
    expect(only.checks).toBe(2);
  });

  it('ends with the endpoint', async () => {
    const fleet = await backends(harness, 2);
    const [leaving, staying] = fleet as [(typeof fleet)[0], (typeof fleet)[0]];
    const engine = await engineOver(harness, fleet, { healthCheck: http });
    await eventually('both are asked', async () => expect(Math.min(leaving.checks, staying.checks)).toBeGreaterThan(1));
    await republish(engine, [endpoint(staying.port)]);
    // One check may have been under way.
    const asked = leaving.checks + 1;
    const until = staying.checks + 10;
    await eventually('the other is asked on', async () => expect(staying.checks).toBeGreaterThan(until));
    expect(leaving.checks).toBeLessThanOrEqual(asked);
  });
});

it('an HTTP check of a cluster that speaks HTTP/2 speaks it, too', async () => {
  let status = 200;
  const asked: string[] = [];
  const server = createHttp2Server((request, response) => {
    asked.push(`${request.httpVersion} ${request.method} ${request.url} ${request.headers['user-agent']}`);
    response.writeHead(status).end();
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  // Checks close their connections, so that nothing holds the server up.
  harness.after(() => new Promise((resolve) => server.close(() => resolve())));
  const engine = await engineOver(harness, [{ port }], { healthCheck: http, upstreamProtocol: 'http2' });
  await eventually('it was asked', async () => expect((await reportOf(engine, { port })).check?.good).toBe(true));
  expect(asked[0]).toBe('2.0 GET /healthz evenkeel-health-check');
  status = 503;
  await eventually('it is out', async () =>
    expect(await reportOf(engine, { port })).toMatchObject({ state: 'unhealthy', reason: 'Answered 503' }),
  );
});

it.each(['http', 'tcp'] as const)(
  'an %s check of a cluster that speaks TLS believes whom its requests believe',
  async (type) => {
    const [root, other] = await Promise.all(['Root', 'Other'].map((commonName) => createAuthority({ commonName })));
    const pair = await root?.issue({ commonName: 'web', dnsNames: ['web.test'] });
    const server = createTlsServer({ cert: pair?.certPem, key: pair?.keyPem }, (_request, response) =>
      response.end('ok'),
    );
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
    harness.after(() => new Promise((resolve) => server.close(() => resolve())));
    const tls = (caPem = ''): UpstreamTls => ({ serverName: 'web.test', caPem, fingerprint: caPem });
    const healthCheck: HealthCheck = { ...http, type };
    const engine = await harness.engine();
    engine.publish(
      update({
        clusters: new Map([
          ['known', cluster('known', { healthCheck, tls: tls(root?.certPem) })],
          ['stranger', cluster('stranger', { healthCheck, tls: tls(other?.certPem) })],
        ]),
        endpoints: new Map(['known', 'stranger'].map((name) => [name, [endpoint(port)]])),
      }),
    );
    await eventually('one is healthy, the other is not', async () => {
      const reports = await engine.clusters();
      expect(reports.map(({ endpoints }) => [endpoints[0]?.check?.good, endpoints[0]?.state])).toEqual([
        [true, 'healthy'],
        [false, 'unhealthy'],
      ]);
    });
  },
);

it('a TCP check is about connections only', async () => {
  const open = await harness.backend(rawBackend(() => {}));
  const gone = await rawBackend(() => {});
  await gone.close();
  const engine = await harness.engine();
  engine.publish(
    update({
      clusters: new Map([['web', cluster('web', { healthCheck: { ...http, type: 'tcp' } })]]),
      endpoints: new Map([['web', [endpoint(open.port), endpoint(gone.port)]]]),
    }),
  );
  await eventually('one is healthy, one is not', async () => {
    const [report] = await engine.clusters();
    expect(report?.endpoints.map(({ state }) => state)).toEqual(['healthy', 'unhealthy']);
    expect(report?.endpoints[0]?.check).toMatchObject({ good: true, detail: 'Connected' });
  });
});

it('a gRPC check follows the status that the service reports', async () => {
  const [sick, well] = [await grpcBackend(harness), await grpcBackend(harness)];
  const healthCheck: HealthCheck = { ...http, type: 'grpc', grpcService: 'shop.Cart' };
  const engine = await engineOver(harness, [sick, well], { healthCheck, upstreamProtocol: 'http2' });
  await eventually('both are asked', async () => {
    expect((await reportOf(engine, well)).check).toMatchObject({ good: true, detail: 'SERVING' });
    expect((await reportOf(engine, sick)).check).toMatchObject({ good: true });
  });
  expect(sick.services[0]).toBe('shop.Cart');
  const out = (reason: string) =>
    eventually(`one is out: ${reason}`, async () =>
      expect(await reportOf(engine, sick)).toMatchObject({ state: 'unhealthy', reason }),
    );
  const back = () =>
    eventually('it is back', async () => expect(await states(engine, [sick, well])).toEqual(['healthy', 'healthy']));
  sick.serving = 2;
  await out('NOT_SERVING');
  sick.serving = 1;
  await back();
  // UNIMPLEMENTED: who does not serve the protocol is not healthy by it.
  sick.code = 12;
  await out('gRPC status 12');
  sick.code = 0;
  await back();
});

it('tells a worker that is started again who is unhealthy', async () => {
  const fleet = await backends(harness, 2);
  const sick = fleet[0] as (typeof fleet)[0];
  const started = new Promise<Worker>((resolve) => process.once('worker', resolve));
  const engine = await engineOver(harness, fleet, { healthCheck: { ...http, healthyThreshold: 1_000_000 } });
  sick.health = 500;
  await eventually('it is out', async () => expect(await states(engine, fleet)).toEqual(['unhealthy', 'healthy']));
  const restarted = new Promise<Worker>((resolve) => process.once('worker', resolve));
  await (await started).terminate();
  await restarted;
  await engine.applied();
  expect(await shares(engine, fleet, 6)).toEqual([0, 6]);
});
