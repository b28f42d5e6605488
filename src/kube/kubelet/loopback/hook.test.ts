// The loopback hook in real child processes: names, addresses to listen on, and where connections come from.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownNumber } from '#test/support/own-number.ts';
import { hookEnvironment, hookFile } from './environment.ts';

/** An address of pods that no kubelet on this machine gives out. */
const POD_IP = `127.244.255.${1 + ownNumber()}`;

const NAMES = {
  'web.shop': ['127.96.0.5'],
  'peer.shop': ['127.96.255.254'],
  'db.data': ['127.244.0.9', '127.244.0.8'],
};

let dir: string;
let namesFile: string;
let peer: Server;
let peerPort: number;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel hook-'));
  namesFile = join(dir, 'names.json');
  writeFileSync(namesFile, JSON.stringify({ names: NAMES }));
  peer = createServer((request, response) => response.end(request.socket.remoteAddress));
  await new Promise<void>((resolve) => peer.listen(0, '127.96.255.254', resolve));
  peerPort = (peer.address() as { port: number }).port;
});

afterAll(async () => {
  await new Promise((resolve) => peer.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

/** Runs a script with the hook and resolves with what it printed; `esm` runs it as a module. */
function run(script: string, options: { esm?: boolean; nodeOptions?: string } = {}): Promise<string> {
  const env = hookEnvironment(
    { hookFile, namesFile },
    { namespace: 'shop', podIp: POD_IP, nodeOptions: options.nodeOptions },
  );
  const type = options.esm === true ? ['--input-type=module'] : [];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...type, '-e', script], { env: { ...env, PATH: process.env.PATH } });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(out.trim()));
  });
}

test.each(['web', 'web.shop', 'web.shop.svc', 'web.shop.svc.cluster.local', 'WEB.shop.svc.cluster.local.'])(
  'lookup resolves %s',
  async (name) => {
    const script = `require('dns').lookup(${JSON.stringify(name)}, (error, address, family) => console.log(error, address, family))`;
    expect(await run(script)).toBe('null 127.96.0.5 4');
  },
);

test('dns.promises and modules see the names too, with all addresses of a headless one', async () => {
  const script = `
    import { lookup } from 'node:dns/promises';
    import dns from 'node:dns';
    import { promisify } from 'node:util';
    console.log(JSON.stringify([await lookup('web'), await lookup('db.data', { all: true }), await promisify(dns.lookup)('web')]));`;
  const [web, db, promisified] = JSON.parse(await run(script, { esm: true }));
  expect(web).toEqual({ address: '127.96.0.5', family: 4 });
  expect(db.map(({ address }: { address: string }) => address).sort()).toEqual(['127.244.0.8', '127.244.0.9']);
  expect(promisified).toEqual({ address: '127.96.0.5', family: 4 });
});

test('other names are looked up as ever', async () => {
  const script = "require('dns').lookup('localhost', { family: 4 }, (error, address) => console.log(error, address))";
  expect(await run(script)).toBe('null 127.0.0.1');
});

test('a changed names file is seen by a running process', async () => {
  const file = JSON.stringify(namesFile);
  const script = `
    const { lookup } = require('dns').promises; const fs = require('fs');
    lookup('late').catch(async (error) => {
      fs.writeFileSync(${file} + '.new', ${JSON.stringify(JSON.stringify({ names: { ...NAMES, 'late.shop': ['127.96.0.6'] } }))});
      fs.renameSync(${file} + '.new', ${file});
      console.log(error.syscall, (await lookup('late')).address);
    });`;
  expect(await run(script)).toBe('getaddrinfo 127.96.0.6');
});

test.each([
  ['a port', 'server.listen(0, shown)'],
  ['no address at all', 'server.listen(shown)'],
  ['a port as text', "server.listen('0', shown)"],
  ['every IPv4 address', "server.listen(0, '0.0.0.0', shown)"],
  ['every IPv6 address with a backlog', "server.listen(0, '::', 10, shown)"],
  ['options', 'server.listen({ port: 0 }, shown)'],
])('listen on %s takes the address of the pod', async (_what, listen) => {
  const script = `const server = require('http').createServer(); const shown = () => { console.log(server.address().address); server.close(); }; ${listen}`;
  expect(await run(script)).toBe(POD_IP);
});

test('listen on a named address or a path stays as written', async () => {
  const path = JSON.stringify(join(dir, 'socket'));
  const script = `
    const net = require('net');
    const one = net.createServer().listen(0, '127.0.0.1', () => { console.log(one.address().address); one.close(); });
    const two = net.createServer().listen(${path}, () => { console.log(two.address() === ${path}); two.close(); });`;
  expect((await run(script)).split('\n').sort()).toEqual(['127.0.0.1', 'true']);
});

const RAW =
  "socket.on('data', (data) => console.log(String(data).split('\\n').at(-1))).end('GET / HTTP/1.0\\r\\n\\r\\n')";

test.each([
  ['net', `const socket = require('net').connect(PORT, '127.96.255.254'); ${RAW}`],
  ['net with options and a name', `const socket = require('net').connect({ port: PORT, host: 'peer' }); ${RAW}`],
  ['a socket', `const socket = new (require('net').Socket)().connect(PORT, '127.96.255.254'); ${RAW}`],
  [
    'http',
    "require('http').get('http://peer:PORT', (response) => response.on('data', (data) => console.log(String(data))))",
  ],
  ['fetch', "fetch('http://peer.shop.svc:PORT').then((response) => response.text()).then(console.log)"],
])('connections into the cluster by %s come from the pod', async (_what, script) => {
  expect(await run(script.replaceAll('PORT', String(peerPort)))).toBe(POD_IP);
});

test('NODE_OPTIONS of the container are kept', async () => {
  const out = await run('console.log(process.env.NODE_OPTIONS, v8.getHeapStatistics().heap_size_limit < 2 ** 28)', {
    nodeOptions: '--max-old-space-size=64',
  });
  expect(out).toMatch(/^--max-old-space-size=64 --require=.* true$/);
});
