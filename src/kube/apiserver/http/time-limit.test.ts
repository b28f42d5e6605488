// Clients that send or read too slowly, handlers that take too long, and more connections than there may be.
// Speaks over raw sockets: a library would read on its own.
import { once } from 'node:events';
import { connect as connectSession } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { configMap, startTestApi, type TestApi } from '../testing/api.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const LIMIT_MS = 2000;

let api: TestApi;
beforeAll(async () => {
  const store = createMemoryStore();
  const patient = await startTestApi({ store });
  // More than the buffers of a connection take.
  const data = { k: 'x'.repeat(900_000) };
  for (let index = 0; index < 16; index += 1)
    await patient.ok('POST', MAPS, { body: configMap(`m${index}`, { data }) });
  await patient.close();
  api = await startTestApi({ store, requestTimeoutMs: LIMIT_MS, maxConnections: 6 });
}, 60_000);
afterAll(() => api.close());

async function open(): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: api.server.port,
    ca: api.server.caPem,
    ALPNProtocols: ['http/1.1'],
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

const head = (method: string, path: string, ...more: string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${api.server.adminToken}`, ...more, '', ''].join(
    '\r\n',
  );

describe('a client that does not read its answer', () => {
  it('is cut off over HTTP/1.1', { timeout: 30_000 }, async () => {
    const socket = await open();
    socket.pause();
    socket.write(head('GET', MAPS));
    await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT_MS));
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(socket.resume(), 'close');
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(14_000_000);
  });

  it('loses that stream over HTTP/2, and keeps the others', { timeout: 30_000 }, async () => {
    const session = connectSession(api.server.url, { ca: api.server.caPem });
    const authorization = `Bearer ${api.server.adminToken}`;
    const stream = session.request({ ':path': MAPS, authorization });
    stream.on('error', () => {});
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await once(stream, 'response');
    stream.pause();
    // What waits for one stream refuses no other.
    const beside = session.request({ ':path': '/version', authorization });
    expect((await once(beside, 'response'))[0][':status']).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT_MS));
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.resume();
    await closed;
    expect(bytes).toBeLessThan(14_000_000);
    const other = session.request({ ':path': '/version', authorization });
    const [headers] = await once(other, 'response');
    expect(headers[':status']).toBe(200);
    session.destroy();
  });

  it('is left in peace as long as it watches', { timeout: 30_000 }, async () => {
    const watch = await api.watch(`${MAPS}?watch=true&fieldSelector=metadata.name=late`);
    await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT_MS));
    await api.ok('POST', MAPS, { body: configMap('late') });
    expect((await watch.next()).type).toBe('ADDED');
    watch.close();
  });
});

it('a body that does not come is not waited for: the client is told, and the connection ends', {
  timeout: 30_000,
}, async () => {
  const socket = await open();
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(`${head('POST', MAPS, 'Content-Type: application/json', 'Content-Length: 100')}{"kind":`);
  await once(socket, 'close');
  expect(text).toMatch(/^HTTP\/1\.1 504 /);
  expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({
    kind: 'Status',
    code: 504,
    reason: 'Timeout',
    message: 'Timeout: request did not complete within the allotted timeout',
  });
});

it('of more connections than there may be the last ones are closed, until others go', { timeout: 30_000 }, async () => {
  const sockets: TLSSocket[] = [];
  const cut: unknown[] = [];
  for (let index = 0; index < 8; index += 1) {
    const socket = connect({ host: '127.0.0.1', port: api.server.port, ca: api.server.caPem });
    socket.on('error', () => {});
    socket.once('close', () => cut.push(index));
    sockets.push(socket);
  }
  await expect.poll(() => cut.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
  expect(cut.length).toBeLessThan(8);
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => cut.length).toBe(8);
  const after = await open();
  after.write(head('GET', '/version'));
  const [answer] = await once(after, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  after.destroy();
});
