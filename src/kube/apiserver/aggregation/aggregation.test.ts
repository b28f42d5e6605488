// APIServices of this server's own groups, and what another server behind it says of itself.
// The other server is one of HTTPS that answers what it is given; a whole one is in test/autoscaling.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { at, type Json, startTestApi, type TestApi } from '../testing/api.ts';
import { createTestAuthority } from '../testing.ts';

const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';

let api: TestApi;
let other: Server;
/** Answers of the other server by path; what is not here is a 404. */
const answers = new Map<string, unknown>();
const asked: { url: string; user: unknown }[] = [];

beforeAll(async () => {
  const authority = await createTestAuthority();
  const { certPem, keyPem } = await authority.issue('CN=other', true, 'other.default.svc');
  other = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const url = request.url ?? '';
    asked.push({ url, user: request.headers['x-remote-user'] });
    const found = answers.get(url);
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? {}));
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  api = await startTestApi();
  const { port } = other.address() as AddressInfo;
  await api.ok('POST', '/api/v1/namespaces/default/services', {
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'other' }, spec: { ports: [{ port: 443 }] } },
  });
  await api.ok('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    body: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'other', labels: { 'kubernetes.io/service-name': 'other' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'] }],
      ports: [{ name: '', port }],
    },
  });
  answers.set('/apis/other.example/v1', {
    kind: 'APIResourceList',
    groupVersion: 'other.example/v1',
    resources: [{ name: 'moons', kind: 'Moon', namespaced: false, verbs: ['list'] }],
  });
  await api.ok('POST', SERVICES, {
    body: {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1.other.example' },
      spec: {
        group: 'other.example',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service: { namespace: 'default', name: 'other' },
        caBundle: Buffer.from(authority.caPem).toString('base64'),
      },
    },
  });
});
afterAll(async () => {
  await api.close();
  other.close();
});

async function rows(): Promise<unknown[][]> {
  const table = await api.ok('GET', SERVICES, { accept: TABLE });
  return (table.rows as { cells: unknown[] }[]).map(({ cells }) => cells.slice(0, 3));
}

it('every group and version of its own is listed as Local', async () => {
  await vi.waitFor(async () => {
    const all = await rows();
    expect(all).toEqual(
      expect.arrayContaining([
        ['v1.', 'Local', 'True'],
        ['v1.apps', 'Local', 'True'],
        ['v2.autoscaling', 'Local', 'True'],
        ['v1.rbac.authorization.k8s.io', 'Local', 'True'],
        ['v1.other.example', 'default/other', 'True'],
      ]),
    );
    // Whoever measures registers that; a chart would find it in the way.
    expect(all.filter(([name]) => String(name).includes('metrics'))).toEqual([]);
  });
  const { groups } = (await api.ok('GET', '/apis')) as { groups: { name: string; versions: { version: string }[] }[] };
  const served = groups.flatMap(({ name, versions }) => versions.map(({ version }) => `${version}.${name}`));
  const listed = (await rows()).map(([name]) => name);
  const aside = /metrics\.k8s\.io$|^v1\.apiregistration/;
  expect(served.filter((name) => !aside.test(name) && !listed.includes(name))).toEqual([]);
  expect(await api.ok('GET', `${SERVICES}/v1.`)).toMatchObject({
    metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
    spec: { version: 'v1', groupPriorityMinimum: 18000 },
  });
});

it('versions of custom resources come and go with their definition', async () => {
  const version = (name: string, served: boolean): Json => ({
    name,
    served,
    storage: name === 'v1',
    schema: { openAPIV3Schema: { type: 'object' } },
  });
  const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  await api.ok('POST', crd, {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.sea.example' },
      spec: {
        group: 'sea.example',
        scope: 'Cluster',
        names: { plural: 'boats', kind: 'Boat' },
        versions: [version('v1', true), version('v2', false)],
      },
    },
  });
  const ofSea = async (): Promise<unknown[]> =>
    (await rows()).map(([name]) => name).filter((name) => String(name).endsWith('sea.example'));
  await vi.waitFor(async () => expect(await ofSea()).toEqual(['v1.sea.example']));
  await api.ok('PATCH', `${crd}/boats.sea.example`, {
    type: 'application/json-patch+json',
    body: [{ op: 'replace', path: '/spec/versions/1/served', value: true }],
  });
  await vi.waitFor(async () => expect(await ofSea()).toEqual(['v1.sea.example', 'v2.sea.example']));
  await api.ok('DELETE', `${crd}/boats.sea.example`);
  await vi.waitFor(async () => expect(await ofSea()).toEqual([]));
});

it('the document of another server is listed, and passed on as it is', async () => {
  const document = { openapi: '3.0.0', info: { title: 'other' }, paths: {}, components: {} };
  const url = '/openapi/v3/apis/other.example/v1?hash=A1';
  // Until it has one, there is none; and one under a foreign path is not taken.
  const listed = async (): Promise<unknown> => at(await api.ok('GET', '/openapi/v3'), 'paths', 'apis/other.example/v1');
  expect(await listed()).toBeUndefined();
  expect((await api.call('GET', '/openapi/v3/apis/other.example/v1')).code).toBe(503);
  answers.set('/openapi/v3', {
    paths: { 'apis/other.example/v1': { serverRelativeURL: url }, 'apis/apps/v1': { serverRelativeURL: '/x' } },
  });
  answers.set(url, document);
  await api.ok('PATCH', '/api/v1/namespaces/default/services/other', {
    type: 'application/merge-patch+json',
    body: { metadata: { labels: { touched: 'yes' } } },
  });
  await vi.waitFor(async () => expect(await listed()).toEqual({ serverRelativeURL: url }), { timeout: 5000 });
  expect(at(await api.ok('GET', '/openapi/v3'), 'paths', 'apis/apps/v1', 'serverRelativeURL')).toContain(
    '/openapi/v3/apis/apps/v1?hash=',
  );
  expect(await api.ok('GET', url)).toEqual(document);
  expect(asked.at(-1)).toEqual({ url, user: 'system:kube-aggregator' });
  answers.delete(url);
  expect((await api.call('GET', url)).code).toBe(503);
});
