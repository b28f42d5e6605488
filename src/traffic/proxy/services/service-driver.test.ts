// Services at layer 4 through the real engine: TCP flows, UDP sessions, affinity, and addresses that cannot be bound.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServicePort } from '#traffic/model/ir.ts';
import type { Engine } from '../engine.ts';
import { Harness } from '../testing/harness.ts';
import { cluster, endpoint, service, update } from '../testing/model.ts';
import { RawClient, rawBackend } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

const NAME = 'test/db:sql';

function publish(engine: Engine, ports: readonly number[], overrides: Partial<ServicePort> = {}): Promise<void> {
  engine.publish(
    update({
      services: new Map([[NAME, service(NAME, 'test/db/sql', overrides)]]),
      clusters: new Map([['test/db/sql', cluster('test/db/sql', { upstreamProtocol: 'tcp' })]]),
      endpoints: new Map([['test/db/sql', ports.map((port) => endpoint(port))]]),
    }),
  );
  return engine.applied();
}

function servicePort(engine: Engine): number {
  return engine.address(`${NAME}@127.0.0.1:0`)?.port ?? 0;
}

describe('TCP Service', () => {
  let engine: Engine;
  beforeEach(async () => {
    engine = await harness.engine();
  });

  it('carries bytes both ways and preserves half-close', async () => {
    const echo = await harness.backend(
      rawBackend((socket) => {
        let got = '';
        socket.on('data', (bytes: Buffer) => {
          got += bytes.toString();
        });
        socket.on('end', () => socket.end(`got ${got.length}`));
      }),
    );
    await publish(engine, [echo.port]);
    const client = new RawClient(servicePort(engine));
    client.send('x'.repeat(200_000));
    client.socket.end();
    expect(await client.untilClosed()).toBe('got 200000');
    expect(await engine.clusters()).toMatchObject([{ endpoints: [{ port: echo.port, connections: 1 }] }]);
    await publish(engine, []);
    expect(await engine.metricsText()).not.toContain('evenkeel_upstream_connections_total{');
  });

  it('tries another endpoint before any byte when one refuses', async () => {
    const gone = await rawBackend(() => {});
    await gone.close();
    const alive = await harness.backend(rawBackend((socket) => socket.end('alive')));
    await publish(engine, [gone.port, alive.port]);
    for (let i = 0; i < 4; i++) expect(await new RawClient(servicePort(engine)).untilClosed()).toBe('alive');
  });

  it('resets a connection at once when no endpoint is ready', async () => {
    await publish(engine, []);
    const client = new RawClient(servicePort(engine));
    expect(await client.untilClosed()).toBe('');
    expect(await engine.metricsText()).toContain(`tcp_connections_total{service="${NAME}",outcome="no_endpoint"} 1`);
  });

  it('keeps a client with its endpoint under ClientIP affinity', async () => {
    const names = ['a', 'b', 'c'];
    const backends = await Promise.all(names.map((name) => harness.backend(rawBackend((socket) => socket.end(name)))));
    const ports = backends.map((backend) => backend.port);
    await publish(engine, ports, { affinitySeconds: 60 });
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add(await new RawClient(servicePort(engine)).untilClosed());
    expect(seen.size).toBe(1);
    await publish(engine, ports, { affinitySeconds: 0 });
    for (let i = 0; i < 6; i++) seen.add(await new RawClient(servicePort(engine)).untilClosed());
    expect(seen.size).toBe(3);
  });

  it('lets an established flow go on when its endpoint leaves', async () => {
    const echo = await harness.backend(rawBackend((socket) => socket.pipe(socket)));
    await publish(engine, [echo.port]);
    const client = new RawClient(servicePort(engine));
    await client.send('one').until((text) => text === 'one');
    await publish(engine, []);
    expect(await client.send('two').until((text) => text.length === 6)).toBe('onetwo');
    client.destroy();
  });

  it('reports an address that is taken once, and serves the others', async () => {
    const taken = await harness.backend(rawBackend(() => {}));
    const alive = await harness.backend(rawBackend((socket) => socket.end('alive')));
    const errors: string[] = [];
    engine.onListenError((name, error) => errors.push(`${name}: ${error.message}`));
    engine.publish(update({ services: new Map([['test/x:80', service('test/x:80', 'none', { port: taken.port })]]) }));
    await publish(engine, [alive.port]);
    expect(errors).toEqual([
      `test/x:80: Cannot serve Service "test/x:80" on 127.0.0.1:${taken.port}: the port is taken; stop the process that listens there`,
    ]);
    expect(await new RawClient(servicePort(engine)).untilClosed()).toBe('alive');
  });

  it('stops listening when the Service goes', async () => {
    const alive = await harness.backend(rawBackend((socket) => socket.end('alive')));
    await publish(engine, [alive.port]);
    const port = servicePort(engine);
    engine.publish(update({ services: new Map([[NAME, undefined]]) }));
    await engine.applied();
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a Service of both families', () => {
  it('is served on both of its addresses, by endpoints of either', async () => {
    const engine = await harness.engine();
    const alive = await harness.backend(rawBackend((socket) => socket.end('alive')));
    await publish(engine, [alive.port], { clusterIPs: ['127.0.0.1', '::1'] });
    const six = engine.address(`${NAME}@::1:0`);
    expect(six?.address).toBe('::1');
    const socket = connect({ host: '::1', port: six?.port ?? 0 });
    expect(await text(socket)).toBe('alive');
    expect(await new RawClient(servicePort(engine)).untilClosed()).toBe('alive');
    const backend = await udpBackend('a');
    await publish(engine, [backend.port], { protocol: 'UDP', clusterIPs: ['127.0.0.1', '::1'] });
    const client = createSocket('udp6');
    harness.after(() => new Promise((resolve) => client.close(() => resolve())));
    const reply = once(client, 'message');
    client.send('hi', engine.address(`${NAME}@::1:0`)?.port ?? 0, '::1');
    expect(String((await reply)[0])).toBe('a: hi');
  });
});

describe('UDP Service', () => {
  it('answers each client from its session, and moves it when the endpoint leaves', async () => {
    const engine = await harness.engine();
    const backends = await Promise.all(['a', 'b'].map(udpBackend));
    const [a, b] = backends.map((backend) => backend.port) as [number, number];
    await publish(engine, [a], { protocol: 'UDP' });
    const client = createSocket('udp4');
    harness.after(() => new Promise((resolve) => client.close(() => resolve())));
    const ask = (): Promise<string> =>
      new Promise((resolve) => {
        client.once('message', (reply) => resolve(reply.toString()));
        client.send('hi', servicePort(engine), '127.0.0.1');
      });
    expect(await ask()).toBe('a: hi');
    expect(await ask()).toBe('a: hi');
    expect(await engine.metricsText()).toContain(`udp_sessions_total{service="${NAME}",outcome="connected"} 1`);
    await publish(engine, [b], { protocol: 'UDP' });
    expect(await ask()).toBe('b: hi');
  });
});

describe('UDP address that is taken', () => {
  it('is reported, and served once it is free and the model changes', async () => {
    const engine = await harness.engine();
    const { port: taken, close } = await udpBackend('holder');
    const { port } = await udpBackend('a');
    const errors: string[] = [];
    engine.onListenError((name, error) => errors.push(`${name} ${(error as NodeJS.ErrnoException).code}`));
    await publish(engine, [port], { protocol: 'UDP', port: taken });
    expect(errors).toEqual([`${NAME} EADDRINUSE`]);
    await close();
    await publish(engine, [port], { protocol: 'UDP', port: taken });
    expect(engine.address(`${NAME}@127.0.0.1:${taken}`)).toEqual({ address: '127.0.0.1', port: taken });
  });
});

async function udpBackend(name: string): Promise<{ port: number; close(): Promise<void> }> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => socket.send(`${name}: ${message}`, from.port, from.address));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => socket.close(() => resolve()));
    return closed;
  };
  harness.after(close);
  return { port: socket.address().port, close };
}
