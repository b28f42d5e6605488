// What pages in a browser need: answers that they may read, tokens without headers, watches by WebSocket.
// Asks as browsers do; a real one is in test/clients.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { decodeProtobuf, protobufMediaType } from '#kube/api/protobuf/index.ts';
import { configMap, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const ORIGIN = 'https://dashboard.example';
const TOKENS = new Map([['reader-token', { name: 'reader', groups: [] }]]);

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    allowsOrigin: (origin) => origin === ORIGIN,
    tokens: TOKENS,
    maxUnreadBytes: 1024 * 1024,
  });
  await api.ok('POST', MAPS, { body: configMap('first') });
});
afterAll(() => api.close());

describe('answers to pages of other origins', () => {
  const shared = {
    'access-control-allow-origin': ORIGIN,
    'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'Date',
    vary: 'Origin',
  };
  const allowedHeaders = expect.stringContaining('Authorization');

  it('a browser that asks whether it may is told so, without saying who is there', async () => {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'PUT' };
    const answer = await api.call('OPTIONS', `${MAPS}/first`, { token: null, headers });
    expect(answer.code).toBe(204);
    expect(answer.headers).toMatchObject({ ...shared, 'access-control-allow-headers': allowedHeaders });
  });

  it.each<readonly [string, string, number]>([
    ['GET', MAPS, 200],
    ['GET', `${MAPS}/none`, 404],
    ['GET', '/version', 200],
    ['GET', '/nothing', 404],
  ])('%s %s is readable', async (method, path, code) => {
    const answer = await api.call(method, path, { headers: { origin: ORIGIN } });
    expect(answer).toMatchObject({ code, headers: shared });
  });

  it('a refusal is readable as well', async () => {
    const answer = await api.call('GET', MAPS, { token: 'wrong', headers: { origin: ORIGIN } });
    expect(answer).toMatchObject({ code: 401, headers: shared });
  });

  it('a cache is told of the origin where an answer depends on more than that', async () => {
    const other = await startTestApi({ allowsOrigin: () => true });
    try {
      await other.ok('POST', MAPS, { body: configMap('short', { data: { text: 'x'.repeat(200_000) } }) });
      const headers = { origin: ORIGIN, 'accept-encoding': 'gzip' };
      const vary = async (path: string) => String((await other.call('HEAD', path, { headers })).headers.vary);
      expect(await vary(MAPS)).toBe('Origin, Accept-Encoding');
      // Long enough to be sent in parts.
      await other.ok('POST', MAPS, { body: configMap('long', { data: { text: 'x'.repeat(700_000) } }) });
      expect(await vary(MAPS)).toBe('Origin, Accept-Encoding');
      expect(await vary('/openapi/v2')).toBe('Origin, Accept, Accept-Encoding');
    } finally {
      await other.close();
    }
  });

  it('pages of other origins are answered as anybody else, and cannot read it', async () => {
    const headers = { origin: `${ORIGIN}.evil.example` };
    const { code, headers: answered } = await api.call('GET', MAPS, { headers });
    expect(code).toBe(200);
    expect(Object.keys(answered).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await api.call('OPTIONS', MAPS, { headers })).code).toBe(405);
  });

  it('nothing is said where no origin is named', async () => {
    const closed = await startTestApi();
    const { headers } = await closed.call('GET', MAPS, { headers: { origin: ORIGIN } });
    await closed.close();
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

/** What a page opens: protocols and nothing else. `said` grows with each message. */
function open(path: string, protocols: readonly string[], headers: Record<string, string> = {}) {
  const socket = new WebSocket(api.server.url.replace('https', 'wss') + path, [...protocols], {
    ca: api.server.caPem,
    origin: ORIGIN,
    headers,
  });
  const said: { data: Buffer; binary: boolean }[] = [];
  const waiting: (() => void)[] = [];
  socket.on('message', (data: Buffer, binary: boolean) => {
    said.push({ data, binary });
    for (const wake of waiting.splice(0)) wake();
  });
  socket.on('error', () => {});
  let at = 0;
  const next = async (): Promise<{ data: Buffer; binary: boolean }> => {
    while (said.length <= at) await new Promise<void>((resolve) => waiting.push(resolve));
    at += 1;
    return said[at - 1] as { data: Buffer; binary: boolean };
  };
  const event = async (): Promise<{ type: string; object: Json }> => JSON.parse(String((await next()).data));
  return { socket, next, event };
}

const bearer = (token: string): string =>
  `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;

async function refusal(socket: WebSocket): Promise<number> {
  const [, answer] = await once(socket, 'unexpected-response');
  answer.resume();
  return answer.statusCode;
}

describe('a watch by WebSocket', () => {
  const admin = (): string => bearer(api.server.adminToken);

  it('is one event a message, in text, by the protocol that the page names', async () => {
    const { socket, next } = open(`${MAPS}?watch=true`, ['base64.binary.k8s.io', admin()]);
    const first = await next();
    expect(socket.protocol).toBe('base64.binary.k8s.io');
    expect(first.binary).toBe(false);
    expect(JSON.parse(String(first.data))).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'first' } } });
    await api.ok('POST', MAPS, { body: configMap('second') });
    await api.ok('DELETE', `${MAPS}/second`);
    expect(JSON.parse(String((await next()).data))).toMatchObject({ type: 'ADDED' });
    expect(JSON.parse(String((await next()).data))).toMatchObject({ type: 'DELETED' });
    // What the client says is of no interest, and no harm.
    socket.send('hello');
    await api.ok('PATCH', `${MAPS}/first`, { type: 'application/merge-patch+json', body: { data: { a: 'b' } } });
    expect(JSON.parse(String((await next()).data))).toMatchObject({ type: 'MODIFIED', object: { data: { a: 'b' } } });
    socket.close();
    await once(socket, 'close');
  });

  it('ends when its time is up', async () => {
    const { socket } = open(`${MAPS}?watch=true&timeoutSeconds=1`, [], {
      authorization: `Bearer ${api.server.adminToken}`,
    });
    const [code] = await once(socket, 'close');
    expect(code).toBe(1000);
    expect(socket.protocol).toBe('');
  });

  it('tells of history that is gone as any watch does', async () => {
    const { event } = open(`${MAPS}?watch=true&resourceVersion=999999999`, ['binary.k8s.io', admin()]);
    expect(await event()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });

  it('is of Tables and of protocol buffers to whoever accepts them', async () => {
    const table = open(`${MAPS}?watch=true`, [admin(), 'binary.k8s.io'], {
      accept: 'application/json;as=Table;g=meta.k8s.io;v=v1',
    });
    expect(await table.event()).toMatchObject({
      object: { kind: 'Table', rows: [{ cells: ['first', 1, expect.any(String)] }] },
    });
    table.socket.terminate();
    const binary = open(`${MAPS}?watch=true&fieldSelector=metadata.name=first`, ['binary.k8s.io', admin()], {
      accept: protobufMediaType,
    });
    const { data, binary: isBinary } = await binary.next();
    expect(isBinary).toBe(true);
    expect(decodeWatch(data)).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'first' } });
    binary.socket.terminate();
  });

  it('is refused as any request is, before it begins', async () => {
    expect(await refusal(open(`${MAPS}?watch=true`, ['binary.k8s.io', bearer('wrong')]).socket)).toBe(401);
    expect(await refusal(open(`${MAPS}?watch=true`, ['binary.k8s.io', bearer('reader-token')]).socket)).toBe(403);
    expect(await refusal(open(`${MAPS}?watch=true&timeoutSeconds=x`, ['binary.k8s.io', admin()]).socket)).toBe(400);
    // Nothing else to agree on, two tokens, no text.
    expect(await refusal(open(`${MAPS}?watch=true`, [admin()]).socket)).toBe(401);
    expect(await refusal(open(`${MAPS}?watch=true`, ['binary.k8s.io', admin(), bearer('b')]).socket)).toBe(401);
    const noText = 'base64url.bearer.authorization.k8s.io._w';
    expect(await refusal(open(`${MAPS}?watch=true`, ['binary.k8s.io', noText]).socket)).toBe(401);
  });

  it('that nobody reads is cut off', { timeout: 30_000 }, async () => {
    const { socket } = open(`${MAPS}?watch=true&fieldSelector=metadata.name=large`, ['binary.k8s.io', admin()]);
    await once(socket, 'open');
    socket.pause();
    const closed = once(socket, 'close');
    await api.ok('POST', MAPS, { body: configMap('large') });
    for (let size = 0; size < 60; size += 1) {
      const body = { data: { k: `${size}`.repeat(400_000).slice(0, 400_000) } };
      await api.ok('PATCH', `${MAPS}/large`, { type: 'application/merge-patch+json', body });
    }
    socket.resume();
    const [code] = await closed;
    expect(code).toBe(1006);
  });
});

/** The object of `meta.v1.WatchEvent`: type in field 1, the raw object (of field 1) in field 2. */
function decodeWatch(message: Buffer): Json {
  const at = message.indexOf('k8s\0');
  const length = message.length - at;
  for (let end = length; end > 0; end -= 1) {
    try {
      return decodeProtobuf(message.subarray(at, at + end)) as unknown as Json;
    } catch {
      // The object is followed by the end of its message.
    }
  }
  throw new Error('No object in the message');
}
