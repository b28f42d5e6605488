// ServiceCIDR and IPAddress over HTTP: what is there from the start, and what follows Services and ranges.
// Knows the server by its URL only.
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { at, type Json, service, startTestApi, type TestApi } from './testing/api.ts';
import type { TestServerOptions } from './testing.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const NETWORKING = '/apis/networking.k8s.io/v1';
const RANGES = `${NETWORKING}/servicecidrs`;
const ADDRESSES = `${NETWORKING}/ipaddresses`;

const open: TestApi[] = [];
afterEach(async () => {
  for (const api of open.splice(0)) await api.close();
});

async function cluster(options: TestServerOptions): Promise<TestApi> {
  const api = await startTestApi(options);
  open.push(api);
  return api;
}

const range = (name: string, ...cidrs: string[]): { body: Json } => ({
  body: { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } },
});
const address = (name: string, parent: Json, labels: Json = {}): { body: Json } => ({
  body: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name, labels },
    spec: { parentRef: parent },
  },
});
const create = (api: TestApi, name: string, spec?: Json) => api.call('POST', SERVICES, { body: service(name, spec) });

/** The next event of an IPAddress that is of this type, as `name <- Service`. */
async function watchAddresses(api: TestApi): Promise<{ next(): Promise<string>; close(): void }> {
  const watch = await api.watch(`${ADDRESSES}?watch=true`);
  return {
    async next() {
      const { type, object } = await watch.next();
      return `${type} ${at(object, 'metadata', 'name')} ${at(object, 'spec', 'parentRef', 'name')}`;
    },
    close: () => watch.close(),
  };
}

describe('the ranges of Services', () => {
  it('are the object "kubernetes", and those added give addresses when the first are used up', async () => {
    const api = await cluster({ serviceCidr: '127.96.0.0/29,fd00:96::/125' });
    expect(await api.ok('GET', `${RANGES}/kubernetes`)).toMatchObject({
      spec: { cidrs: ['127.96.0.0/29', 'fd00:96::/125'] },
    });
    for (let index = 0; index < 5; index++) expect((await create(api, `s${index}`)).code).toBe(201);
    expect((await create(api, 'more')).body.message).toContain('range is full (127.96.0.0/29)');
    await api.ok('POST', RANGES, range('more', '127.98.0.0/29'));
    expect(at((await create(api, 'more')).body, 'spec', 'clusterIP')).toMatch(/^127\.98\.0\.[1-6]$/);
    const asked = await create(api, 'asked', { clusterIP: '127.99.0.2' });
    expect(asked.body.message).toBe(
      'Service "asked" is invalid: spec.clusterIPs: Invalid value: ["127.99.0.2"]: failed to allocate IP 127.99.0.2: the provided network does not match the current range (127.96.0.0/29, 127.98.0.0/29)',
    );
    await api.ok('DELETE', `${RANGES}/more`);
    expect((await create(api, 'late', { clusterIP: '127.98.0.6' })).code).toBe(422);
  });

  it('that overlap do not give one address twice', async () => {
    const api = await cluster({ serviceCidr: '127.96.0.0/29' });
    await api.ok('POST', RANGES, range('wider', '127.96.0.0/28'));
    expect((await create(api, 'a', { clusterIP: '127.96.0.2' })).code).toBe(201);
    expect((await create(api, 'b', { clusterIP: '127.96.0.2' })).body.message).toContain('already allocated');
    // The last address of the narrow range is one of the wide range's own.
    expect((await create(api, 'c', { clusterIP: '127.96.0.7' })).code).toBe(201);
  });

  it('gain a family at a later start, and come again when somebody deletes them', async () => {
    const store = createMemoryStore();
    const first = await startTestApi({ store, serviceCidr: '127.96.0.0/24' });
    await first.close();
    const api = await cluster({ store, serviceCidr: '127.96.0.0/24,fd00:96::/112' });
    const both = { spec: { cidrs: ['127.96.0.0/24', 'fd00:96::/112'] } };
    expect(await api.ok('GET', `${RANGES}/kubernetes`)).toMatchObject(both);
    const watch = await api.watch(`${RANGES}?watch=true`);
    expect((await watch.next()).type).toBe('ADDED');
    await api.ok('DELETE', `${RANGES}/kubernetes`);
    expect((await watch.next()).type).toBe('DELETED');
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: both });
    watch.close();
  });
});

describe('an IPAddress', () => {
  it('is there for every cluster IP, and goes with it', async () => {
    const api = await cluster({ serviceCidr: '127.96.0.0/24,fd00:96::/112' });
    const watch = await watchAddresses(api);
    expect(await watch.next()).toBe('ADDED 127.96.0.1 kubernetes');
    await create(api, 'web', { clusterIPs: ['127.96.0.9', 'fd00:0096::A'], ipFamilyPolicy: 'RequireDualStack' });
    expect([await watch.next(), await watch.next()].sort()).toEqual(['ADDED 127.96.0.9 web', 'ADDED fd00:96::a web']);
    expect(await api.ok('GET', `${ADDRESSES}/fd00:96::a`)).toMatchObject({
      metadata: {
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv6',
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
    });
    await api.ok('PATCH', `${SERVICES}/web`, {
      body: { spec: { ipFamilyPolicy: 'SingleStack' } },
      type: 'application/merge-patch+json',
    });
    expect(await watch.next()).toBe('DELETED fd00:96::a web');
    await api.ok('DELETE', `${SERVICES}/web`);
    expect(await watch.next()).toBe('DELETED 127.96.0.9 web');
    watch.close();
  });

  it('comes again when somebody deletes it, and goes when no Service has it', async () => {
    const api = await cluster({ serviceCidr: '127.96.0.0/24' });
    const watch = await watchAddresses(api);
    await watch.next();
    await api.ok('DELETE', `${ADDRESSES}/127.96.0.1`);
    expect([await watch.next(), await watch.next()]).toEqual([
      'DELETED 127.96.0.1 kubernetes',
      'ADDED 127.96.0.1 kubernetes',
    ]);
    const managed = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' };
    await api.ok(
      'POST',
      ADDRESSES,
      address('127.96.0.9', { resource: 'services', namespace: 'default', name: 'no' }, managed),
    );
    expect([await watch.next(), await watch.next()]).toEqual(['ADDED 127.96.0.9 no', 'DELETED 127.96.0.9 no']);
    watch.close();
  });

  it('of somebody else keeps its address from Services', async () => {
    const api = await cluster({ serviceCidr: '127.96.0.0/29' });
    const parent = { group: 'example.com', resource: 'gateways', name: 'edge' };
    await api.ok('POST', ADDRESSES, address('127.96.0.5', parent));
    expect((await create(api, 'asked', { clusterIP: '127.96.0.5' })).body.message).toContain('already allocated');
    for (let index = 0; index < 4; index++) expect((await create(api, `s${index}`)).code).toBe(201);
    expect((await create(api, 'full')).body.message).toContain('range is full');
    await api.ok('DELETE', `${ADDRESSES}/127.96.0.5`);
    expect((await create(api, 'full')).code).toBe(201);
  });

  it('is made for Services of a store that knew none, once', async () => {
    const store = createMemoryStore();
    const first = await startTestApi({ store, serviceCidr: '127.96.0.0/24' });
    await create(first, 'web', { clusterIP: '127.96.0.9' });
    await first.close();
    const second = await cluster({ store, serviceCidr: '127.96.0.0/24' });
    const watch = await watchAddresses(second);
    expect([await watch.next(), await watch.next()].sort()).toEqual([
      'ADDED 127.96.0.1 kubernetes',
      'ADDED 127.96.0.9 web',
    ]);
    watch.close();
  });
});
