// HTTP/2 as others speak it: curl, nghttp and h2load as clients, Node.js's server as backend, with TLS and without.
import { writeFileSync } from 'node:fs';
import {
  connect,
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '#test/support/eventually.ts';
import { Gateways, type TestGateway } from '#test/support/gateway.ts';
import { type Finished, run } from '#test/support/run.ts';
import { hasTool } from '#test/support/tools.ts';
import { createAuthority } from '#traffic/identity/authority.ts';

const gateways = new Gateways();
const servers: Http2Server[] = [];
let gateway: TestGateway;
let sockets: WebSocketServer;
let caPem = '';

function answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    response.setHeader('content-type', 'text/plain');
    response.end(`HTTP/${request.httpVersion} ${request.method} ${request.url} ${Buffer.concat(parts).length}\n`);
  });
}

async function listen(server: Http2Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const root = await createAuthority({ commonName: 'Root' });
  const { certPem, keyPem } = await root.issue({ commonName: 'a.test', dnsNames: ['a.test'], ips: ['127.0.0.1'] });
  caPem = root.certPem;
  writeFileSync(join(gateways.dir, 'root.pem'), root.certPem);
  writeFileSync(join(gateways.dir, 'server.pem'), certPem);
  writeFileSync(join(gateways.dir, 'server.key'), keyPem);
  sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  sockets.on('connection', (socket) => socket.on('message', (text) => socket.send(`${text}!`)));
  const plain = await listen(createServer(answer));
  const secure = await listen(createSecureServer({ cert: certPem, key: keyPem }, answer) as unknown as Http2Server);
  const old = await gateways.backend((request, response) => response.end(`HTTP/1.1 ${request.url}\n`));
  gateway = await gateways.start(`listeners:
  web: { address: 127.0.0.1, port: 0 }
  secure: { address: 127.0.0.1, port: 0, protocol: https }
  old: { address: 127.0.0.1, port: 0, http2: false }
certificates: { a: { hostnames: [a.test], certificateFile: server.pem, keyFile: server.key } }
virtualHosts:
  all:
    hostname: '*'
    routes:
      - { path: /, action: plain }
      - { path: /old, action: old }
      - { path: /secure, action: secure }
      - { path: /socket, action: socket }
clusters:
  plain: { upstreamProtocol: http2, endpoints: ['${plain}'] }
  secure: { upstreamProtocol: http2, tls: { serverName: a.test, caFile: root.pem }, endpoints: ['${secure}'] }
  old: { endpoints: ['${old}'] }
  socket: { endpoints: ['127.0.0.1:${(sockets.address() as AddressInfo).port}'] }
`);
});
afterAll(async () => {
  await gateways.close();
  for (const server of servers) server.close();
  for (const socket of sockets?.clients ?? []) socket.terminate();
  sockets?.close();
});

const portOf = (name: string): string => /:(\d+)$/.exec(gateway.url(name))?.[1] ?? '';

describe.runIf(hasTool('curl', 'HTTP/2 with curl'))('curl', () => {
  const say = '%{http_code} %{http_version}';
  const secureArgs = (): string[] => [
    '--resolve',
    `a.test:${portOf('secure')}:127.0.0.1`,
    '--cacert',
    join(gateways.dir, 'root.pem'),
  ];
  const curl = (...args: readonly string[]): Promise<Finished> =>
    run('curl', ['-sS', '--max-time', '20', '-w', say, ...args]);

  it('speaks it by prior knowledge, and reaches backends of both kinds', async () => {
    const url = gateway.url('web');
    expect((await curl('--http2-prior-knowledge', `${url}/a`)).stdout).toBe('HTTP/2.0 GET /a 0\n200 2');
    expect((await curl('--http2-prior-knowledge', `${url}/old`)).stdout).toBe('HTTP/1.1 /old\n200 2');
    const upload = await curl('--http2-prior-knowledge', '-d', 'x'.repeat(100_000), `${url}/a`);
    expect(upload.stdout).toBe('HTTP/2.0 POST /a 100000\n200 2');
  });

  it('agrees on it over TLS, and may agree on HTTP/1.1', async () => {
    const url = `https://a.test:${portOf('secure')}/a`;
    expect((await curl('--http2', ...secureArgs(), url)).stdout).toBe('HTTP/2.0 GET /a 0\n200 2');
    expect((await curl('--http1.1', ...secureArgs(), url)).stdout).toBe('HTTP/2.0 GET /a 0\n200 1.1');
  });

  it('reaches a backend over TLS that speaks nothing else', async () => {
    expect((await curl(`${gateway.url('web')}/secure`)).stdout).toBe('HTTP/2.0 GET /secure 0\n200 1.1');
  });

  it('that asks for an upgrade to it stays with HTTP/1.1', async () => {
    expect((await curl('--http2', `${gateway.url('web')}/a`)).stdout).toBe('HTTP/2.0 GET /a 0\n200 1.1');
  });

  it('is not understood where the listener does not serve it', async () => {
    const { code, stdout } = await curl('--http2-prior-knowledge', `${gateway.url('old')}/a`);
    expect(code).not.toBe(0);
    expect(stdout).not.toContain('200');
  });
});

describe.runIf(hasTool('nghttp', 'HTTP/2 with nghttp'))('nghttp', () => {
  it('gets many resources at once, with windows of its own', async () => {
    const urls = Array.from({ length: 50 }, (_, i) => `${gateway.url('web')}/${i}`);
    const { code, stdout } = await run('nghttp', ['-n', '-s', '-w', '14', '-W', '14', ...urls]);
    expect(code).toBe(0);
    expect(stdout.match(/ 200 /g)).toHaveLength(50);
  });

  it('sends padded frames, trailers and continuations', async () => {
    const { stdout } = await run('nghttp', [
      '--padding=200',
      '--trailer=x-sum: 1',
      '--continuation',
      '-H',
      `x-long: ${'a'.repeat(500)}`,
      '-d',
      '/etc/passwd',
      `${gateway.url('web')}/padded`,
    ]);
    expect(stdout).toMatch(/^HTTP\/2\.0 POST \/padded [1-9]/m);
  });
});

describe.runIf(hasTool('h2load', 'HTTP/2 with h2load'))('h2load', () => {
  it.each(['/', '/old', '/secure'])('has every request answered, many streams at once: %s', async (path) => {
    const { stdout } = await run('h2load', ['-n', '3000', '-c', '4', '-m', '50', `${gateway.url('web')}${path}`]);
    expect(stdout).toMatch(/3000 succeeded, 0 failed, 0 errored, 0 timeout/);
  });
});

it('ws reaches a backend over TLS', async () => {
  const socket = new WebSocket(`wss://127.0.0.1:${portOf('secure')}/socket`, [], {
    agent: new Agent({ ca: caPem, servername: 'a.test' }),
    headers: { host: 'a.test' },
  });
  const got = await new Promise<string>((resolve, reject) => {
    socket.on('open', () => socket.send('hello'));
    socket.on('message', (text) => resolve(text.toString()));
    socket.on('error', reject);
  });
  expect(got).toBe('hello!');
  socket.terminate();
});

it('a WebSocket over TLS and HTTP/2 reaches a backend of HTTP/1.1, beside requests on the same connection', async () => {
  const session = connect(`https://127.0.0.1:${portOf('secure')}`, { ca: caPem, servername: 'a.test' });
  await new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()));
  expect([session.alpnProtocol, session.remoteSettings.enableConnectProtocol]).toEqual(['h2', true]);
  const tunnel = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    ':authority': 'a.test',
    ':path': '/socket',
    'sec-websocket-version': '13',
  });
  const status = await new Promise((resolve) => tunnel.once('response', (headers) => resolve(headers[':status'])));
  expect(status).toBe(200);
  let got = Buffer.alloc(0);
  tunnel.on('data', (bytes: Buffer) => {
    got = Buffer.concat([got, bytes]);
  });
  // Text frames, masked with zeros: a short one, and one whose length takes eight bytes.
  const long = 'x'.repeat(100_000);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(long.length));
  tunnel.write(Buffer.from('\x81\x85\0\0\0\0hello', 'latin1'));
  tunnel.write(Buffer.concat([Buffer.from([0x81, 0xff]), length, Buffer.alloc(4), Buffer.from(long)]));
  const request = session.request({ ':path': '/a', ':authority': 'a.test' });
  let answer = '';
  request.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  await new Promise((resolve) => request.on('close', resolve));
  expect(answer).toBe('HTTP/2.0 GET /a 0\n');
  await eventually('both messages are back', () => expect(got.length).toBe(2 + 6 + 10 + long.length + 1));
  expect(got.subarray(0, 8).toString('latin1')).toBe('\x81\x06hello!');
  const closed = new Promise((resolve) => tunnel.on('close', resolve));
  // An orderly end: the backend answers the close frame and leaves, and so ends the stream.
  tunnel.end(Buffer.from('\x88\x80\0\0\0\0', 'latin1'));
  await closed;
  expect([tunnel.rstCode, got.subarray(-2).toString('latin1')]).toEqual([0, '\x88\0']);
  session.destroy();
});

it('the access log and the metrics name the protocol', async () => {
  const metrics = await (await fetch(`${gateway.url('admin')}/metrics`)).text();
  expect(metrics).toContain('# TYPE evenkeel_http2_sessions gauge');
});
