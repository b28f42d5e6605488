// Lists long enough to leave in parts: in every form they hold what the objects say one by one, whatever changed since.
// Knows HTTP and the codec of protocol buffers only.
import { gunzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeProtobuf, protobufMediaType } from '#kube/api/protobuf/index.ts';
import { at, configMap, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const AS_TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';
const AS_METADATA = ';as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const ONE_AS_METADATA = ';as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const COUNT = 300;

let api: TestApi;
let agent: Agent;
beforeAll(async () => {
  api = await startTestApi();
  agent = new Agent({ connect: { ca: api.server.caPem } });
  for (let index = 0; index < COUNT; index++) await create(`map-${String(index).padStart(3, '0')}`);
});
afterAll(async () => {
  await agent.close();
  await api.close();
});

/** Among two-byte characters, so that bytes are not characters; a few too long to lie with others. */
async function create(name: string): Promise<void> {
  const annotations = { note: `Größe ${name} `.repeat(60) };
  const data = { value: `é${name}`.repeat(name.endsWith('77') ? 40_000 : 300) };
  await api.ok('POST', MAPS, {
    body: configMap(name, { metadata: { name, labels: { last: name.slice(-1) }, annotations }, data }),
  });
}

async function get(path: string, accept: string, headers: Record<string, string> = {}): Promise<Json> {
  const answer = await request(api.server.url + path, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${api.server.adminToken}`, accept, ...headers },
  });
  const sent = Buffer.from(await answer.body.arrayBuffer());
  const bytes = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
  const length = answer.headers['content-length'];
  if (length !== undefined) expect(sent.length).toBe(Number(length));
  return accept.startsWith(protobufMediaType)
    ? (decodeProtobuf(bytes) as unknown as Json)
    : (JSON.parse(bytes.toString()) as Json);
}

const rowsOf = (list: Json): Json[] => (list.rows ?? list.items) as Json[];

/** Each form of a list, and what one of its items is made of. */
const FORMS: readonly (readonly [accept: string, one: string, query: string])[] = [
  ['application/json', 'application/json', ''],
  [protobufMediaType, protobufMediaType, ''],
  [`application/json${AS_METADATA}`, `application/json${ONE_AS_METADATA}`, ''],
  [`${protobufMediaType}${AS_METADATA}`, `${protobufMediaType}${ONE_AS_METADATA}`, ''],
  [AS_TABLE, AS_TABLE, '&includeObject=Metadata'],
  [AS_TABLE, AS_TABLE, '&includeObject=Object'],
  [AS_TABLE, AS_TABLE, '&includeObject=None'],
];

function shown(item: Json): Json {
  const { kind: _, apiVersion: __, ...rest } = item;
  // The age of what has just been made is told by the second.
  return 'cells' in rest ? { ...rest, cells: (rest.cells as unknown[]).slice(0, 2) } : rest;
}

async function expectExact(accept: string, one: string, query: string, names: readonly string[]): Promise<void> {
  for (const headers of [{ 'accept-encoding': 'identity' }, { 'accept-encoding': 'gzip' }]) {
    const rows = rowsOf(await get(`${MAPS}?x=${query}`, accept, headers)).map(shown);
    expect(rows.length).toBe(names.length);
    for (const index of [0, 1, 6, 7, 8, 99, 100, 101, names.length - 1]) {
      const single = await get(`${MAPS}/${names[index]}?x=${query}`, one);
      expect(rows[index]).toEqual(shown('rows' in single ? (at(single, 'rows', 0) as Json) : single));
    }
  }
  const chosen = rowsOf(await get(`${MAPS}?labelSelector=last%3D3${query}`, accept));
  expect(chosen.length).toBe(names.filter((name) => name.endsWith('3')).length);
  const page = await get(`${MAPS}?limit=150${query}`, accept);
  expect(rowsOf(page).map(shown)).toEqual(
    rowsOf(await get(`${MAPS}?x=${query}`, accept))
      .map(shown)
      .slice(0, 150),
  );
  expect(at(page, 'metadata', 'remainingItemCount')).toBe(names.length - 150);
}

it('hold every object as it is, before and after changes, compressed or not', { timeout: 120_000 }, async () => {
  const names = Array.from({ length: COUNT }, (_, index) => `map-${String(index).padStart(3, '0')}`);
  for (const form of FORMS) await expectExact(...form, names);
  // One in the middle of its neighbours' bytes, the first, the last, one that goes and two that come.
  for (const name of ['map-100', 'map-000', 'map-299']) {
    const type = 'application/merge-patch+json';
    await api.ok('PATCH', `${MAPS}/${name}`, {
      type,
      body: { data: { changed: 'yes' }, metadata: { labels: { changed: name } } },
    });
  }
  await api.ok('DELETE', `${MAPS}/map-007`);
  await create('map-007a');
  await create('a-first');
  const now = ['a-first', ...names].sort().flatMap((name) => (name === 'map-007' ? ['map-007a'] : [name]));
  for (const form of FORMS) await expectExact(...form, now);
});

it('of which only the head is asked for come without a body', async () => {
  const answer = await request(`${api.server.url}${MAPS}`, {
    method: 'HEAD',
    dispatcher: agent,
    headers: { authorization: `Bearer ${api.server.adminToken}` },
  });
  expect([answer.statusCode, await answer.body.text()]).toEqual([200, '']);
});

it('are given up when the client goes away in the middle, and the next one is whole', async () => {
  const answer = await request(`${api.server.url}${MAPS}`, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${api.server.adminToken}` },
  });
  answer.body.on('error', () => undefined).destroy();
  expect(rowsOf(await get(MAPS, 'application/json')).length).toBeGreaterThan(COUNT);
});
