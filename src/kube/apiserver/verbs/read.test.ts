// Lists over HTTP: selectors, pages, resourceVersion rules, Tables and metadata only.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, configMap, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';

const CONFIG = '/api/v1/namespaces/lists/configmaps';
const names = (body: Json): unknown[] => (body.items as Json[]).map((item) => at(item, 'metadata', 'name'));

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.ok('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lists' } },
  });
  for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    const metadata = { name, labels: { parity: index % 2 === 0 ? 'even' : 'odd', name } };
    await api.ok('POST', CONFIG, { body: configMap(name, { metadata }) });
  }
});
afterAll(() => api.close());

describe('selectors', () => {
  it('select by label and by field', async () => {
    expect(names(await api.ok('GET', `${CONFIG}?labelSelector=parity%3Dodd`))).toEqual(['b', 'd']);
    expect(names(await api.ok('GET', `${CONFIG}?labelSelector=name+in+(a,e),parity`))).toEqual(['a', 'e']);
    expect(names(await api.ok('GET', `${CONFIG}?fieldSelector=metadata.name%3Dc`))).toEqual(['c']);
    expect(
      names(await api.ok('GET', `${CONFIG}?fieldSelector=metadata.name!%3Dc&labelSelector=parity%3Deven`)),
    ).toEqual(['a', 'e']);
    const all = await api.ok('GET', '/api/v1/configmaps?fieldSelector=metadata.namespace%3Dlists');
    expect(names(all)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('refuse a field that is not selectable, and text that is no selector', async () => {
    const field = await api.call('GET', `${CONFIG}?fieldSelector=data.x%3Dy`);
    expect(field.code).toBe(400);
    expect(field.body.message).toContain('"data.x" is not a known field selector');
    expect((await api.call('GET', `${CONFIG}?labelSelector=%3D%3D%3D`)).code).toBe(400);
  });

  it("know the pods' own fields", async () => {
    const pods = '/api/v1/namespaces/lists/pods';
    await api.ok('POST', pods, { body: pod('here', { nodeName: 'n1' }) });
    await api.ok('POST', pods, { body: pod('nowhere') });
    expect(names(await api.ok('GET', `${pods}?fieldSelector=spec.nodeName%3Dn1`))).toEqual(['here']);
    expect(names(await api.ok('GET', `${pods}?fieldSelector=spec.nodeName%3D`))).toEqual(['nowhere']);
    expect(names(await api.ok('GET', `${pods}?fieldSelector=status.phase%3DRunning`))).toEqual([]);
  });
});

describe('pages', () => {
  it('show one moment, whatever is written between them', async () => {
    const first = await api.ok('GET', `${CONFIG}?limit=2`);
    expect(names(first)).toEqual(['a', 'b']);
    expect(at(first, 'metadata', 'remainingItemCount')).toBe(3);
    await api.ok('POST', CONFIG, { body: configMap('bb') });
    await api.ok('DELETE', `${CONFIG}/d`);
    const token = encodeURIComponent(String(at(first, 'metadata', 'continue')));
    const second = await api.ok('GET', `${CONFIG}?limit=10&continue=${token}`);
    expect(names(second)).toEqual(['c', 'd', 'e']);
    expect(at(second, 'metadata', 'resourceVersion')).toBe(at(first, 'metadata', 'resourceVersion'));
    expect(second.metadata).not.toHaveProperty('continue');
    expect(names(await api.ok('GET', CONFIG))).toEqual(['a', 'b', 'bb', 'c', 'e']);
  });

  it('are filled from further ones when a selector leaves gaps', async () => {
    const first = await api.ok('GET', `${CONFIG}?limit=2&labelSelector=parity%3Deven`);
    expect(names(first)).toEqual(['a', 'c']);
    expect(first.metadata).not.toHaveProperty('remainingItemCount');
    const token = encodeURIComponent(String(at(first, 'metadata', 'continue')));
    expect(names(await api.ok('GET', `${CONFIG}?limit=2&labelSelector=parity%3Deven&continue=${token}`))).toEqual([
      'e',
    ]);
  });

  it('expire with the history they show', async () => {
    const first = await api.ok('GET', `${CONFIG}?limit=1`);
    await api.ok('POST', CONFIG, { body: configMap('later') });
    await api.server.store.compact(api.server.store.revision());
    const token = encodeURIComponent(String(at(first, 'metadata', 'continue')));
    const { code, body } = await api.call('GET', `${CONFIG}?limit=1&continue=${token}`);
    expect(code).toBe(410);
    expect(body.reason).toBe('Expired');
    expect((await api.call('GET', `${CONFIG}?continue=rubbish`)).code).toBe(400);
  });
});

describe('resourceVersion', () => {
  it('reads the past exactly, and now for anything not newer', async () => {
    await api.ok('POST', CONFIG, { body: configMap('past') });
    const before = await api.ok('GET', CONFIG);
    const version = String(at(before, 'metadata', 'resourceVersion'));
    await api.ok('DELETE', `${CONFIG}/past`);
    const exact = await api.ok('GET', `${CONFIG}?resourceVersion=${version}&resourceVersionMatch=Exact`);
    expect(exact).toEqual(before);
    for (const query of [
      'resourceVersion=0',
      `resourceVersion=${version}`,
      `resourceVersion=${version}&resourceVersionMatch=NotOlderThan`,
    ]) {
      expect(names(await api.ok('GET', `${CONFIG}?${query}`))).not.toContain('past');
    }
  });

  it('says when the client knows more than the server', async () => {
    const { code, body } = await api.call('GET', `${CONFIG}?resourceVersion=999999`);
    expect(code).toBe(504);
    expect(body.message).toMatch(/^Too large resource version: 999999, current: \d+$/);
    expect(at(body, 'details', 'causes', 0, 'message')).toBe('Too large resource version');
  });

  it('refuses what makes no sense', async () => {
    expect((await api.call('GET', `${CONFIG}?resourceVersion=abc`)).code).toBe(400);
    expect((await api.call('GET', `${CONFIG}?resourceVersionMatch=Exact`)).code).toBe(422);
    expect((await api.call('GET', `${CONFIG}?resourceVersionMatch=Exact&resourceVersion=0`)).code).toBe(422);
    const initial = await api.call(
      'GET',
      `${CONFIG}?sendInitialEvents=true&resourceVersionMatch=Odd&resourceVersion=1`,
    );
    expect(initial.code).toBe(422);
    expect(at(initial.body, 'details', 'causes')).toEqual([
      {
        reason: 'FieldValueNotSupported',
        message: 'Unsupported value: "Odd": supported values: "", "Exact", "NotOlderThan"',
        field: 'resourceVersionMatch',
      },
      {
        reason: 'FieldValueForbidden',
        message: 'Forbidden: sendInitialEvents is forbidden for list',
        field: 'sendInitialEvents',
      },
    ]);
    expect((await api.call('GET', `${CONFIG}?limit=x`)).code).toBe(400);
  });
});

describe('representations', () => {
  const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

  it('prints a Table of a list and of one object', async () => {
    const list = await api.ok('GET', CONFIG, { accept: TABLE });
    expect(list).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect((list.columnDefinitions as Json[]).map((column) => column.name)).toEqual(['Name', 'Data', 'Age']);
    expect(at(list, 'rows', 0, 'cells', 0)).toBe('a');
    expect(at(list, 'rows', 0, 'object', 'kind')).toBe('PartialObjectMetadata');
    const one = await api.ok('GET', `${CONFIG}/a?includeObject=Object`, { accept: TABLE });
    expect(at(one, 'rows', 0, 'object', 'kind')).toBe('ConfigMap');
    expect(one.rows).toHaveLength(1);
  });

  it('shows metadata only', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
    const body = await api.ok('GET', CONFIG, { accept });
    expect(body.kind).toBe('PartialObjectMetadataList');
    expect(at(body, 'items', 0)).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
    expect(at(body, 'items', 0)).not.toHaveProperty('data');
  });

  it('answers in YAML, and refuses what it has not', async () => {
    const yaml = await api.call('GET', `${CONFIG}/a`, { accept: 'application/yaml' });
    expect(String(yaml.body.text)).toMatch(/^kind: ConfigMap|^apiVersion: v1/);
    // A reader of YAML 1.1 would take a bare time for more than a string.
    expect(String(yaml.body.text)).toMatch(/creationTimestamp: "\d{4}-/);
    const cbor = await api.call('GET', CONFIG, { accept: 'application/cbor' });
    expect(cbor.code).toBe(406);
    const either = await api.call('GET', CONFIG, { accept: 'application/cbor,application/json' });
    expect(either.code).toBe(200);
  });

  it('compresses a large answer when asked', async () => {
    await api.ok('POST', CONFIG, { body: configMap('zzz', { data: { a: 'x'.repeat(200_000) } }) });
    const { headers } = await api.call('HEAD', CONFIG, { headers: { 'accept-encoding': 'gzip' } });
    expect(headers['content-encoding']).toBe('gzip');
    expect(Number(headers['content-length'])).toBeLessThan(20_000);
  });
});
