// Connections to a Service that has no endpoint: they wait for the first one, within their bounds, and none is lost.
// Through the real engine; knows its metrics and what clients see.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HoldPolicy } from '#traffic/model/ir.ts';
import type { Engine } from '../engine.ts';
import { Harness } from '../testing/harness.ts';
import { cluster, endpoint, service, update } from '../testing/model.ts';
import { RawClient, rawBackend } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 3 * PATIENCE_MS });

const NAME = 'test/db:sql';
const CLUSTER = 'test/db/sql';
const hold: HoldPolicy = { maxRequests: 100, maxBytes: 1024, timeout: 10 * PATIENCE_MS };

function publish(engine: Engine, ports: readonly number[], policy: HoldPolicy | undefined): Promise<void> {
  const overrides = { upstreamProtocol: 'tcp', ...(policy === undefined ? {} : { hold: policy }) } as const;
  engine.publish(
    update({
      services: new Map([[NAME, service(NAME, CLUSTER)]]),
      clusters: new Map([[CLUSTER, cluster(CLUSTER, overrides)]]),
      endpoints: new Map([[CLUSTER, ports.map((port) => endpoint(port))]]),
    }),
  );
  return engine.applied();
}

async function engineAtZero(policy: HoldPolicy, onHeld: (cluster: string) => void = () => {}): Promise<Engine> {
  const engine = await harness.engine({ onHeld });
  await publish(engine, [], policy);
  return engine;
}

const client = (engine: Engine): RawClient => new RawClient(engine.address(`${NAME}@127.0.0.1:0`)?.port ?? 0);
const count = async (engine: Engine, series: string): Promise<number> =>
  Number(
    (await engine.metricsText())
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1] ?? 0,
  );
const held = (engine: Engine): Promise<number> => count(engine, `evenkeel_held_requests{cluster="${CLUSTER}"}`);
const ended = (engine: Engine, outcome: string): Promise<number> =>
  count(engine, `evenkeel_held_requests_total{cluster="${CLUSTER}",outcome="${outcome}"}`);
const waiting = (engine: Engine, wanted: number): Promise<void> =>
  expect.poll(() => held(engine), { timeout: PATIENCE_MS, interval: 10 }).toBe(wanted);

/** Sends back what it got, once that has ended. */
const echo = () =>
  harness.backend(
    rawBackend((socket) => {
      let got = '';
      socket.on('data', (bytes: Buffer) => {
        got += bytes.toString();
      });
      socket.on('end', () => socket.end(`got ${got.length}`));
    }),
  );

describe('a connection without an endpoint', () => {
  it('waits for the first one, with all that its client has said meanwhile, and is told of', async () => {
    const told: string[] = [];
    const engine = await engineAtZero(hold, (name) => told.push(name));
    const clients = Array.from({ length: 50 }, () => client(engine));
    for (const one of clients) {
      one.send('x'.repeat(200_000));
      one.socket.end();
    }
    await waiting(engine, 50);
    expect(new Set(told)).toEqual(new Set([CLUSTER]));
    expect((await engine.counts()).held.map(({ values }) => values[0])).toEqual([50]);
    const { port } = await echo();
    await publish(engine, [port], hold);
    for (const one of clients) expect(await one.untilClosed()).toBe('got 200000');
    expect([await held(engine), await ended(engine, 'released')]).toEqual([0, 50]);
    expect(await count(engine, `evenkeel_hold_duration_seconds_count{cluster="${CLUSTER}"}`)).toBe(50);
    // Nobody waits any more: the next one goes its way.
    const next = client(engine);
    next.socket.end('y');
    expect(await next.untilClosed()).toBe('got 1');
    expect(await ended(engine, 'released')).toBe(50);
  });

  it('is refused after its time, and beyond the bound at once', async () => {
    const engine = await engineAtZero({ ...hold, maxRequests: 2, timeout: 300 });
    const started = performance.now();
    const first = [client(engine), client(engine)];
    await waiting(engine, 2);
    const third = client(engine);
    expect(await third.untilClosed()).toBe('');
    expect(await ended(engine, 'overflow')).toBe(1);
    for (const one of first) expect(await one.untilClosed()).toBe('');
    expect(performance.now() - started).toBeGreaterThanOrEqual(300);
    expect([await held(engine), await ended(engine, 'timeout')]).toEqual([0, 2]);
    expect(await count(engine, `evenkeel_tcp_connections_total{service="${NAME}",outcome="no_endpoint"}`)).toBe(2);
    expect(await count(engine, `evenkeel_tcp_connections_total{service="${NAME}",outcome="overflow"}`)).toBe(1);
  });

  it('of a client that has left meanwhile ends with it, once it is released', async () => {
    const engine = await engineAtZero(hold);
    const left = client(engine);
    const stays = client(engine);
    await waiting(engine, 2);
    left.socket.resetAndDestroy();
    const { port } = await echo();
    await publish(engine, [port], hold);
    stays.socket.end('x');
    expect(await stays.untilClosed()).toBe('got 1');
    await expect.poll(async () => (await engine.clusters())[0]?.endpoints[0]?.inFlight).toBe(0);
  });

  it('is refused when its Service goes', async () => {
    const engine = await engineAtZero(hold);
    const one = client(engine);
    await waiting(engine, 1);
    const gone = new Map([[CLUSTER, undefined]]);
    engine.publish(update({ services: new Map([[NAME, undefined]]), clusters: gone, endpoints: gone }));
    expect(await one.untilClosed()).toBe('');
    expect(await held(engine)).toBe(0);
  });

  it('tries the next endpoint when the first one refuses, and waits no second time', async () => {
    const engine = await engineAtZero(hold);
    const one = client(engine);
    one.socket.end('x');
    await waiting(engine, 1);
    const gone = await rawBackend(() => {});
    await gone.close();
    const { port } = await echo();
    await publish(engine, [gone.port, port], hold);
    expect(await one.untilClosed()).toBe('got 1');
    expect(await ended(engine, 'released')).toBe(1);
  });
});
