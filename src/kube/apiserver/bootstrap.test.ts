// What is there from the first second, and again after a restart on the same store.
// Knows the server by its URL only.
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { FakeClock } from '#lib/clock.ts';
import { at, type Json, startTestApi } from './testing/api.ts';

const names = (body: Json): unknown[] => (body.items as Json[]).map((item) => at(item, 'metadata', 'name'));

describe('bootstrap', () => {
  it('makes namespaces, priority classes and the Service of the API', async () => {
    const api = await startTestApi();
    expect(names(await api.ok('GET', '/api/v1/namespaces'))).toEqual([
      'default',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
    expect(names(await api.ok('GET', '/apis/scheduling.k8s.io/v1/priorityclasses'))).toHaveLength(2);
    const own = '/namespaces/default';
    expect(await api.ok('GET', `/api/v1${own}/services/kubernetes`)).toMatchObject({
      spec: { clusterIP: '127.96.0.1', ports: [{ port: 443, targetPort: api.server.port }] },
    });
    expect(await api.ok('GET', `/apis/discovery.k8s.io/v1${own}/endpointslices/kubernetes`)).toMatchObject({
      endpoints: [{ addresses: ['127.0.0.1'] }],
      ports: [{ port: api.server.port }],
    });
    expect(await api.ok('GET', `/api/v1${own}/endpoints/kubernetes`)).toMatchObject({
      subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: api.server.port }] }],
    });
    await api.close();
  });

  it('follows the port and the address range to where they are after a restart', async () => {
    const store = createMemoryStore();
    const first = await startTestApi({ store });
    const before = await first.ok('GET', '/api/v1/namespaces/default');
    await first.close();
    const second = await startTestApi({ store, serviceCidr: '10.96.0.0/16', admitLoopback: false });
    expect(await second.ok('GET', '/api/v1/namespaces/default')).toEqual(before);
    expect(await second.ok('GET', '/api/v1/namespaces/default/services/kubernetes')).toMatchObject({
      spec: { clusterIP: '10.96.0.1', ports: [{ targetPort: second.server.port }] },
    });
    await second.close();
    await store.close();
  });

  it('gives a namespace its default service account, and again when it is deleted', async () => {
    const api = await startTestApi();
    await api.ok('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } },
    });
    const watch = await api.watch('/api/v1/namespaces/team/serviceaccounts?watch=true');
    const types = [(await watch.next()).type];
    await api.ok('DELETE', '/api/v1/namespaces/team/serviceaccounts/default');
    types.push((await watch.next()).type, (await watch.next()).type);
    expect(types).toEqual(['ADDED', 'DELETED', 'ADDED']);
    watch.close();
    await api.close();
  });

  it('tells every namespace the authority of the API, and again when somebody changes or deletes it', async () => {
    const api = await startTestApi({ withoutRootCa: false });
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } };
    await api.ok('POST', '/api/v1/namespaces', { body: namespace });
    const path = '/api/v1/namespaces/team/configmaps';
    const watch = await api.watch(`${path}?watch=true`);
    const next = async (): Promise<unknown[]> => {
      const { type, object } = await watch.next();
      return [type, at(object, 'metadata', 'name'), at(object, 'data', 'ca.crt')];
    };
    const right = ['kube-root-ca.crt', api.server.caPem];
    expect(await next()).toEqual(['ADDED', ...right]);
    await api.ok('DELETE', `${path}/kube-root-ca.crt`);
    expect([(await next())[0], await next()]).toEqual(['DELETED', ['ADDED', ...right]]);
    await api.ok('PATCH', `${path}/kube-root-ca.crt`, {
      body: { data: { 'ca.crt': 'another' } },
      type: 'application/merge-patch+json',
    });
    expect([(await next())[2], await next()]).toEqual(['another', ['MODIFIED', ...right]]);
    watch.close();
    await api.close();
  });

  it('writes nothing when nothing has changed', async () => {
    const store = createMemoryStore();
    const first = await startTestApi({ store });
    const watch = await first.watch('/api/v1/serviceaccounts?watch=true');
    for (let seen = 0; seen < 4; seen++) await watch.next();
    watch.close();
    const { port } = first.server;
    await first.close();
    const revision = store.revision();
    const second = await startTestApi({ store, port });
    expect(store.revision()).toBe(revision);
    await second.close();
    await store.close();
  });
});

describe('maintenance', () => {
  it('forgets history after a while, and Events after an hour', async () => {
    const clock = new FakeClock();
    const store = createMemoryStore();
    const api = await startTestApi({ store, clock });
    const events = '/api/v1/namespaces/default/events';
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'old' }, involvedObject: {}, reason: 'X' };
    await api.ok('POST', events, { body: event });
    const revision = store.revision();
    clock.advance(5 * 60_000);
    clock.advance(5 * 60_000);
    await api.ok('GET', '/api');
    expect(store.compacted()).toBeGreaterThanOrEqual(revision);
    expect(names(await api.ok('GET', events))).toEqual(['old']);
    clock.advance(60 * 60_000);
    await api.ok('GET', '/api');
    expect(names(await api.ok('GET', events))).toEqual([]);
    await api.close();
    await store.close();
  });
});
