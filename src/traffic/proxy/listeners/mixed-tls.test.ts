// One port for TLS that ends here and TLS that passes on, by server name, with real sockets on both sides.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '#traffic/identity/authority.ts';
import type { Listener, PassthroughRoute, TrafficUpdate } from '#traffic/model/ir.ts';
import type { Engine } from '../engine.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { certificate, cluster, endpoint, listener, route, update } from '../testing/model.ts';
import { httpBackend, rawBackend } from '../testing/peers.ts';
import { ask } from '../testing/tls-client.ts';

const harness = new Harness();
afterEach(() => harness.close());

let root: Authority;
let own: KeyPair;
let theirs: KeyPair;
beforeAll(async () => {
  root = await createAuthority({ commonName: 'Root' });
  own = await root.issue({ commonName: 'own', dnsNames: ['web.test', 'raw.test', '*.wild.test'] });
  theirs = await root.issue({ commonName: 'theirs', dnsNames: ['vault.test'] });
});

/** A backend that says how it was reached, over TLS of its own. */
async function vault(): Promise<number> {
  const server = createTlsServer({ cert: theirs.certPem, key: theirs.keyPem }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nvault'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  harness.after(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

const to = (name: string, cluster: string, more: Partial<PassthroughRoute> = {}): PassthroughRoute => ({
  name,
  hostnames: [name],
  clusters: cluster === '' ? [] : [{ cluster, weight: 1 }],
  ...more,
});

async function start(protocol: Listener['protocol'], passthrough: readonly PassthroughRoute[]): Promise<Engine> {
  const engine = await harness.engine();
  const web = await harness.backend(httpBackend((_request, response) => response.end('web')));
  const echo = await harness.backend(rawBackend((socket) => void socket.pipe(socket)));
  const pems = { cert: own.certPem, key: own.keyPem };
  const model: Omit<TrafficUpdate, 'version'> = {
    listeners: new Map([['tls', { ...listener('tls', protocol), passthrough }]]),
    certificates: new Map([
      ['own', { ...certificate('own', ['web.test', 'raw.test', '*.wild.test'], pems), listeners: ['tls'] }],
    ]),
    virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes: [route('web')] }]]),
    clusters: new Map([
      ['web', cluster('web')],
      ['echo', cluster('echo', { upstreamProtocol: 'tcp' })],
      ['vault', cluster('vault', { upstreamProtocol: 'tcp' })],
    ]),
    endpoints: new Map([
      ['web', [endpoint(web.port)]],
      ['echo', [endpoint(echo.port)]],
      ['vault', [endpoint(await vault())]],
    ]),
  };
  engine.publish(update(model));
  await engine.ready();
  return engine;
}

describe('a port for both kinds of TLS', () => {
  it('serves requests under its own names and passes the others on', async () => {
    const engine = await start('https', [
      to('web.test', ''),
      to('*.wild.test', ''),
      to('vault.test', 'vault'),
      to('gone.test', 'nobody'),
    ]);
    const port = portOf(engine, 'tls');
    const text = async (servername: string) => (await ask(port, { ca: root.certPem, servername })).text;
    expect(await text('web.test')).toMatch(/web$/);
    // A name of a Gateway's listener may have any number of labels before its suffix.
    expect(
      (await ask(port, { ca: root.certPem, servername: 'a.b.wild.test', checkServerIdentity: () => undefined })).text,
    ).toMatch(/web$/);
    expect(await text('vault.test')).toMatch(/vault$/);
    await expect(text('gone.test')).rejects.toThrow();
  });
});

describe('TLS that ends here around bytes of any kind', () => {
  it('carries them both ways, to their ends, with no word about protocols', async () => {
    const engine = await start('tls', [to('raw.test', 'echo', { terminate: true })]);
    const client = connect({
      port: portOf(engine, 'tls'),
      host: '127.0.0.1',
      ca: root.certPem,
      servername: 'raw.test',
      ALPNProtocols: ['h2'],
      allowHalfOpen: true,
    } as unknown as ConnectionOptions);
    await once(client, 'secureConnect');
    expect(client.alpnProtocol).toBe(false);
    const sent = Buffer.alloc(3_000_000, 'evenkeel ');
    const received: Buffer[] = [];
    client.on('data', (part: Buffer) => received.push(part));
    client.end(sent);
    await once(client, 'end');
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  it('ends with a client that breaks off, and serves the next', async () => {
    const engine = await start('tls', [
      to('raw.test', 'echo', { terminate: true }),
      to('web.test', 'nobody', { terminate: true }),
    ]);
    const port = portOf(engine, 'tls');
    const options = { port, host: '127.0.0.1', ca: root.certPem };
    for (let round = 0; round < 3; round++) {
      const client = connect({ ...options, servername: 'raw.test' });
      client.on('error', () => {});
      await once(client, 'secureConnect');
      client.write('hello');
      await once(client, 'data');
      client.destroy();
    }
    const lost = connect({ ...options, servername: 'web.test' });
    lost.on('error', () => {});
    await once(lost, 'close');
    const last = connect({ ...options, servername: 'raw.test' });
    last.write('still here');
    const [bytes] = (await once(last, 'data')) as [Buffer];
    expect(bytes.toString()).toBe('still here');
    last.destroy();
  });
});
