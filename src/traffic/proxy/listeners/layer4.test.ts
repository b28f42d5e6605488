// Listeners that carry bytes: TCP, and TLS by server name, with the whole engine between real sockets.
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority } from '#traffic/identity/authority.ts';
import type { Cluster, Listener } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { composeProxyHeader } from '../proxy-protocol/compose.ts';
import { readProxyHeader } from '../proxy-protocol/read.ts';
import { clientHello, helloMessage, records } from '../testing/client-hello.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { cluster, endpoint, listener, update } from '../testing/model.ts';
import { RawClient, rawBackend } from '../testing/peers.ts';
import { ask } from '../testing/tls-client.ts';

const harness = new Harness();
afterEach(() => harness.close());

/** One listener that leads to one cluster, or several clusters by port. */
async function start(
  settings: Partial<Listener>,
  ports: Readonly<Record<string, readonly number[]>>,
  overrides: Partial<Cluster> = {},
  options: Partial<EngineOptions> = {},
): Promise<Engine> {
  const engine = await harness.engine(options);
  const protocol = settings.protocol ?? 'tcp';
  const names = Object.keys(ports);
  engine.publish(
    update({
      listeners: new Map([
        ['l4', { ...listener('l4', protocol), clusters: [{ cluster: 'app', weight: 1 }], ...settings }],
      ]),
      clusters: new Map(names.map((name) => [name, cluster(name, { upstreamProtocol: 'tcp', ...overrides })])),
      endpoints: new Map(names.map((name) => [name, (ports[name] ?? []).map((port) => endpoint(port))])),
    }),
  );
  await engine.ready();
  return engine;
}

const echo = (): ReturnType<typeof rawBackend> => rawBackend((socket) => void socket.pipe(socket));

/** Whether the socket closed with an error. */
const closed = (socket: Socket): Promise<boolean> => new Promise((resolve) => socket.on('close', resolve));

describe('a TCP listener', () => {
  it('carries any amount of bytes both ways, and the end of each', async () => {
    const app = await harness.backend(echo());
    const engine = await start({}, { app: [app.port] });
    const client = connect({ port: portOf(engine, 'l4'), host: '127.0.0.1', allowHalfOpen: true });
    const sent = Buffer.alloc(8_000_000, 'evenkeel ');
    const received: Buffer[] = [];
    client.on('data', (part: Buffer) => received.push(part));
    client.end(sent);
    await once(client, 'end');
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(await engine.metricsText()).toContain('evenkeel_tcp_connections_total{service="l4",outcome="connected"} 1');
  });

  it('mixes up no bytes where many flows wait for slow readers', async () => {
    const app = await harness.backend(echo());
    const engine = await start({}, { app: [app.port] });
    const rounds = Array.from({ length: 12 }, async (_, i) => {
      const client = connect({ port: portOf(engine, 'l4'), host: '127.0.0.1', allowHalfOpen: true });
      const sent = Buffer.alloc(1_500_000, String.fromCharCode(97 + i));
      client.end(sent);
      // Not a byte is read before all of it has nowhere left to go.
      const parts: Buffer[] = [];
      client.pause();
      setImmediate(() => client.resume());
      client.on('data', (part: Buffer) => {
        parts.push(part);
        client.pause();
        setImmediate(() => client.resume());
      });
      await once(client, 'end');
      return Buffer.concat(parts).equals(sent);
    });
    expect(await Promise.all(rounds)).toEqual(rounds.map(() => true));
  });

  it('lets the endpoint answer after the client has said its last', async () => {
    const app = await harness.backend(
      rawBackend((socket) => {
        let got = '';
        socket.on('data', (part: Buffer) => {
          got += part.toString();
        });
        socket.on('end', () => socket.end(`${got}, bye`));
      }),
    );
    const engine = await start({}, { app: [app.port] });
    const client = new RawClient(portOf(engine, 'l4'));
    client.socket.end('hello');
    expect(await client.untilClosed()).toBe('hello, bye');
  });

  it('passes a reset on, whichever side it comes from', async () => {
    const sides: Socket[] = [];
    const app = await harness.backend(rawBackend((socket) => void sides.push(socket)));
    const engine = await start({}, { app: [app.port] });
    const dial = async (): Promise<[Socket, Socket]> => {
      const client = connect({ port: portOf(engine, 'l4'), host: '127.0.0.1' });
      client.on('error', () => {});
      client.write('x');
      await expect.poll(() => sides.length).toBe(1);
      return [client, sides.pop() as Socket];
    };
    const [first, upstream] = await dial();
    const failed = closed(first);
    upstream.resetAndDestroy();
    expect(await failed).toBe(true);
    const [second, other] = await dial();
    const reset = closed(other);
    second.resetAndDestroy();
    expect(await reset).toBe(true);
  });

  it('tries another endpoint when one refuses, and resets the client when none is left', async () => {
    const gone = await rawBackend(() => {});
    await gone.close();
    const app = await harness.backend(echo());
    const engine = await start({}, { app: [gone.port, app.port] });
    for (let i = 0; i < 4; i++) {
      const client = new RawClient(portOf(engine, 'l4')).send('ping');
      expect(await client.until((text) => text === 'ping')).toBe('ping');
      client.destroy();
    }
    engine.publish(update({ endpoints: new Map([['app', [endpoint(gone.port)]]]) }));
    await engine.applied();
    expect(await new RawClient(portOf(engine, 'l4')).untilClosed()).toBe('');
    expect(await engine.metricsText()).toContain('{service="l4",outcome="connect_failed"} 1');
  });

  it('splits connections over clusters by weight', async () => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map((name) => harness.backend(rawBackend((socket) => socket.end(name)))),
    );
    const clusters = [
      { cluster: 'a', weight: 3 },
      { cluster: 'b', weight: 1 },
    ];
    const engine = await start({ clusters }, { a: [a?.port ?? 0], b: [b?.port ?? 0] });
    const got: string[] = [];
    for (let i = 0; i < 8; i++) got.push(await new RawClient(portOf(engine, 'l4')).untilClosed());
    expect(got.filter((name) => name === 'b')).toHaveLength(2);
  });

  it('takes no more connections than its cluster may have', async () => {
    const app = await harness.backend(echo());
    const engine = await start({}, { app: [app.port] }, { circuitBreaker: { maxConnections: 2 } });
    const port = portOf(engine, 'l4');
    const talk = async (): Promise<RawClient> => {
      const client = new RawClient(port).send('x');
      await client.until((text) => text === 'x');
      return client;
    };
    const [first] = [await talk(), await talk()];
    expect(await new RawClient(port).untilClosed()).toBe('');
    expect(await engine.metricsText()).toContain('{service="l4",outcome="overflow"} 1');
    first?.destroy();
    // Its place is free again.
    await expect
      .poll(() =>
        talk().then(
          () => 'carried',
          () => 'refused',
        ),
      )
      .toBe('carried');
  });

  it('ends silent flows where the cluster says how long they may last', async () => {
    const app = await harness.backend(echo());
    const engine = await start({}, { app: [app.port] }, { timeouts: { connect: 2000, response: 0, idle: 300 } });
    const client = new RawClient(portOf(engine, 'l4')).send('x');
    expect(await client.untilClosed()).toBe('x');
  });

  it('ends flows of an endpoint that has left, after the time that the cluster gives them', async () => {
    const app = await harness.backend(echo());
    const other = await harness.backend(echo());
    const timeouts = { connect: 2000, response: 0, idle: 0, drain: 300 };
    const engine = await start({}, { app: [app.port, other.port] }, { timeouts });
    const clients = [new RawClient(portOf(engine, 'l4')), new RawClient(portOf(engine, 'l4'))];
    for (const client of clients) await client.send('x').until((text) => text === 'x');
    engine.publish(update({ endpoints: new Map([['app', [endpoint(other.port)]]]) }));
    await engine.applied();
    await Promise.race(clients.map((client) => client.untilClosed()));
    const open = clients.filter(({ closed: gone }) => !gone);
    expect(open).toHaveLength(1);
    await open[0]?.send('y').until((text) => text === 'xy');
    open[0]?.destroy();
  });

  it('tells endpoints of clients, as a trusted peer told of them', async () => {
    const app = await harness.backend(
      rawBackend((socket) => {
        socket.once('data', (bytes: Buffer) => {
          const reading = readProxyHeader(bytes);
          socket.end(JSON.stringify(reading.type === 'header' ? reading.pair?.source : reading));
        });
      }),
    );
    const engine = await start({ proxyProtocolFrom: ['127.0.0.0/8'] }, { app: [app.port] }, { proxyProtocol: 'v2' });
    const source = { address: '203.0.113.7', port: 4711 };
    const client = new RawClient(portOf(engine, 'l4'));
    const header = composeProxyHeader('v1', { source, destination: { address: '203.0.113.1', port: 80 } });
    client.socket.write(Buffer.concat([header, Buffer.from('hello')]));
    expect(JSON.parse(await client.untilClosed())).toEqual(source);
  });
});

describe('a TLS listener that passes through', () => {
  it('leads by server name to the cluster that ends TLS itself', async () => {
    const root = await createAuthority({ commonName: 'Root' });
    const names = ['exact.test', 'x.wild.test', 'other.test'];
    const ports = await Promise.all(
      names.map(async (name) => {
        const pair = await root.issue({ commonName: name, dnsNames: [name] });
        const server = createTlsServer(
          { cert: pair.certPem, key: pair.keyPem, ALPNProtocols: ['http/1.1'] },
          (socket) => {
            socket.on('error', () => {});
            socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n\r\n${name}`));
          },
        );
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        harness.after(async () => void server.close());
        return (server.address() as AddressInfo).port;
      }),
    );
    const passthrough = [
      { name: 'exact', hostnames: ['exact.test'], clusters: [{ cluster: 'a', weight: 1 }] },
      { name: 'wild', hostnames: ['*.wild.test'], clusters: [{ cluster: 'b', weight: 1 }] },
      { name: 'any', hostnames: ['*'], clusters: [{ cluster: 'c', weight: 1 }] },
    ];
    const [a = 0, b = 0, c = 0] = ports;
    const engine = await harness.engine();
    engine.publish(
      update({
        listeners: new Map([['l4', { ...listener('l4', 'tls'), passthrough }]]),
        clusters: new Map(['a', 'b', 'c'].map((name) => [name, cluster(name, { upstreamProtocol: 'tcp' })])),
        endpoints: new Map([
          ['a', [endpoint(a)]],
          ['b', [endpoint(b)]],
          ['c', [endpoint(c)]],
        ]),
      }),
    );
    await engine.ready();
    const got = [];
    for (const servername of names) {
      got.push((await ask(portOf(engine, 'l4'), { ca: root.certPem, servername })).text.slice(19));
    }
    expect(got).toEqual(names);
    expect(await engine.metricsText()).toContain(
      'evenkeel_tcp_connections_total{service="wild",outcome="connected"} 1',
    );
  });

  it('replays every byte of a hello that came in pieces, and closes what has no route', async () => {
    const app = await harness.backend(echo());
    const engine = await harness.engine({ limits: { headTimeout: 500 } });
    engine.publish(
      update({
        listeners: new Map([
          [
            'l4',
            {
              ...listener('l4', 'tls'),
              passthrough: [{ name: 'a', hostnames: ['a.test'], clusters: [{ cluster: 'app', weight: 1 }] }],
            },
          ],
        ]),
        clusters: new Map([['app', cluster('app', { upstreamProtocol: 'tcp' })]]),
        endpoints: new Map([['app', [endpoint(app.port)]]]),
      }),
    );
    await engine.ready();
    const port = portOf(engine, 'l4');
    const hello = records(helloMessage({ serverName: 'a.test', alpn: ['h2'] }), 11).toString('latin1');
    const client = new RawClient(port);
    client.socket.setNoDelay(true);
    for (const byte of hello) client.send(byte);
    expect(await client.until((text) => text.length >= hello.length)).toBe(hello);
    client.send('more');
    expect(await client.until((text) => text.length >= hello.length + 4)).toBe(`${hello}more`);
    client.destroy();
    const unrecognizedName = '\x15\x03\x01\x00\x02\x02\x70';
    for (const parts of [{ serverName: 'b.test' }, {}]) {
      const lost = new RawClient(port).send(clientHello(parts).toString('latin1'));
      expect(await lost.untilClosed()).toBe(unrecognizedName);
    }
    expect(await new RawClient(port).send(hello.slice(0, 20)).untilClosed()).toBe('');
    const metrics = await engine.metricsText();
    expect(metrics).toContain('{listener="l4",reason="no_route"} 2');
    expect(metrics).toContain('{listener="l4",reason="timeout"} 1');
  });
});
