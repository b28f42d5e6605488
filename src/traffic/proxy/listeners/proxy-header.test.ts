// PROXY headers and forwarding headers in front of the whole engine: who the client is then, everywhere it counts.
import { readFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { accessLogTo } from '#telemetry/access-record.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import type { BalancingPolicy, Listener } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { composeProxyHeader } from '../proxy-protocol/compose.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { certificate, cluster, endpoint, listener, route, update } from '../testing/model.ts';
import { httpBackend, RawClient } from '../testing/peers.ts';
import { ask } from '../testing/tls-client.ts';

const harness = new Harness();
afterEach(() => harness.close());

const source = { address: '203.0.113.7', port: 4711 };
const header = (version: 'v1' | 'v2' = 'v2'): Buffer =>
  composeProxyHeader(version, { source, destination: { address: '203.0.113.1', port: 443 } });

/** Backends that answer with their place and the headers they got. */
async function start(
  settings: Partial<Listener>,
  options: Partial<EngineOptions> = {},
  policy: BalancingPolicy = { type: 'round_robin' },
): Promise<{ engine: Engine; ca: string }> {
  const root = await createAuthority({ commonName: 'Root' });
  const pair = await root.issue({ commonName: 'a.test', dnsNames: ['a.test'] });
  const backends = await Promise.all(
    [0, 1, 2, 3].map((place) =>
      harness.backend(httpBackend((request, response) => response.end(JSON.stringify({ place, ...request.headers })))),
    ),
  );
  const engine = await harness.engine(options);
  engine.publish(
    update({
      listeners: new Map([['in', { ...listener('in', settings.protocol ?? 'http'), ...settings }]]),
      certificates: new Map([['a', certificate('a', ['a.test'], { cert: pair.certPem, key: pair.keyPem })]]),
      virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes: [route('web')] }]]),
      clusters: new Map([['web', cluster('web', { policy })]]),
      endpoints: new Map([['web', backends.map(({ port }) => endpoint(port))]]),
    }),
  );
  await engine.ready();
  return { engine, ca: root.certPem };
}

function bodyOf(text: string): Record<string, string> {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, string>;
}

const request = 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';

describe('a PROXY header', () => {
  for (const version of ['v1', 'v2'] as const) {
    it(`says who the client is, over HTTP, ${version}, in any pieces`, async () => {
      const { engine } = await start({ proxyProtocolFrom: ['127.0.0.1'] });
      const client = new RawClient(portOf(engine, 'in'));
      client.socket.setNoDelay(true);
      for (const byte of Buffer.concat([header(version), Buffer.from(request)]))
        client.socket.write(Buffer.from([byte]));
      const seen = bodyOf(await client.untilClosed());
      expect(seen).toMatchObject({
        'x-forwarded-for': source.address,
        'x-real-ip': source.address,
        'x-forwarded-port': '443',
      });
    });
  }

  it('says so ahead of TLS, for HTTP/1.1 and HTTP/2', async () => {
    const { engine, ca } = await start({ protocol: 'https', proxyProtocolFrom: ['127.0.0.0/8'] });
    const port = portOf(engine, 'in');
    const { text } = await ask(port, { ca, servername: 'a.test', preface: header() });
    expect(bodyOf(text)).toMatchObject({ 'x-forwarded-for': source.address, 'x-forwarded-proto': 'https' });
    const session = connectHttp2('https://a.test', {
      createConnection: () => {
        const plain = connectPlain({ port, host: '127.0.0.1' });
        plain.write(header());
        return connectTls({ socket: plain, ca, servername: 'a.test', ALPNProtocols: ['h2'] });
      },
    });
    const seen = await new Promise<string>((resolve, reject) => {
      let body = '';
      const stream = session.request({ ':path': '/' });
      stream.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      stream.on('end', () => resolve(body));
      stream.on('error', reject);
      session.on('error', reject);
    });
    session.close();
    expect(JSON.parse(seen)).toMatchObject({ 'x-forwarded-for': source.address, 'x-forwarded-proto': 'https' });
  });

  it('is demanded of peers that are named, and refused from others', async () => {
    const named = await start({ proxyProtocolFrom: ['127.0.0.1'] }, { limits: { headTimeout: 500 } });
    expect(await new RawClient(portOf(named.engine, 'in')).send(request).untilClosed()).toBe('');
    // One that says nothing is not waited for.
    expect(await new RawClient(portOf(named.engine, 'in')).send('PROXY').untilClosed()).toBe('');
    const others = await start({ proxyProtocolFrom: ['192.0.2.0/24'] });
    const client = new RawClient(portOf(others.engine, 'in'));
    client.socket.write(Buffer.concat([header('v1'), Buffer.from(request)]));
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 400 /);
    expect(bodyOf(await new RawClient(portOf(others.engine, 'in')).send(request).untilClosed())).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
    });
  });

  it('leaves the addresses of the connection in force where it names none', async () => {
    const { engine } = await start({ proxyProtocolFrom: ['127.0.0.1'] });
    for (const version of ['v1', 'v2'] as const) {
      const client = new RawClient(portOf(engine, 'in'));
      client.socket.write(Buffer.concat([composeProxyHeader(version, undefined), Buffer.from(request)]));
      expect(bodyOf(await client.untilClosed())).toMatchObject({ 'x-forwarded-for': '127.0.0.1' });
    }
  });
});

describe('the client that trusted peers speak for', () => {
  const from = (chain: string): string => request.replace('\r\n\r\n', `\r\nX-Forwarded-For: ${chain}\r\n\r\n`);

  it('is whom addresses are hashed by, and whom the access log names', async () => {
    const dir = tempDir('proxy-header');
    harness.after(async () => dir.remove());
    const file = join(dir.path, 'access.log');
    const { engine } = await start(
      {},
      { trustedProxies: ['127.0.0.1', '10.0.0.0/8'], accessLog: accessLogTo(file) },
      { type: 'ip_hash' },
    );
    const place = async (chain: string): Promise<string | undefined> =>
      bodyOf(await new RawClient(portOf(engine, 'in')).send(from(chain)).untilClosed()).place;
    const places = await Promise.all(Array.from({ length: 24 }, (_, i) => place(`192.0.2.${i}, 10.0.0.1`)));
    expect(new Set(places).size).toBeGreaterThan(1);
    // What a client invents ahead of its own address changes nothing.
    const again = await Promise.all(
      Array.from({ length: 24 }, (_, i) => place(`198.51.100.${i}, 192.0.2.${i}, 10.0.0.${i}`)),
    );
    expect(again).toEqual(places);
    await engine.close();
    const clients = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { client: string }).client);
    expect(new Set(clients)).toEqual(new Set(Array.from({ length: 24 }, (_, i) => `192.0.2.${i}`)));
  });

  it('may change from one request of a connection to the next', async () => {
    const { engine } = await start({}, { trustedProxies: ['127.0.0.1'], forwarded: true });
    const client = new RawClient(portOf(engine, 'in'));
    const next = async (text: string): Promise<Record<string, string>> => {
      client.received = '';
      return bodyOf(await client.send(text).until((got) => got.endsWith('}')));
    };
    const open = request.replace('Connection: close\r\n', '');
    expect(await next(open.replace('\r\n\r\n', '\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n'))).toMatchObject({
      'x-real-ip': '192.0.2.1',
    });
    expect(await next(open)).toMatchObject({
      'x-real-ip': '127.0.0.1',
      forwarded: 'for=127.0.0.1;proto=http;host="a.test"',
    });
    expect(await next(open.replace('\r\n\r\n', '\r\nForwarded: for=192.0.2.9\r\n\r\n'))).toMatchObject({
      'x-real-ip': '192.0.2.9',
      forwarded: 'for=192.0.2.9, for=127.0.0.1;proto=http;host="a.test"',
    });
    client.destroy();
  });
});
