// Requests and answers as protocol buffers: bodies, objects, lists, Statuses, watches, and where JSON stays.
// Knows HTTP and the codec of the API; the codec itself is tested where it is.
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeProtobuf, encodeProtobuf, encodeWatchFrame, protobufMediaType } from '#kube/api/protobuf/index.ts';
import { configMap, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const CONFIG = '/api/v1/namespaces/default/configmaps';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const EITHER = `${protobufMediaType},application/json`;

let api: TestApi;
let agent: Agent;
beforeAll(async () => {
  api = await startTestApi();
  agent = new Agent({ connect: { ca: api.server.caPem } });
});
afterAll(async () => {
  await agent.close();
  await api.close();
});

async function send(method: string, path: string, accept: string, object?: Json) {
  const response = await request(api.server.url + path, {
    method: method as 'GET',
    dispatcher: agent,
    headers: {
      authorization: `Bearer ${api.server.adminToken}`,
      accept,
      ...(object === undefined ? {} : { 'content-type': protobufMediaType }),
    },
    ...(object === undefined ? {} : { body: encodeProtobuf(object) }),
  });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const type = String(response.headers['content-type']);
  return {
    code: response.statusCode,
    type,
    body: type === protobufMediaType ? decodeProtobuf(bytes) : undefined,
    bytes,
  };
}

describe('a client that speaks protocol buffers', () => {
  it('creates, reads, lists and deletes', async () => {
    const created = await send('POST', CONFIG, EITHER, configMap('a', { data: { k: 'v' } }));
    expect(created).toMatchObject({
      code: 201,
      type: protobufMediaType,
      body: { kind: 'ConfigMap', data: { k: 'v' } },
    });
    expect(await api.ok('GET', `${CONFIG}/a`)).toEqual(created.body);
    const list = await send('GET', CONFIG, EITHER);
    expect(list.body).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'a' } }] });
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'another' } };
    expect(await send('DELETE', `${CONFIG}/a`, EITHER, options)).toMatchObject({
      code: 409,
      body: { reason: 'Conflict' },
    });
    const deleted = await send('DELETE', `${CONFIG}/a`, EITHER, { apiVersion: 'v1', kind: 'DeleteOptions' });
    expect(deleted).toMatchObject({ code: 200, body: { kind: 'Status', status: 'Success' } });
  });

  it('is told of failures in its format', async () => {
    const missing = await send('GET', `${CONFIG}/none`, protobufMediaType);
    expect(missing).toMatchObject({ code: 404, type: protobufMediaType, body: { kind: 'Status', reason: 'NotFound' } });
    const garbage = await api.call('POST', CONFIG, { body: 'k8s\0\x0a\x7f', type: protobufMediaType });
    expect(garbage).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
    expect(garbage.body.message).toContain('the message ends within a field');
  });

  it('gets metadata only, and Tables as JSON', async () => {
    await api.ok('POST', CONFIG, { body: configMap('meta', { data: { k: 'v' } }) });
    const partial = ';as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
    const metadata = await send('GET', `${CONFIG}/meta`, `${protobufMediaType}${partial},application/json${partial}`);
    expect(metadata.body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'meta' } });
    const table = ';as=Table;g=meta.k8s.io;v=v1';
    const shown = await send('GET', CONFIG, `${protobufMediaType}${table},application/json${table}`);
    expect(shown.type).toBe('application/json');
  });

  it('watches frames', async () => {
    await api.ok('POST', CONFIG, { body: configMap('watched') });
    const watched = await api.ok('GET', `${CONFIG}/watched`);
    const query = `watch=true&fieldSelector=metadata.name%3Dwatched&timeoutSeconds=1`;
    const { type, bytes } = await send('GET', `${CONFIG}?${query}`, EITHER);
    expect(type).toBe(`${protobufMediaType};stream=watch`);
    expect(bytes).toEqual(encodeWatchFrame('ADDED', watched));
  });

  it('gets custom resources as JSON, and cannot send them otherwise', async () => {
    const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' };
    const schema = { openAPIV3Schema: { type: 'object', properties: { size: { type: 'integer' } } } };
    const versions = [{ name: 'v1', served: true, storage: true, schema }];
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names, versions },
    };
    expect(await send('POST', CRDS, EITHER, crd)).toMatchObject({ code: 201, body: { spec: { versions } } });
    const path = '/apis/example.com/v1/namespaces/default/widgets';
    await expect.poll(async () => (await send('GET', path, EITHER)).type).toBe('application/json');
    expect(await send('GET', path, protobufMediaType)).toMatchObject({ code: 406 });
    expect(await send('POST', path, EITHER, configMap('a'))).toMatchObject({ code: 400 });
  });
});
