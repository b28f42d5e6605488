// Endpoints that fail their requests, as clients and the admin page see it: ejected by all workers, and back in time.
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Cluster } from '#traffic/model/ir.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { endpoint, listener, route, service, simpleModel, update } from '../testing/model.ts';
import { RawClient, rawBackend } from '../testing/peers.ts';
import {
  backends,
  CLUSTER,
  engineOver,
  type GrpcKnobs,
  grpcBackend,
  report,
  reportOf,
  republish,
  send,
  shares,
  states,
} from './testing.ts';

const harness = new Harness();
afterEach(() => harness.close());

/** An ejection that lasts for longer than any test. */
const LONG = 600_000;
const noRetry = { retry: { attempts: 0 } };

describe('a run of 5xx', () => {
  it('ejects the endpoint in every worker, however the failures were spread over them', async () => {
    const fleet = await backends(harness, 4);
    const [bad, ...others] = fleet as [(typeof fleet)[0], ...typeof fleet];
    const settings = { outlierDetection: { consecutive5xx: 5, baseEjection: LONG, maxEjection: LONG } };
    const engine = await engineOver(harness, fleet, settings, { workers: 2 });
    bad.status = 500;
    await eventually('the endpoint is ejected', async () => {
      await send(engine, 10);
      expect(await states(engine, fleet)).toEqual(['ejected', 'healthy', 'healthy', 'healthy']);
    });
    // The counts of the report come from all workers: each of them has the news by now.
    const got = await shares(engine, fleet, 60);
    expect(got[0]).toBe(0);
    for (const one of others) expect(one.requests).toBeGreaterThan(0);
    expect(await reportOf(engine, bad)).toMatchObject({
      state: 'ejected',
      usable: false,
      reason: expect.stringMatching(/^consecutive 5xx, for \d+ s more, 1st in a row$/),
      ejection: { cause: 'consecutive_5xx', times: 1 },
    });
    expect(await engine.metricsText()).toContain(
      `evenkeel_outlier_ejections_total{cluster="${CLUSTER}",cause="consecutive_5xx"} 1\n`,
    );
    expect(await engine.metricsText()).toContain(
      `evenkeel_cluster_endpoints{cluster="${CLUSTER}",state="ejected"} 1\n`,
    );
  });

  it('counts what was not answered in the time of the whole request, unless the client did not send it', async () => {
    const mute = await harness.backend(rawBackend((socket) => socket.on('data', () => {})));
    const engine = await harness.engine();
    const outlierDetection = { consecutive5xx: 2, baseEjection: LONG, maxEjection: LONG };
    engine.publish(simpleModel([mute.port], { ...noRetry, outlierDetection }, { timeouts: { request: 60 } }));
    await engine.applied();
    for (let i = 0; i < 3; i++) {
      const slow = new RawClient(portOf(engine)).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx');
      expect(await slow.until((text) => text.includes('route'))).toMatch(/^HTTP\/1\.1 504 /);
      slow.destroy();
    }
    expect(await states(engine, [mute])).toEqual(['healthy']);
    expect(await send(engine, 2)).toEqual([504, 504]);
    await eventually('it is ejected', async () => expect(await states(engine, [mute])).toEqual(['ejected']));
  });

  it('is over with one good answer', async () => {
    const [only] = (await backends(harness, 1)) as [Awaited<ReturnType<typeof backends>>[0]];
    const engine = await engineOver(harness, [only], { outlierDetection: { consecutive5xx: 3, baseEjection: LONG } });
    for (let round = 0; round < 4; round++) {
      only.status = 500;
      await send(engine, 2);
      only.status = 200;
      await send(engine, 1);
    }
    expect(await states(engine, [only])).toEqual(['healthy']);
    only.status = 500;
    await send(engine, 3);
    await eventually('the endpoint is ejected', async () => expect(await states(engine, [only])).toEqual(['ejected']));
  });

  it('lets the endpoint return when its time is over', async () => {
    const fleet = await backends(harness, 2);
    const bad = fleet[0] as (typeof fleet)[0];
    const engine = await engineOver(harness, fleet, { outlierDetection: { consecutive5xx: 2, baseEjection: 50 } });
    bad.status = 503;
    await eventually('it was ejected', async () => {
      await send(engine, 4);
      expect(await engine.metricsText()).toMatch(/outlier_ejections_total.* [1-9]/);
    });
    bad.status = 200;
    const before = bad.requests;
    await eventually('it gets requests again', async () => {
      await send(engine, 2);
      expect(bad.requests).toBeGreaterThan(before);
      expect(await states(engine, fleet)).toEqual(['healthy', 'healthy']);
    });
  });

  it('takes out no more endpoints than the cap allows', async () => {
    const fleet = await backends(harness, 5);
    const outlierDetection = { consecutive5xx: 2, baseEjection: LONG, maxEjectionPercent: 40 };
    const engine = await engineOver(harness, fleet, { outlierDetection, panicThreshold: 0 });
    for (const one of fleet) one.status = 500;
    await send(engine, 60);
    await eventually('two are ejected', async () => {
      const ejected = (await states(engine, fleet)).filter((state) => state === 'ejected');
      expect(ejected).toHaveLength(2);
    });
    const got = await shares(engine, fleet, 30);
    expect(got.filter((count) => count > 0)).toHaveLength(3);
    expect(await report(engine)).toMatchObject({ panic: false });
  });

  it('does not count against the pod that has the address next', async () => {
    const fleet = await backends(harness, 2);
    const [bad, good] = fleet as [(typeof fleet)[0], (typeof fleet)[0]];
    const engine = await engineOver(harness, fleet, { outlierDetection: { consecutive5xx: 2, baseEjection: LONG } });
    bad.status = 500;
    await eventually('it is ejected', async () => {
      await send(engine, 4);
      expect(await states(engine, fleet)).toEqual(['ejected', 'healthy']);
    });
    bad.status = 200;
    await republish(engine, [endpoint(bad.port, 'test/its-successor'), endpoint(good.port)]);
    expect(await states(engine, fleet)).toEqual(['healthy', 'healthy']);
    expect((await shares(engine, fleet, 10))[0]).toBe(5);
  });
});

it('counts failures over all clusters that name an endpoint, and ejects it from those that watch', async () => {
  const fleet = await backends(harness, 2);
  const [bad] = fleet as [(typeof fleet)[0]];
  const watching: Partial<Cluster> = { ...noRetry, outlierDetection: { consecutive5xx: 6, baseEjection: LONG } };
  const engine = await harness.engine();
  const ports = fleet.map(({ port }) => port);
  const model = simpleModel(ports, watching);
  const one = model.clusters?.get(CLUSTER) as Cluster;
  const { outlierDetection: _, ...blind } = one;
  engine.publish({
    ...model,
    listeners: new Map(['http', 'b', 'c'].map((name) => [name, listener(name)])),
    virtualHosts: new Map(
      ['http', 'b', 'c'].map((name) => {
        const to = route(name === 'http' ? CLUSTER : name);
        return [name, { hostname: '*', wildcard: 'any-labels', listeners: [name], routes: [to] }];
      }),
    ),
    clusters: new Map([
      [CLUSTER, one],
      ['b', { ...one, name: 'b' }],
      ['c', { ...blind, name: 'c' }],
    ]),
    endpoints: new Map([CLUSTER, 'b', 'c'].map((name) => [name, ports.map((port) => endpoint(port))])),
  });
  await engine.applied();
  bad.status = 500;
  // Three failures by each of two clusters: neither has seen six.
  await send(engine, 6, 'http');
  await send(engine, 6, 'b');
  await eventually('it is ejected from both', async () => {
    expect((await report(engine, CLUSTER)).endpoints[0]?.state).toBe('ejected');
    expect((await report(engine, 'b')).endpoints[0]?.state).toBe('ejected');
  });
  expect((await report(engine, 'c')).endpoints[0]?.state).toBe('healthy');
});

it('ejects an endpoint that takes no connections, also for connections of a Service', async () => {
  const echo = await harness.backend(rawBackend((socket) => void socket.pipe(socket)));
  const gone = await rawBackend(() => {});
  await gone.close();
  const outlierDetection = { consecutiveConnectFailures: 3, consecutive5xx: 0, baseEjection: LONG };
  const engine = await harness.engine();
  engine.publish({
    ...simpleModel([gone.port, echo.port], { upstreamProtocol: 'tcp', outlierDetection }),
    services: new Map([['test/web:http', service('test/web:http', CLUSTER)]]),
  });
  await engine.applied();
  const port = engine.address('test/web:http@127.0.0.1:0')?.port ?? 0;
  await eventually('it is ejected', async () => {
    // What is sent comes back from the other one: its first choice refused.
    expect(await exchangeAndEnd(port)).toBe('hello');
    expect(await reportOf(engine, gone)).toMatchObject({ ejection: { cause: 'consecutive_connect_failures' } });
  });
});

/** Sends a word to an echo and ends; resolves with what came back. */
async function exchangeAndEnd(port: number): Promise<string> {
  const client = new RawClient(port);
  client.send('hello');
  await client.until((got) => got === 'hello');
  client.socket.end();
  return client.untilClosed();
}

it('ejects by the status of a gRPC call, which stands behind a 200', async () => {
  const fleet = [await grpcBackend(harness), await grpcBackend(harness)];
  const [sick, well] = fleet as [GrpcKnobs, GrpcKnobs];
  const engine = await engineOver(harness, fleet, {
    ...noRetry,
    upstreamProtocol: 'http2',
    outlierDetection: { consecutive5xx: 0, consecutiveGatewayErrors: 3, baseEjection: LONG },
  });
  const client = new Client(`127.0.0.1:${portOf(engine)}`, credentials.createInsecure());
  harness.after(async () => client.close());
  const call = (): Promise<number> =>
    new Promise((resolve) => {
      const same = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), (error) =>
        resolve(error === null ? 0 : error.code),
      );
    });
  const UNAVAILABLE = 14;
  sick.code = UNAVAILABLE;
  const codes = await Promise.all([1, 2, 3, 4].map(call));
  expect(new Set(codes)).toEqual(new Set([0, UNAVAILABLE]));
  await eventually('it is ejected', async () => {
    await call();
    expect(await states(engine, fleet)).toEqual(['ejected', 'healthy']);
  });
  expect(await Promise.all([1, 2, 3, 4].map(call))).toEqual([0, 0, 0, 0]);
  // NOT_FOUND is an answer: who gives it is well.
  well.code = 5;
  expect(await Promise.all([1, 2, 3, 4].map(call))).toEqual([5, 5, 5, 5]);
  expect(await states(engine, fleet)).toEqual(['ejected', 'healthy']);
});

it('ejects who fails far more often than its siblings, though never in a row', async () => {
  const fleet = await backends(harness, 4);
  const [flaky] = fleet as [(typeof fleet)[0]];
  const engine = await engineOver(harness, fleet, {
    outlierDetection: {
      consecutive5xx: 0,
      successRateStdevFactor: 1000,
      successRateMinimumHosts: 3,
      successRateRequestVolume: 5,
      interval: 200,
      baseEjection: LONG,
    },
  });
  await eventually('it is ejected', async () => {
    for (let i = 0; i < 10; i++) {
      flaky.status = i % 2 === 0 ? 500 : 200;
      await send(engine, 4);
    }
    expect(await reportOf(engine, flaky)).toMatchObject({ ejection: { cause: 'success_rate' } });
  });
});

it('does not hold an idle connection that closes as it is used against its endpoint', async () => {
  let answers = 0;
  const web = await harness.backend(
    rawBackend((socket) => {
      let first = true;
      socket.on('data', () => {
        if (first) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.destroy();
        answers += first ? 1 : 0;
        first = false;
      });
    }),
  );
  const fleet = [{ port: web.port }];
  const engine = await engineOver(harness, fleet, { outlierDetection: { consecutive5xx: 1, baseEjection: LONG } });
  expect(await send(engine, 4)).toEqual([200, 200, 200, 200]);
  expect(answers).toBe(4);
  // A round trip to the worker: what it had to say about failures has come by now.
  await engine.metricsText();
  expect((await report(engine)).endpoints[0]?.state).toBe('healthy');
});

it('uses everybody again when too few are healthy, and says so', async () => {
  const fleet = await backends(harness, 3);
  const outlierDetection = { consecutive5xx: 2, baseEjection: LONG, maxEjectionPercent: 100 };
  const engine = await engineOver(harness, fleet, { outlierDetection });
  for (const one of fleet.slice(0, 2)) one.status = 500;
  await eventually('two are ejected', async () => {
    await send(engine, 6);
    expect(await states(engine, fleet)).toEqual(['ejected', 'ejected', 'healthy']);
  });
  expect(await report(engine)).toMatchObject({ panic: true, levels: [{ name: 'any', load: 100, panic: true }] });
  expect(await shares(engine, fleet, 9)).toEqual([3, 3, 3]);
  const metrics = await engine.metricsText();
  expect(metrics).toContain(`evenkeel_cluster_panic{cluster="${CLUSTER}"} 1\n`);
  expect(metrics).toContain(`evenkeel_cluster_panics_total{cluster="${CLUSTER}"} 1\n`);
});

it('ends its series with the cluster', async () => {
  const fleet = await backends(harness, 2);
  const engine = await engineOver(harness, fleet, { outlierDetection: {} });
  expect(await engine.metricsText()).toContain('evenkeel_cluster_endpoints{');
  engine.publish(update({ clusters: new Map([[CLUSTER, undefined]]), endpoints: new Map([[CLUSTER, undefined]]) }));
  await engine.applied();
  expect(await engine.metricsText()).not.toContain('evenkeel_cluster_endpoints{');
});
