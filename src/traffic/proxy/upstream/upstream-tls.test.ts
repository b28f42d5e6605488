// TLS and PROXY headers towards backends, with the whole engine and real TLS servers: who is believed, who is told what.
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '#traffic/identity/authority.ts';
import type { Cluster, UpstreamTls } from '#traffic/model/ir.ts';
import type { Engine } from '../engine.ts';
import { readProxyHeader } from '../proxy-protocol/read.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { simpleModel } from '../testing/model.ts';
import { RawClient } from '../testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

let root: Authority;
let server: KeyPair;
beforeAll(async () => {
  root = await createAuthority({ commonName: 'Root' });
  server = await root.issue({
    commonName: 'web',
    dnsNames: ['web.test', '*.wild.test'],
    uris: ['spiffe://shop/web'],
    ips: ['127.0.0.1'],
  });
});

/** What a TLS backend saw of its connections. */
interface Seen {
  readonly port: number;
  readonly sockets: TLSSocket[];
  readonly resumed: boolean[];
  /** Bytes of requests. */
  received: number;
}

async function backend(options: TlsOptions = {}, pair = server): Promise<Seen> {
  const http = createHttpServer((_request, response) => response.end('ok'));
  const tls = createTlsServer({ cert: pair.certPem, key: pair.keyPem, ALPNProtocols: ['http/1.1'], ...options });
  const seen: Seen = { port: await listening(tls), sockets: [], resumed: [], received: 0 };
  tls.on('secureConnection', (socket) => {
    seen.sockets.push(socket);
    seen.resumed.push(socket.isSessionReused());
    socket.on('data', (bytes: Buffer) => {
      seen.received += bytes.length;
    });
    http.emit('connection', socket);
  });
  return seen;
}

async function listening(listener: Server): Promise<number> {
  const sockets = new Set<Socket>();
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  harness.after(async () => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  return (listener.address() as AddressInfo).port;
}

let settingsMade = 0;
const settings = (overrides: Partial<UpstreamTls> = {}): UpstreamTls => ({
  serverName: 'web.test',
  caPem: root.certPem,
  fingerprint: `settings ${settingsMade++}`,
  ...overrides,
});

async function engineTo(port: number, overrides: Partial<Cluster>): Promise<Engine> {
  const engine = await harness.engine();
  engine.publish(simpleModel([port], { retry: { attempts: 0 }, ...overrides }));
  await engine.ready();
  return engine;
}

async function answer(engine: Engine): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${portOf(engine)}/`);
  return `${response.status} ${(await response.text()).trim()}`;
}

describe('a backend over TLS', () => {
  it.each<[string, Partial<UpstreamTls>]>([
    ['the server name', {}],
    ['a wildcard of its certificate', { serverName: 'a.wild.test' }],
    ['an address', { serverName: '127.0.0.1' }],
    ['one of several names', { serverName: 'other.test', subjectNames: ['else.test', 'WEB.test'] }],
    ['a URI', { serverName: 'other.test', subjectNames: ['spiffe://shop/web'] }],
    ['nothing, for a test', { serverName: 'other.test', insecureSkipVerify: true }],
  ])('is believed by %s', async (_by, overrides) => {
    const seen = await backend();
    const engine = await engineTo(seen.port, { tls: settings(overrides) });
    expect(await answer(engine)).toBe('200 ok');
    expect(seen.sockets[0]?.alpnProtocol).toBe('http/1.1');
    // An address is no server name.
    const name = overrides.serverName ?? 'web.test';
    expect(seen.sockets[0]?.servername).toBe(name === '127.0.0.1' ? false : name);
  });

  it.each<[string, Partial<UpstreamTls>, string, string]>([
    ['another name', { serverName: 'other.test' }, 'Certificate of the backend is for another name', 'tls_name'],
    [
      'none of the names',
      { subjectNames: ['spiffe://shop/we', 'x.y.wild.test'] },
      'Certificate of the backend is for another name',
      'tls_name',
    ],
    ['no authority', { caPem: 'other' }, 'Certificate of the backend is not trusted', 'tls_untrusted'],
    ['unusable settings', { caPem: 'no certificate' }, 'TLS settings for the backend cannot be used', 'tls_settings'],
    ['an old version', { minVersion: 'TLSv1.3' }, 'TLS handshake with the backend failed', 'tls_handshake'],
  ])('is not believed with %s, and hears no request', async (_why, overrides, reason, code) => {
    const other = await createAuthority({ commonName: 'Other' });
    const caPem = overrides.caPem === 'other' ? other.certPem : (overrides.caPem ?? root.certPem);
    const seen = await backend({ maxVersion: 'TLSv1.2' });
    const engine = await engineTo(seen.port, { tls: settings({ ...overrides, caPem }) });
    expect(await answer(engine)).toBe(`502 ${reason}, route test/web/http:/`);
    expect(seen.received).toBe(0);
    expect(await engine.metricsText()).toContain(`outcome="${code}"} 1`);
  });

  it('is not believed past the end of its certificate', async () => {
    const late = await root.issue({ commonName: 'web', dnsNames: ['web.test'], days: -0.001 });
    const seen = await backend({}, late);
    const engine = await engineTo(seen.port, { tls: settings() });
    expect(await answer(engine)).toBe(
      '502 Certificate of the backend is not valid at this time, route test/web/http:/',
    );
    expect(seen.received).toBe(0);
  });

  it('is shown the certificate of the proxy', async () => {
    const client = await root.issue({ commonName: 'gateway', client: true });
    const seen = await backend({ requestCert: true, rejectUnauthorized: true, ca: root.certPem });
    const clientCertificate = {
      certificateChainPem: client.certPem,
      privateKeyPem: { value: client.keyPem, private: true as const },
    };
    const engine = await engineTo(seen.port, { tls: settings({ clientCertificate }) });
    expect(await answer(engine)).toBe('200 ok');
    expect(seen.sockets[0]?.getPeerCertificate().subject.CN).toBe('gateway');
    expect(JSON.stringify(await engine.configDump())).not.toContain('PRIVATE KEY');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is met again with the session of before, %s', async (maxVersion) => {
    const seen = await backend({ maxVersion });
    const engine = await engineTo(seen.port, { tls: settings() });
    expect(await answer(engine)).toBe('200 ok');
    for (const socket of seen.sockets) socket.destroy();
    expect(await answer(engine)).toBe('200 ok');
    expect(seen.resumed).toEqual([false, true]);
  });

  it('speaks HTTP/2 where it agrees to, and hears nothing where it does not', async () => {
    const http2 = createSecureServer({ cert: server.certPem, key: server.keyPem }, (request, response) => {
      response.end(`over ${request.httpVersion}`);
    });
    const engine = await engineTo(await listening(http2), { upstreamProtocol: 'http2', tls: settings() });
    expect(await answer(engine)).toBe('200 over 2.0');
    const old = await backend();
    const other = await engineTo(old.port, { upstreamProtocol: 'http2', tls: settings() });
    // A server that knows ALPN refuses the handshake itself; one that does not leaves it to the proxy.
    expect(await answer(other)).toBe('502 TLS handshake with the backend failed, route test/web/http:/');
    const plain = createTlsServer({ cert: server.certPem, key: server.keyPem }, (socket) => socket.resume());
    const third = await engineTo(await listening(plain), { upstreamProtocol: 'http2', tls: settings() });
    expect(await answer(third)).toBe('502 Backend does not speak HTTP/2 over TLS, route test/web/http:/');
  });

  it('shares no connection with clusters of other settings', async () => {
    const seen = await backend();
    const engine = await engineTo(seen.port, { tls: settings() });
    expect(await answer(engine)).toBe('200 ok');
    engine.publish(simpleModel([seen.port], { tls: settings({ serverName: 'a.wild.test' }) }));
    await engine.applied();
    expect(await answer(engine)).toBe('200 ok');
    expect(seen.sockets.map(({ servername }) => servername)).toEqual(['web.test', 'a.wild.test']);
  });
});

describe('a backend that is told of clients', () => {
  /** Reads the header as a backend would, and answers each request with how many came before on the connection. */
  async function proxied(secure: boolean): Promise<{ port: number; headers: unknown[] }> {
    const headers: unknown[] = [];
    const http = createHttpServer((request, response) => {
      const socket = request.socket as Socket & { count?: number };
      socket.count = (socket.count ?? 0) + 1;
      response.end(String(socket.count));
    });
    const tls = createTlsServer({ cert: server.certPem, key: server.keyPem }, (socket) =>
      http.emit('connection', socket),
    );
    const port = await listening(
      createTcpServer((socket) => {
        let bytes = Buffer.alloc(0);
        const onData = (part: Buffer): void => {
          bytes = Buffer.concat([bytes, part]);
          const reading = readProxyHeader(bytes);
          if (reading.type === 'partial') return;
          socket.off('data', onData);
          socket.pause();
          headers.push(reading.type === 'header' ? reading.pair?.source : reading);
          if (reading.type === 'header' && bytes.length > reading.length)
            socket.unshift(bytes.subarray(reading.length));
          (secure ? tls : http).emit('connection', socket);
          if (!secure) socket.resume();
        };
        socket.on('data', onData);
      }),
    );
    return { port, headers };
  }

  it('gets a session a client over HTTP/2', async () => {
    const sources: unknown[] = [];
    const http2 = createHttp2Server((request, response) => response.end(String(request.stream.id)));
    const port = await listening(
      createTcpServer((socket) => {
        socket.once('data', (bytes: Buffer) => {
          const reading = readProxyHeader(bytes);
          if (reading.type !== 'header') return;
          sources.push(reading.pair?.source.port);
          socket.pause();
          if (bytes.length > reading.length) socket.unshift(bytes.subarray(reading.length));
          http2.emit('connection', socket);
        });
      }),
    );
    const engine = await engineTo(port, { upstreamProtocol: 'http2', proxyProtocol: 'v2' });
    const clients = [new RawClient(portOf(engine)), new RawClient(portOf(engine))];
    const streams: (string | undefined)[] = [];
    for (const client of [...clients, ...clients]) {
      client.received = '';
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      streams.push(
        /\r\n\r\n(?:\d+\r\n)?(\d+)/.exec(await client.until((text) => /\r\n\r\n(?:\d+\r\n)?\d+/.test(text)))?.[1],
      );
    }
    expect(streams).toEqual(['1', '1', '3', '3']);
    expect(sources).toEqual(clients.map(({ socket }) => socket.localPort));
    for (const client of clients) client.destroy();
  });

  for (const version of ['v1', 'v2'] as const) {
    for (const secure of [false, true]) {
      it(`gets a connection a client, ${version}${secure ? ' ahead of TLS' : ''}`, async () => {
        const seen = await proxied(secure);
        const engine = await engineTo(seen.port, { proxyProtocol: version, ...(secure ? { tls: settings() } : {}) });
        const [ann, bob] = [new RawClient(portOf(engine)), new RawClient(portOf(engine))];
        const said = async (client: RawClient): Promise<string | undefined> => {
          client.received = '';
          client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
          return /\r\n\r\n(\d)/.exec(await client.until((text) => /\r\n\r\n\d/.test(text)))?.[1];
        };
        // Each client's second request goes over the connection of its first.
        expect([await said(ann), await said(bob), await said(ann), await said(bob)]).toEqual(['1', '1', '2', '2']);
        const end = ({ socket }: RawClient): unknown => ({ address: '127.0.0.1', port: socket.localPort });
        expect(seen.headers).toEqual([end(ann), end(bob)]);
        ann.destroy();
        bob.destroy();
      });
    }
  }
});
