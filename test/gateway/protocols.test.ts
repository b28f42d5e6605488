// What a configuration can serve beside plain HTTP/1.1: HTTP/2, TLS, TCP, UDP, and TLS passed on by server name.
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { Gateways } from '#test/support/gateway.ts';
import { ask } from '#test/support/http.ts';
import { createAuthority } from '#traffic/identity/authority.ts';

const gateways = new Gateways();
const closing: Array<() => void> = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await gateways.close();
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const portOf = (url: string): number => Number(/:(\d+)$/.exec(url)?.[1]);

test('HTTP/2 clients meet the same routes, on headers and parameters too', async () => {
  const [app, canary] = [
    await gateways.backend((request, response) => response.end(`app ${request.url}`)),
    await gateways.backend((request, response) => response.end(`canary ${request.url}`)),
  ];
  const gateway = await gateways.start(`listeners: { web: { address: 127.0.0.1, port: 0 } }
virtualHosts:
  all:
    hostname: '*'
    routes:
      - { headers: { x-canary: { type: regex, value: 'y.*' } }, query: { v: '2' }, action: canary }
      - { action: app }
clusters: { app: { endpoints: ['${app}'] }, canary: { endpoints: ['${canary}'] } }
`);
  const session = connectHttp2(gateway.url('web'));
  closing.push(() => session.destroy());
  const answer = (path: string, headers: Record<string, string> = {}): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      const stream = session.request({ ':path': path, ...headers }).setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => resolve(text)).on('error', reject);
    });
  expect(await answer('/a')).toBe('app /a');
  expect(await answer('/a?v=2', { 'x-canary': 'yes' })).toBe('canary /a?v=2');
  expect(await answer('/a?v=1', { 'x-canary': 'yes' })).toBe('app /a?v=1');
});

test('bytes are carried over TCP, datagrams over UDP', async () => {
  const tcp = await listening(createServer((socket) => socket.on('error', () => {}).pipe(socket)));
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => udp.send(`echo ${message}`, from.port, from.address));
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  closing.push(() => udp.close());
  const gateway = await gateways.start(`listeners:
  bytes: { address: 127.0.0.1, port: 0, protocol: tcp, clusters: [bytes] }
  grams: { address: 127.0.0.1, port: 0, protocol: udp, clusters: [grams] }
clusters:
  bytes: { upstreamProtocol: tcp, endpoints: ['${tcp}'] }
  grams: { upstreamProtocol: udp, endpoints: ['127.0.0.1:${udp.address().port}'] }
`);
  const echoed = await new Promise<string>((resolve, reject) => {
    const socket = connect(portOf(gateway.url('bytes')), '127.0.0.1', () => socket.write('hello'));
    socket.on('data', (data) => {
      resolve(String(data));
      socket.destroy();
    });
    socket.on('error', reject);
  });
  expect(echoed).toBe('hello');
  const client = createSocket('udp4');
  closing.push(() => client.close());
  const answered = new Promise<string>((resolve) => client.on('message', (message) => resolve(String(message))));
  client.send('hello', portOf(gateway.url('grams')), '127.0.0.1');
  expect(await answered).toBe('echo hello');
});

test('TLS ends at the gateway, or is passed on by server name', async () => {
  const authority = await createAuthority({ commonName: 'test' });
  const own = await authority.issue({ commonName: 'own', dnsNames: ['own.test'] });
  const inner = await authority.issue({ commonName: 'inner', dnsNames: ['inner.test'] });
  writeFileSync(join(gateways.dir, 'own.crt'), own.certPem);
  writeFileSync(join(gateways.dir, 'own.key'), own.keyPem);
  const plain = await gateways.backend((request, response) =>
    response.end(`over ${request.headers['x-forwarded-proto']}`),
  );
  const secret = await listening(
    createTlsServer({ cert: inner.certPem, key: inner.keyPem }, (socket) => socket.on('error', () => {}).end('inner')),
  );
  const gateway = await gateways.start(`listeners:
  secure: { address: 127.0.0.1, port: 0, protocol: https }
  passed: { address: 127.0.0.1, port: 0, protocol: tls, passthrough: [{ hostnames: [inner.test], clusters: [inner] }] }
certificates: { own: { certificateFile: own.crt, keyFile: own.key } }
virtualHosts: { own: { hostname: own.test, routes: [{ action: plain }] } }
clusters:
  plain: { endpoints: ['${plain}'] }
  inner: { upstreamProtocol: tcp, endpoints: ['${secret}'] }
`);
  const answer = await ask(gateway.url('secure'), { host: 'own.test', ca: authority.certPem });
  expect([answer.status, answer.text]).toEqual([200, 'over https']);
  const passed = await new Promise<string>((resolve, reject) => {
    const options = { port: portOf(gateway.url('passed')), servername: 'inner.test', ca: authority.certPem };
    const socket = connectTls({ host: '127.0.0.1', ...options });
    socket.on('data', (data) => resolve(`${data} by ${socket.getPeerCertificate().subject.CN}`));
    socket.on('error', reject);
    closing.push(() => socket.destroy());
  });
  expect(passed).toBe('inner by inner');
});
