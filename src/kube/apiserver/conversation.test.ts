// What is asked, and what a kube-apiserver answers: codes, headers and words, for each verb and media type.
// A table of ours; a line changes only when upstream does.
import { gunzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeProtobuf, encodeProtobuf, protobufMediaType } from '#kube/api/protobuf/index.ts';
import { type CallOptions, configMap, deployment, type Json, startTestApi, type TestApi } from './testing/api.ts';
import { DEPLOYMENTS, JSON_TYPE, MAPS, PATCHES, refusals, YAML } from './testing/refusals.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.ok('POST', MAPS, { body: configMap('a', { data: { k: 'v' } }) });
  await api.ok('POST', MAPS, { body: configMap('large', { data: { k: 'x'.repeat(200_000) } }) });
  await api.ok('POST', DEPLOYMENTS, { body: deployment('d') });
  const spec = { type: 'object', properties: { size: { type: 'integer' } } };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
  await api.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    },
  });
});
afterAll(() => api.close());

describe('a refusal', () => {
  it.each(refusals)('%s %s %o: %i %s', async (method, path, options, code, reason, message) => {
    const answer = await api.call(method, path, options);
    const words = typeof message === 'string' ? message : expect.stringMatching(message);
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message: words };
    expect(answer).toMatchObject({ code, body: status });
    expect(answer.headers['content-type']).toBe(JSON_TYPE);
    expect(answer.headers['cache-control']).toBe('no-cache, private');
    expect(answer.headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/);
    if (code === 504) expect(answer.headers['retry-after']).toBe('1');
  });

  it.each(['/nothing', '/api/v1/nothing', `${MAPS}/a/status`, '/healthz/none', '/apis/none/v1', '/apis/apps/v1/none'])(
    'of the path %s is a line of text',
    async (path) => {
      const { code, body, headers } = await api.call('GET', path);
      expect({ code, ...body }).toEqual({ code: 404, text: '404 page not found\n' });
      expect(headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(headers['x-content-type-options']).toBe('nosniff');
    },
  );
});

describe('an answer', () => {
  const plain = (accept?: string): CallOptions => (accept === undefined ? {} : { accept });
  it.each<readonly [string, string | undefined, string, Json]>([
    [`${MAPS}/a`, undefined, JSON_TYPE, { kind: 'ConfigMap', apiVersion: 'v1', data: { k: 'v' } }],
    [`${MAPS}/a`, 'application/*', JSON_TYPE, { kind: 'ConfigMap' }],
    [`${MAPS}/a`, 'text/html, */*;q=0.1', JSON_TYPE, { kind: 'ConfigMap' }],
    [
      `${MAPS}/a`,
      `application/json;as=Table;v=v1;g=meta.k8s.io,${JSON_TYPE}`,
      JSON_TYPE,
      { kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [{ cells: ['a', 1, expect.any(String)] }] },
    ],
    [
      MAPS,
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      JSON_TYPE,
      { kind: 'Table', columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }] },
    ],
    [
      `${MAPS}/a`,
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
      JSON_TYPE,
      { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' },
    ],
    [
      MAPS,
      'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
      JSON_TYPE,
      { kind: 'PartialObjectMetadataList' },
    ],
    ['/apis', JSON_TYPE, JSON_TYPE, { kind: 'APIGroupList', apiVersion: 'v1' }],
    [
      '/apis',
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      { kind: 'APIGroupDiscoveryList' },
    ],
    ['/version', YAML, JSON_TYPE, { major: '1', minor: '36' }],
    [`${MAPS}?limit=-1`, undefined, JSON_TYPE, { kind: 'ConfigMapList', items: expect.any(Array) }],
    ['/openapi/v2', undefined, JSON_TYPE, { swagger: '2.0' }],
  ])('GET %s as %s', async (path, accept, type, body) => {
    const answer = await api.call('GET', path, plain(accept));
    expect(answer).toMatchObject({ code: 200, body });
    expect(answer.headers['content-type']).toBe(type);
  });

  it('is YAML where that is asked for', async () => {
    const { headers, body } = await api.call('GET', `${MAPS}/a`, { accept: YAML });
    expect(headers['content-type']).toBe(YAML);
    expect(body.text).toContain('kind: ConfigMap\n');
  });

  it.each([
    ['POST', `${MAPS}?dryRun=All`, JSON_TYPE, JSON.stringify(configMap('n')), 201],
    ['POST', `${MAPS}?dryRun=All`, YAML, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}\n', 201],
    ['POST', `${MAPS}?dryRun=All`, 'application/json; charset=utf-8', '{"metadata":{"name":"n"}}', 201],
    ['POST', `${MAPS}?dryRun=All`, protobufMediaType, Buffer.from(encodeProtobuf(configMap('n'))), 201],
    ['PUT', `${MAPS}/a?dryRun=All`, protobufMediaType, Buffer.from(encodeProtobuf(configMap('a'))), 200],
    ['PATCH', `${MAPS}/a?dryRun=All`, PATCHES.merge, '{"data":{"k":null}}', 200],
    ['PATCH', `${MAPS}/a?dryRun=All`, PATCHES.strategic, '{"data":{"$patch":"replace"}}', 200],
    ['PATCH', `${MAPS}/a?dryRun=All`, PATCHES.json, '[{"op":"remove","path":"/data/k"}]', 200],
    ['PATCH', `${MAPS}/n?dryRun=All&fieldManager=x`, PATCHES.apply, '{apiVersion: v1, kind: ConfigMap}', 201],
    [
      'PATCH',
      `${MAPS}/a?dryRun=All&fieldManager=x&force=`,
      PATCHES.apply,
      '{apiVersion: v1, kind: ConfigMap, data: {k: x}}',
      200,
    ],
    ['PUT', `${DEPLOYMENTS}/d/scale?dryRun=All`, JSON_TYPE, '{"metadata":{"name":"d"},"spec":{"replicas":3}}', 200],
    ['DELETE', `${MAPS}/a?dryRun=All`, JSON_TYPE, '{}', 200],
    ['DELETE', `${MAPS}?dryRun=All`, JSON_TYPE, '', 200],
  ] as const)('%s %s of %s, in three formats', async (method, path, type, body, code) => {
    for (const accept of [JSON_TYPE, YAML, protobufMediaType]) {
      const answer = await send(method, path, { accept, 'content-type': type }, body);
      expect([answer.code, answer.headers['content-type']]).toEqual([code, accept]);
      expect(answer.headers['audit-id']).toBeDefined();
    }
  });

  it('warns of what it leaves out, and names the request as the client did', async () => {
    const headers = { 'audit-id': 'mine-1' };
    const answer = await api.call('POST', `${MAPS}?dryRun=All`, { body: configMap('w', { nope: 1 }), headers });
    expect(answer.headers).toMatchObject({ warning: '299 - "unknown field \\"nope\\""', 'audit-id': 'mine-1' });
  });

  it('is compressed when it is large, for those who take that', async () => {
    const { headers, bytes } = await send('GET', `${MAPS}/large`, { 'accept-encoding': 'gzip' });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(JSON.parse(gunzipSync(bytes).toString())).toMatchObject({ kind: 'ConfigMap' });
    expect((await send('GET', `${MAPS}/a`, { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBeUndefined();
  });

  it.each([
    [JSON_TYPE, JSON_TYPE],
    [`${protobufMediaType};stream=watch`, `${protobufMediaType};stream=watch`],
    [`${protobufMediaType},${JSON_TYPE}`, `${protobufMediaType};stream=watch`],
  ])('that is a watch comes as %s', async (accept, type) => {
    const query = 'watch=&timeoutSeconds=1&fieldSelector=metadata.name%3Da';
    const { code, headers, bytes } = await send('GET', `${MAPS}?${query}`, { accept });
    expect([code, headers['content-type']]).toEqual([200, type]);
    expect(bytes.includes('"type":"ADDED"') || bytes.includes('ADDED')).toBe(true);
  });

  it('tells in a watch of JSON and of protocol buffers that its start is gone', async () => {
    await api.server.store.compact(api.server.store.revision());
    for (const accept of [JSON_TYPE, protobufMediaType]) {
      const { code, bytes } = await send('GET', `${MAPS}?watch=1&resourceVersion=2`, { accept });
      expect(code).toBe(200);
      expect(bytes.toString('latin1')).toMatch(/too old resource version: 2 \(\d+\)/);
      expect(bytes.includes('ERROR')).toBe(true);
    }
    const list = await api.call('GET', `${MAPS}?resourceVersion=2&resourceVersionMatch=Exact`);
    expect(list).toMatchObject({
      code: 410,
      body: { reason: 'Expired', message: expect.stringMatching(/^too old resource version: 2 \(\d+\)$/) },
    });
  });

  it('in protocol buffers says what JSON says', async () => {
    const { bytes } = await send('GET', `${MAPS}/a`, { accept: protobufMediaType });
    expect(decodeProtobuf(bytes)).toEqual(await api.ok('GET', `${MAPS}/a`));
    const refused = await send('GET', `${MAPS}/none`, { accept: protobufMediaType });
    expect(decodeProtobuf(refused.bytes)).toMatchObject({ kind: 'Status', code: 404, reason: 'NotFound' });
  });
});

async function send(method: string, path: string, headers: Record<string, string>, body?: string | Buffer) {
  const dispatcher = new Agent({ connect: { ca: api.server.caPem } });
  const response = await request(api.server.url + path, {
    method: method as 'GET',
    dispatcher,
    headers: { authorization: `Bearer ${api.server.adminToken}`, ...headers },
    ...(body === undefined || body === '' ? {} : { body }),
  });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  await dispatcher.close();
  return { code: response.statusCode, headers: response.headers, bytes };
}
