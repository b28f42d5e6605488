// Circuit breakers as clients meet them: refused at once beyond a limit, in line for a connection below it.
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Cluster } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { Harness, portOf } from './testing/harness.ts';
import { endpointsUpdate, simpleModel } from './testing/model.ts';
import { exchange, httpBackend, RawClient } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** A backend that holds every request until it is told to answer. */
async function holding(): Promise<{ port: number; held: ServerResponse[]; sockets: Set<unknown> }> {
  const held: ServerResponse[] = [];
  const sockets = new Set<unknown>();
  const backend = await harness.backend(httpBackend((_, response) => void held.push(response)));
  backend.server.on('connection', (socket) => sockets.add(socket));
  return { port: backend.port, held, sockets };
}

async function engineTo(
  ports: readonly number[],
  limits: Partial<Cluster>,
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const engine = await harness.engine(options);
  engine.publish(simpleModel(ports, limits));
  await engine.applied();
  return engine;
}

describe('maxRequests', () => {
  it('refuses at once what comes beyond it, over all workers, and counts it', async () => {
    const { port, held } = await holding();
    const engine = await engineTo([port], { circuitBreaker: { maxRequests: 4 } }, { workers: 2 });
    const waiting = Array.from({ length: 4 }, () => exchange(portOf(engine), get));
    await eventually('4 requests at the backend', () => expect(held).toHaveLength(4));
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 [\s\S]*all the requests it may have/);
    for (const response of held) response.end('done');
    for (const text of await Promise.all(waiting)) expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(await engine.metricsText()).toContain(
      'evenkeel_cluster_overflows_total{cluster="test/web/http",limit="requests"} 1',
    );
    // There is room again.
    const after = exchange(portOf(engine), get);
    await eventually('5 requests at the backend', () => expect(held).toHaveLength(5));
    held[4]?.end('done');
    expect(await after).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('gives back the room of clients that leave', async () => {
    const { port, held } = await holding();
    const engine = await engineTo([port], { circuitBreaker: { maxRequests: 1 } });
    const leaving = new RawClient(portOf(engine)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('1 requests at the backend', () => expect(held).toHaveLength(1));
    leaving.destroy();
    await eventually('0 requests in flight', async () =>
      expect(await engine.metricsText()).toContain('evenkeel_http_requests_in_flight 0'),
    );
    const after = exchange(portOf(engine), get);
    await eventually('2 requests at the backend', () => expect(held).toHaveLength(2));
    held[1]?.end('done');
    expect(await after).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('maxConnections', () => {
  it('has requests wait in line for a connection, and serves them in order', async () => {
    const { port, held, sockets } = await holding();
    const engine = await engineTo([port], { circuitBreaker: { maxConnections: 2 } });
    const all = Array.from({ length: 6 }, () => exchange(portOf(engine), get));
    for (let served = 0; served < 6; served++) {
      await eventually('one more request at the backend', () => expect(held.length).toBeGreaterThan(served));
      held[served]?.end('done');
    }
    for (const text of await Promise.all(all)) expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(sockets.size).toBe(2);
  });

  it.each([
    ['serves', 0],
    ['drains', 60_000],
  ])(
    'sends a request that waited to an endpoint of now, not of when it came, while the engine %s',
    async (_, drain) => {
      const [before, after] = [await holding(), await holding()];
      const engine = await engineTo([before.port], { circuitBreaker: { maxConnections: 1 } });
      const first = exchange(portOf(engine), get);
      await eventually('1 request at the backend', () => expect(before.held).toHaveLength(1));
      const second = exchange(portOf(engine), get);
      await eventually('2 requests in flight', async () =>
        expect(await engine.metricsText()).toContain('evenkeel_http_requests_in_flight 2'),
      );
      const drained = drain === 0 ? Promise.resolve() : engine.drain(drain);
      engine.publish(endpointsUpdate([after.port]));
      await engine.applied();
      before.held[0]?.end('done');
      expect(await first).toMatch(/^HTTP\/1\.1 200 /);
      await eventually('1 request at the backend that came', () => expect(after.held).toHaveLength(1));
      after.held[0]?.end('done');
      expect(await second).toMatch(/^HTTP\/1\.1 200 /);
      expect(before.held).toHaveLength(1);
      await drained;
    },
  );

  it('reads on in a body that was held back while its request waited', async () => {
    const { port, held } = await holding();
    const engine = await engineTo([port], { circuitBreaker: { maxConnections: 1 } }, { limits: { replay: 1000 } });
    const first = exchange(portOf(engine), get);
    await eventually('1 request at the backend', () => expect(held).toHaveLength(1));
    const second = new RawClient(portOf(engine)).send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\nConnection: close\r\n\r\n${'x'.repeat(2000)}`,
    );
    await eventually('2 requests in flight', async () =>
      expect(await engine.metricsText()).toContain('evenkeel_http_requests_in_flight 2'),
    );
    second.send('y'.repeat(500));
    await eventually('1 request that waits', async () =>
      expect(await engine.metricsText()).toContain('evenkeel_http_requests_in_flight 2'),
    );
    held[0]?.end('done');
    await first;
    await eventually('2 requests at the backend', () => expect(held).toHaveLength(2));
    second.send('z'.repeat(500));
    held[1]?.req.on('end', () => held[1]?.end('done')).resume();
    expect(await second.untilClosed()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('lets everybody go on who waits when the limit is taken away', async () => {
    const { port, held } = await holding();
    const engine = await engineTo([port], { circuitBreaker: { maxConnections: 1 } });
    const all = Array.from({ length: 4 }, () => exchange(portOf(engine), get));
    await eventually('4 requests in flight', async () =>
      expect(await engine.metricsText()).toContain('evenkeel_http_requests_in_flight 4'),
    );
    engine.publish(simpleModel([port]));
    await eventually('4 requests at the backend', () => expect(held).toHaveLength(4));
    for (const response of held) response.end('done');
    for (const text of await Promise.all(all)) expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('refuses at once when too many wait already', async () => {
    const { port, held } = await holding();
    const engine = await engineTo([port], { circuitBreaker: { maxConnections: 1, maxPending: 1 } });
    const first = exchange(portOf(engine), get);
    await eventually('1 requests at the backend', () => expect(held).toHaveLength(1));
    const second = exchange(portOf(engine), get);
    await eventually('2 requests in flight', async () =>
      expect(await engine.metricsText()).toContain('evenkeel_http_requests_in_flight 2'),
    );
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 [\s\S]*all the connections it may have/);
    held[0]?.end('done');
    expect(await first).toMatch(/^HTTP\/1\.1 200 /);
    await eventually('2 requests at the backend', () => expect(held).toHaveLength(2));
    held[1]?.end('done');
    expect(await second).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('answers 503 when no connection becomes free in time', async () => {
    const { port, held } = await holding();
    const engine = await engineTo([port], {
      circuitBreaker: { maxConnections: 1 },
      timeouts: { connect: 100, response: 5000, idle: 5000 },
    });
    const first = exchange(portOf(engine), get);
    await eventually('1 requests at the backend', () => expect(held).toHaveLength(1));
    expect(await exchange(portOf(engine), get)).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*No connection to a backend became free/,
    );
    held[0]?.end('done');
    expect(await first).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('makes room at an endpoint by closing what idles at another', async () => {
    const [a, b] = await Promise.all(
      [1, 2].map(() => harness.backend(httpBackend((_, response) => response.end('ok')))),
    );
    const engine = await engineTo([a?.port ?? 0, b?.port ?? 0], { circuitBreaker: { maxConnections: 1 } });
    for (let i = 0; i < 6; i++) expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('wakes a waiting request when the only busy connection breaks', async () => {
    const { port, held, sockets } = await holding();
    const engine = await engineTo([port], { circuitBreaker: { maxConnections: 1 }, retry: { attempts: 0 } });
    const first = exchange(portOf(engine), get);
    await eventually('1 requests at the backend', () => expect(held).toHaveLength(1));
    const second = exchange(portOf(engine), get);
    await eventually('2 requests in flight', async () =>
      expect(await engine.metricsText()).toContain('evenkeel_http_requests_in_flight 2'),
    );
    held[0]?.destroy();
    expect(await first).toMatch(/^HTTP\/1\.1 502 /);
    await eventually('2 requests at the backend', () => expect(held).toHaveLength(2));
    held[1]?.end('done');
    expect(await second).toMatch(/^HTTP\/1\.1 200 /);
    expect(sockets.size).toBe(2);
  });

  it('keeps its count when limits come, go and come back', async () => {
    const web = await harness.backend(httpBackend((_, response) => response.end('ok')));
    const engine = await engineTo([web.port], { circuitBreaker: { maxConnections: 1 } });
    for (const limits of [
      {},
      { circuitBreaker: { maxConnections: 1 } },
      {},
      { circuitBreaker: { maxConnections: 2 } },
    ]) {
      expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 /);
      engine.publish({ ...simpleModel([web.port], limits), listeners: new Map() });
      await engine.applied();
      expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 200 /);
    }
    engine.publish(endpointsUpdate([]));
    await engine.applied();
    expect(await exchange(portOf(engine), get)).toMatch(/^HTTP\/1\.1 503 /);
  });
});
