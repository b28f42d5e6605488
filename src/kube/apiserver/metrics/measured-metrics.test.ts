// custom.metrics.k8s.io and external.metrics.k8s.io over HTTP, as autoscalers and kubectl ask for them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, pod, startTestApi, type TestApi } from '../testing/api.ts';
import type { MeasuredFigures, ObjectNames } from './measured.ts';

const CUSTOM = '/apis/custom.metrics.k8s.io/v1beta2';
const EXTERNAL = '/apis/external.metrics.k8s.io/v1beta1';

let asked: (ObjectNames & { readonly metric: string; readonly get: boolean })[] = [];
const figures: MeasuredFigures = {
  custom: () => [
    { resource: 'pods', metric: 'rps' },
    { resource: 'services', metric: 'rps' },
    { resource: 'services', metric: 'busy' },
    { resource: 'nodes', metric: 'heat' },
  ],
  external: () => ['queue'],
  async valuesOf(objects, metric, narrowed) {
    asked.push({ ...objects, metric, get: narrowed.matches({ verb: 'GET' }) });
    if (metric === 'busy') return undefined;
    return objects.names.map((name) => (name === 'silent' ? undefined : { value: 1.2345, windowSeconds: 10 }));
  },
  async externalValues(namespace, metric, narrowed) {
    if (metric !== 'queue') return undefined;
    return [
      { labels: { name: 'mail' }, value: 7, windowSeconds: 0 },
      { labels: { name: namespace }, value: 0.5, windowSeconds: 30 },
    ].filter(({ labels }) => narrowed.matches(labels));
  },
};

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ measured: figures });
  for (const [name, app] of [
    ['web-1', 'web'],
    ['web-2', 'web'],
    ['silent', 'web'],
    ['cart-1', 'cart'],
  ] as const) {
    const made = pod(name);
    await api.ok('POST', '/api/v1/namespaces/default/pods', {
      body: { ...made, metadata: { ...(made.metadata as object), labels: { app } } },
    });
  }
});
afterAll(async () => {
  await api.close();
});

describe('discovery', () => {
  test('names the metrics in place of resources', async () => {
    const list = await api.ok('GET', CUSTOM);
    expect(list.resources).toEqual(
      ['pods/rps', 'services/rps', 'services/busy', 'nodes/heat'].map((name) => ({
        name,
        singularName: '',
        namespaced: name !== 'nodes/heat',
        kind: 'MetricValueList',
        verbs: ['get'],
      })),
    );
    expect(at(await api.ok('GET', EXTERNAL), 'resources', 0)).toMatchObject({
      name: 'queue',
      kind: 'ExternalMetricValueList',
      verbs: ['get'],
    });
  });

  test('lists the groups', async () => {
    const groups = (await api.ok('GET', '/apis')).groups as { name: string }[];
    const names = groups.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['custom.metrics.k8s.io', 'external.metrics.k8s.io']));
  });
});

describe('a custom metric', () => {
  test('of all pods that a selector lets pass, as far as there is one', async () => {
    asked = [];
    const path = `${CUSTOM}/namespaces/default/pods/*/rps?labelSelector=app%3Dweb&metricLabelSelector=verb%3DGET`;
    const list = await api.ok('GET', path);
    expect(list).toMatchObject({ kind: 'MetricValueList', apiVersion: 'custom.metrics.k8s.io/v1beta2' });
    const items = list.items as { describedObject: { name: string } }[];
    expect(items.map(({ describedObject }) => describedObject.name)).toEqual(['web-1', 'web-2']);
    expect(items[0]).toMatchObject({
      describedObject: { kind: 'Pod', namespace: 'default', apiVersion: 'v1' },
      metric: { name: 'rps' },
      windowSeconds: 10,
      value: '1235m',
      timestamp: expect.stringMatching(/Z$/),
    });
    expect(asked).toMatchObject([{ metric: 'rps', resource: 'pods', get: true }]);
  });

  test('narrowed down by labels of its own', async () => {
    asked = [];
    await api.ok('GET', `${CUSTOM}/namespaces/default/pods/web-1/rps?metricLabelSelector=verb%3DPUT`);
    expect(asked).toMatchObject([{ names: ['web-1'], get: false }]);
  });

  test('of what is in no namespace, and of a namespace itself', async () => {
    asked = [];
    await api.ok('POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } } });
    const ofNode = await api.ok('GET', `${CUSTOM}/nodes/n1/heat`);
    expect(at(ofNode, 'items', 0, 'describedObject')).toEqual({ kind: 'Node', name: 'n1', apiVersion: 'v1' });
    const ofNamespace = await api.ok('GET', `${CUSTOM}/namespaces/default/metrics/rps`);
    expect(at(ofNamespace, 'items', 0, 'describedObject')).toMatchObject({ kind: 'Namespace', name: 'default' });
    expect(asked).toMatchObject([
      { resource: 'nodes', names: ['n1'], namespace: '' },
      { resource: 'namespaces', names: ['default'], namespace: '' },
    ]);
  });

  test('of nobody that a selector lets pass is an empty list', async () => {
    const list = await api.ok('GET', `${CUSTOM}/namespaces/default/pods/*/rps?labelSelector=app%3Dnone`);
    expect(list.items).toEqual([]);
  });

  test.each([
    ['pods/absent/rps', 'the server could not find the metric rps for pods absent'],
    ['pods/silent/rps', 'the server could not find the metric rps for pods silent'],
    ['services/kubernetes/busy', 'the server could not find the metric busy for services'],
  ])('%s is not there', async (path, message) => {
    const answer = await api.call('GET', `${CUSTOM}/namespaces/default/${path}`);
    expect(answer.code).toBe(404);
    expect(answer.body).toMatchObject({ kind: 'Status', reason: 'NotFound', message });
  });

  test('is nothing to write', async () => {
    const answer = await api.call('POST', `${CUSTOM}/namespaces/default/pods/web-1/rps`, { body: {} });
    expect([404, 405]).toContain(answer.code);
  });
});

describe('an external metric', () => {
  test('comes with its series and their labels', async () => {
    const list = await api.ok('GET', `${EXTERNAL}/namespaces/default/queue`);
    expect(list.items).toMatchObject([
      { metricName: 'queue', metricLabels: { name: 'mail' }, value: '7' },
      { metricName: 'queue', metricLabels: { name: 'default' }, value: '500m', window: 30 },
    ]);
  });

  test('can be narrowed down', async () => {
    const list = await api.ok('GET', `${EXTERNAL}/namespaces/default/queue?labelSelector=name%3Dmail`);
    expect((list.items as unknown[]).length).toBe(1);
  });

  test('that nobody has heard of is not there', async () => {
    const answer = await api.call('GET', `${EXTERNAL}/namespaces/default/weather`);
    expect(answer).toMatchObject({ code: 404, body: { message: 'the server could not find the metric weather' } });
  });
});

test('without anybody who measures the groups are not served', async () => {
  const bare = await startTestApi();
  expect((await bare.call('GET', '/apis/custom.metrics.k8s.io')).code).toBe(404);
  await bare.close();
});
