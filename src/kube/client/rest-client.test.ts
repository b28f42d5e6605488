// The client's verbs on the real API server, and its manners towards one that refuses or does not answer.
// Only the second server is scripted.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import { FakeClock } from '#lib/clock.ts';
import type { Client, WatchEvent } from './client.ts';
import { createClient } from './rest-client.ts';

const MAPS = builtin('ConfigMap');
const NODES = builtin('Node');
const map = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

describe('the client on the real server', () => {
  let server: TestServer;
  let client: Client;

  beforeEach(async () => {
    server = await startTestServer();
    client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  test('creates, reads, updates, patches in every way and deletes', async () => {
    const created = await client.create<ConfigMap>(MAPS, map('a', { x: '1' }));
    expect(created.metadata?.uid).toBeDefined();
    expect(await client.get<ConfigMap>(MAPS, 'a', 'default')).toMatchObject({ kind: 'ConfigMap', data: { x: '1' } });
    await client.update<ConfigMap>(MAPS, { ...created, data: { x: '2' } });
    await client.patch(MAPS, 'a', 'default', 'merge', { data: { y: 'm' } });
    await client.patch(MAPS, 'a', 'default', 'strategic', { data: { z: 's' } });
    await client.patch(MAPS, 'a', 'default', 'json', [{ op: 'remove', path: '/data/x' }]);
    const applied = { ...map('a', { w: 'a' }) };
    const last = await client.patch<ConfigMap>(MAPS, 'a', 'default', 'apply', applied, { fieldManager: 'me' });
    expect(last.data).toEqual({ y: 'm', z: 's', w: 'a' });
    await client.delete(MAPS, 'a', 'default');
    await expect(client.get(MAPS, 'a', 'default')).rejects.toMatchObject({ code: 404, reason: 'NotFound' });
  });

  test('writes and deletes one after the other over the connections that it has', async () => {
    await client.create(MAPS, map('again'));
    await client.delete(MAPS, 'again', 'default');
    let connections = 0;
    const count = (): void => {
      connections++;
    };
    subscribe('undici:client:connected', count);
    try {
      for (let round = 0; round < 5; round++) {
        await client.create(MAPS, map('again'));
        await client.delete(MAPS, 'again', 'default');
      }
    } finally {
      unsubscribe('undici:client:connected', count);
    }
    expect(connections).toBe(0);
  });

  test('reports a refusal as the Status that the server gave', async () => {
    const first = await client.create<ConfigMap>(MAPS, map('a'));
    await client.update(MAPS, { ...first, data: { x: '1' } });
    await expect(client.update(MAPS, { ...first, data: { x: '2' } })).rejects.toMatchObject({
      code: 409,
      reason: 'Conflict',
    });
    await expect(client.create(MAPS, map('a'))).rejects.toBeInstanceOf(StatusError);
    const typo = { ...map('b'), dada: {} };
    await expect(client.create(MAPS, typo)).rejects.toThrow(/unknown field "dada"/);
  });

  test('a dry run changes nothing', async () => {
    await client.create(MAPS, map('a'), { dryRun: true });
    await expect(client.get(MAPS, 'a', 'default')).rejects.toMatchObject({ code: 404 });
  });

  test('lists by selector, in pages, with apiVersion and kind on each item', async () => {
    for (const name of ['a', 'b', 'c']) {
      const object = map(name);
      await client.create(MAPS, { ...object, metadata: { ...object.metadata, labels: { app: name } } });
    }
    const page = await client.list<ConfigMap>(MAPS, {
      namespace: 'default',
      labelSelector: 'app in (a,b,c)',
      limit: 2,
    });
    expect(page.items.map(({ kind, metadata }) => `${kind} ${metadata?.name}`)).toEqual(['ConfigMap a', 'ConfigMap b']);
    const next = page.metadata.continue ?? '';
    const rest = await client.list<ConfigMap>(MAPS, {
      namespace: 'default',
      labelSelector: 'app',
      limit: 2,
      continue: next,
    });
    expect(rest.items.map(({ metadata }) => metadata?.name)).toEqual(['c']);
  });

  test('watches until the caller has seen enough', async () => {
    const { metadata } = await client.list(MAPS, { namespace: 'default' });
    const seen: WatchEvent<ConfigMap>[] = [];
    await client.create(MAPS, map('a'));
    await client.delete(MAPS, 'a', 'default');
    const options = {
      namespace: 'default',
      resourceVersion: metadata.resourceVersion ?? '',
      allowWatchBookmarks: true,
    };
    for await (const event of client.watch<ConfigMap>(MAPS, options)) {
      if (event.type !== 'BOOKMARK') seen.push(event);
      if (event.type === 'DELETED') break;
    }
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
  });

  test('an aborted watch simply ends', async () => {
    const stop = new AbortController();
    const watch = client.watch(MAPS, { namespace: 'default', signal: stop.signal })[Symbol.asyncIterator]();
    const next = watch.next();
    stop.abort();
    expect((await next).done).toBe(true);
  });

  test('proves who it is with a client certificate', async () => {
    const { certPem, keyPem } = await server.issueClient('tester', ['system:masters']);
    const other = createClient({
      server: server.url,
      caPem: server.caPem,
      clientCertPem: certPem,
      clientKeyPem: keyPem,
    });
    await expect(other.list(NODES)).resolves.toMatchObject({ items: [] });
    await other.close();
  });

  test('does not talk to a server it cannot verify, nor with a wrong token', async () => {
    const trusting = createClient({ server: server.url, token: server.adminToken });
    await expect(trusting.list(NODES)).rejects.toThrow(/^Cannot reach the API server at https:.*certificate/);
    await trusting.close();
    const stranger = createClient({ server: server.url, caPem: server.caPem, token: 'guess' });
    await expect(stranger.list(NODES)).rejects.toMatchObject({ code: 401 });
    await stranger.close();
  });

  test('refuses a call that lacks a namespace before it reaches the server', async () => {
    await expect(client.get(MAPS, 'a')).rejects.toThrow('ConfigMap "a" needs a namespace');
  });

  test('answers other requests with what the server says', async () => {
    expect(await client.raw('GET', '/version')).toMatchObject({ major: expect.any(String) });
    expect(await client.raw('GET', '/readyz')).toBe('ok');
  });
});

describe('the client on a difficult server', () => {
  let http: Server;
  let client: Client;
  let clock: FakeClock;
  let answers: ((count: number) => { code: number; headers?: Record<string, string>; body?: string } | 'silence')[];
  let count: number;

  beforeEach(async () => {
    count = 0;
    answers = [];
    http = createServer((_request, response) => {
      const answer = answers[0]?.(++count);
      if (answer === undefined || answer === 'silence') return;
      response.writeHead(answer.code, answer.headers ?? {}).end(answer.body ?? '');
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    clock = new FakeClock();
    client = createClient({ server: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }, { clock });
  });
  afterEach(async () => {
    await client.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  async function whileTimePasses<T>(work: Promise<T>, stepMs: number): Promise<T> {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    ended.catch(() => {});
    while (!done) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(stepMs);
    }
    return ended;
  }

  test('waits as long as Retry-After says, and tries again', async () => {
    answers = [
      (n) =>
        n < 3 ? { code: 429, headers: { 'retry-after': '2' } } : { code: 200, body: '{"items":[],"metadata":{}}' },
    ];
    const began = clock.now();
    await whileTimePasses(client.list(NODES), 10);
    expect(count).toBe(3);
    expect(clock.now() - began).toBeGreaterThanOrEqual(4_000);
  });

  test('does not retry the refusal of an eviction', async () => {
    const refusal = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'disruption budget' };
    answers = [() => ({ code: 429, headers: { 'retry-after': '10' }, body: JSON.stringify(refusal) })];
    const eviction = { metadata: { name: 'a', namespace: 'default' } };
    await expect(client.create(builtin('Pod'), eviction, { subresource: 'eviction' })).rejects.toThrow(
      'disruption budget',
    );
    expect(count).toBe(1);
  });

  test('gives up a request that is not answered, and names server, request and time', async () => {
    answers = [() => 'silence'];
    const work = whileTimePasses(client.get(NODES, 'a'), 100);
    await expect(work).rejects.toThrow(
      /^Cannot reach the API server at http:.* \(GET \/api\/v1\/nodes\/a\): no answer within 30000 ms$/,
    );
  });

  test('reports an answer that is no Status with its code and text', async () => {
    answers = [() => ({ code: 502, body: '<h1>Bad gateway</h1>' })];
    await expect(client.get(NODES, 'a')).rejects.toMatchObject({
      code: 502,
      message: 'GET /api/v1/nodes/a answered 502: <h1>Bad gateway</h1>',
    });
  });
});
