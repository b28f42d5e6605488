// ResourceQuotas over HTTP: what is counted, what is refused in upstream's words, and nobody gets the last place twice.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import {
  type Answer,
  at,
  configMap,
  deployment,
  type Json,
  pod,
  service,
  startTestApi,
  type TestApi,
} from '../testing/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let last = 0;
/** A namespace of its own with a quota. */
async function space(hard: Json, spec: Json = {}, of = api): Promise<string> {
  last += 1;
  const name = `team-${last}`;
  await of.ok('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
  await of.ok('POST', `/api/v1/namespaces/${name}/resourcequotas`, {
    body: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard, ...spec } },
  });
  return name;
}
const create = (namespace: string, resource: string, body: Json, base = '/api/v1'): Promise<Answer> =>
  api.call('POST', `${base}/namespaces/${namespace}/${resource}`, { body });

/** Resolves once the status says so. */
async function used(namespace: string, wanted: Json, of = api): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
  const watch = await of.watch(`${path}?watch=true`);
  for (;;) {
    const { object } = await watch.next();
    const now = (at(object, 'status', 'used') ?? {}) as Json;
    if (Object.entries(wanted).every(([name, amount]) => now[name] === amount)) break;
  }
  watch.close();
}
const container = (name: string, requests: Json, limits: Json = {}): Json => ({
  name,
  image: 'evenkeel.dev/echo',
  resources: { requests, limits },
});

describe('objects', () => {
  test('are counted, and refused when there is no place left', async () => {
    const namespace = await space({ pods: '2', 'count/pods': '10' });
    await used(namespace, { pods: '0', 'count/pods': '0' });
    for (const name of ['a', 'b']) expect((await create(namespace, 'pods', pod(name))).code).toBe(201);
    await used(namespace, { pods: '2', 'count/pods': '2' });
    const { code, body } = await create(namespace, 'pods', pod('c'));
    expect(code).toBe(403);
    expect(body).toMatchObject({
      reason: 'Forbidden',
      message: 'pods "c" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
      details: { name: 'c', kind: 'pods' },
    });
    // One that has ended, and one that is gone, make room.
    await api.ok('PATCH', `/api/v1/namespaces/${namespace}/pods/a/status`, {
      body: { status: { phase: 'Succeeded' } },
      type: 'application/merge-patch+json',
    });
    await used(namespace, { pods: '1', 'count/pods': '2' });
    expect((await create(namespace, 'pods', pod('c'))).code).toBe(201);
    await api.ok('DELETE', `/api/v1/namespaces/${namespace}/pods/b`);
    await used(namespace, { pods: '1', 'count/pods': '2' });
  });

  test('that were there before the quota count as well', async () => {
    const namespace = await space({ secrets: '5' });
    for (const name of ['a', 'b']) await create(namespace, 'configmaps', configMap(name));
    await api.ok('PUT', `/api/v1/namespaces/${namespace}/resourcequotas/q`, {
      body: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { configmaps: '2' } } },
    });
    expect((await create(namespace, 'configmaps', configMap('c'))).body.message).toContain(
      'exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2',
    );
  });

  test('of any group, custom ones included, are counted by count/', async () => {
    const namespace = await space({ 'count/deployments.apps': '1', 'count/widgets.example.com': '1' });
    expect((await create(namespace, 'deployments', deployment('a'), '/apis/apps/v1')).code).toBe(201);
    expect((await create(namespace, 'deployments', deployment('b'), '/apis/apps/v1')).body.message).toBe(
      'deployments.apps "b" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
    );
    const names = { plural: 'widgets', singular: 'widget', kind: 'Widget' };
    const schema = { openAPIV3Schema: { type: 'object' } };
    await api.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      body: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'widgets.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names,
          versions: [{ name: 'v1', served: true, storage: true, schema }],
        },
      },
    });
    const widget = (name: string): Json => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name } });
    let first: Answer;
    do first = await create(namespace, 'widgets', widget('a'), '/apis/example.com/v1');
    while (first.code === 404);
    expect(first.code).toBe(201);
    expect((await create(namespace, 'widgets', widget('b'), '/apis/example.com/v1')).code).toBe(403);
  });

  test('of Services are counted by what they take, also as they change', async () => {
    const namespace = await space({ services: '3', 'services.nodeports': '2', 'services.loadbalancers': '1' });
    await create(namespace, 'services', service('plain'));
    await create(namespace, 'services', service('balanced', { type: 'LoadBalancer' }));
    expect((await create(namespace, 'services', service('other', { type: 'LoadBalancer' }))).body.message).toContain(
      'requested: services.loadbalancers=1, used: services.loadbalancers=1, limited: services.loadbalancers=1',
    );
    const change = (spec: Json): Promise<Answer> =>
      api.call('PATCH', `/api/v1/namespaces/${namespace}/services/plain`, {
        body: { spec },
        type: 'application/merge-patch+json',
      });
    const two = [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ];
    expect((await change({ type: 'NodePort', ports: two })).body.message).toContain(
      'requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2',
    );
    expect((await change({ type: 'NodePort' })).code).toBe(200);
    await used(namespace, { services: '2', 'services.nodeports': '2', 'services.loadbalancers': '1' });
  });

  test('of claims are counted by size and class', async () => {
    const namespace = await space({
      'requests.storage': '3Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
      persistentvolumeclaims: '5',
    });
    const claim = (name: string, storage: string, storageClassName: string): Json => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage } } },
    });
    expect((await create(namespace, 'persistentvolumeclaims', claim('a', '2Gi', 'tin'))).code).toBe(201);
    const gold = await create(namespace, 'persistentvolumeclaims', claim('b', '2Gi', 'gold'));
    expect(gold.body.message).toContain(
      'requested: gold.storageclass.storage.k8s.io/requests.storage=2Gi,requests.storage=2Gi, used: gold.storageclass.storage.k8s.io/requests.storage=0,requests.storage=2Gi, limited: gold.storageclass.storage.k8s.io/requests.storage=1Gi,requests.storage=3Gi',
    );
    await used(namespace, { 'requests.storage': '2Gi', persistentvolumeclaims: '1' });
  });
});

describe('CPU and memory', () => {
  test('are added up over containers, with those that run before them', async () => {
    const namespace = await space({ 'requests.cpu': '1', 'limits.memory': '1Gi' });
    const spec = {
      containers: [
        container('a', { cpu: '100m' }, { memory: '100Mi' }),
        container('b', { cpu: '200m' }, { memory: '100Mi' }),
      ],
      initContainers: [
        { ...container('side', { cpu: '50m' }, { memory: '10Mi' }), restartPolicy: 'Always' },
        container('init', { cpu: '500m' }, { memory: '50Mi' }),
      ],
    };
    expect((await create(namespace, 'pods', pod('p', spec))).code).toBe(201);
    await used(namespace, { 'requests.cpu': '550m', 'limits.memory': '210Mi' });
    expect((await create(namespace, 'pods', pod('more', spec))).body.message).toBe(
      'pods "more" is forbidden: exceeded quota: q, requested: requests.cpu=550m, used: requests.cpu=550m, limited: requests.cpu=1',
    );
  });

  test('have to be said by every container where a quota bounds them', async () => {
    const namespace = await space({ 'limits.cpu': '4', 'requests.memory': '1Gi' });
    const spec = { containers: [container('a', { memory: '1Mi' }), container('b', {}, { cpu: '1' })] };
    expect((await create(namespace, 'pods', pod('p', spec))).body.message).toBe(
      'pods "p" is forbidden: failed quota: q: must specify limits.cpu for: a; requests.memory for: b',
    );
  });
});

test('scopes say which pods count', async () => {
  const namespace = await space({ pods: '1' }, { scopes: ['BestEffort'] });
  const burstable = { containers: [container('main', { cpu: '1m' })] };
  expect((await create(namespace, 'pods', pod('a'))).code).toBe(201);
  expect((await create(namespace, 'pods', pod('b'))).code).toBe(403);
  expect((await create(namespace, 'pods', pod('c', burstable))).code).toBe(201);
  const byPriority = await space(
    { pods: '0' },
    {
      scopeSelector: {
        matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }],
      },
    },
  );
  expect((await create(byPriority, 'pods', pod('a'))).code).toBe(201);
  expect((await create(byPriority, 'pods', pod('b', { priorityClassName: 'system-node-critical' }))).code).toBe(403);
});

test('of many who ask at once, as many are let in as there are places', async () => {
  const namespace = await space({ pods: '5', configmaps: '3' });
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => create(namespace, 'pods', pod(`p${index}`))),
  );
  expect(answers.filter(({ code }) => code === 201)).toHaveLength(5);
  expect(answers.filter(({ code }) => code === 403)).toHaveLength(25);
  // Writes that fail, and those that only try, give their place back.
  for (let at = 0; at < 5; at++) {
    await api.ok('POST', `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, { body: configMap('dry') });
  }
  const same = await Promise.all(Array.from({ length: 10 }, () => create(namespace, 'configmaps', configMap('same'))));
  expect(same.filter(({ code }) => code === 201)).toHaveLength(1);
  for (const name of ['x', 'y']) expect((await create(namespace, 'configmaps', configMap(name))).code).toBe(201);
  await used(namespace, { pods: '5', configmaps: '3' });
});

test('the next start counts what is there', async () => {
  const store = createMemoryStore();
  const first = await startTestApi({ store });
  const namespace = await space({ configmaps: '1' }, {}, first);
  await first.ok('POST', `/api/v1/namespaces/${namespace}/configmaps`, { body: configMap('a') });
  await used(namespace, { configmaps: '1' }, first);
  await first.close();
  const second = await startTestApi({ store });
  const refused = await second.call('POST', `/api/v1/namespaces/${namespace}/configmaps`, { body: configMap('b') });
  expect(refused.code).toBe(403);
  await second.ok('DELETE', `/api/v1/namespaces/${namespace}/configmaps/a`);
  await used(namespace, { configmaps: '0' }, second);
  await second.close();
  await store.close();
});

test('a quota that makes no sense is refused with the field', async () => {
  const namespace = await space({ pods: '1' });
  const cases: [spec: Json, message: string][] = [
    [{ hard: { pods: '-1' } }, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
    [{ scopes: ['BestEffort', 'NotBestEffort'] }, 'conflicting scopes'],
  ];
  for (const [spec, message] of cases) {
    const body = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'wrong' }, spec };
    const answer = await create(namespace, 'resourcequotas', body);
    expect(answer.code).toBe(422);
    expect(answer.body.message).toContain(message);
  }
});
