// What a node may write over HTTP: its own, and nothing of another's.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, at, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';

const PODS = '/api/v1/namespaces/default/pods';
const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

let api: TestApi;
beforeAll(async () => {
  const groups = ['system:nodes'];
  api = await startTestApi({
    tokens: new Map([
      ['n1', { name: 'system:node:n1', groups }],
      ['n2', { name: 'system:node:n2', groups }],
    ]),
  });
  for (const name of ['here', 'there']) {
    await api.ok('POST', ACCOUNTS, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } } });
    await api.ok('POST', PODS, { body: pod(name, { serviceAccountName: name }) });
    const target = { name: name === 'here' ? 'n1' : 'n2' };
    await api.ok('POST', `${PODS}/${name}/binding`, { body: { metadata: { name }, target } });
  }
  for (const name of ['here', 'there']) {
    const { metadata } = (await api.ok('GET', `${PODS}/${name}`)) as { metadata: { uid: string } };
    uids[name] = metadata.uid;
  }
  for (const name of ['config', 'other']) {
    const common = { apiVersion: 'v1', metadata: { name } };
    await api.ok('POST', '/api/v1/namespaces/default/secrets', { body: { ...common, kind: 'Secret' } });
    await api.ok('POST', '/api/v1/namespaces/default/configmaps', { body: { ...common, kind: 'ConfigMap' } });
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
    const claim = { ...common, kind: 'PersistentVolumeClaim', spec };
    await api.ok('POST', '/api/v1/namespaces/default/persistentvolumeclaims', { body: claim });
  }
  const volumes = [
    { name: 's', secret: { secretName: 'config' } },
    { name: 'c', configMap: { name: 'config' } },
    { name: 'p', persistentVolumeClaim: { claimName: 'config' } },
  ];
  await api.ok('POST', PODS, { body: pod('user', { nodeName: 'n1', volumes }) });
  for (const name of ['n1', 'n2']) {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
    expect((await api.call('POST', '/api/v1/nodes', { token: name, body: node })).code).toBe(201);
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: {} };
    expect((await api.call('POST', LEASES, { token: name, body: lease })).code).toBe(201);
  }
});
afterAll(() => api.close());

const patch = (path: string, body: Json): Promise<Answer> =>
  api.call('PATCH', path, { token: 'n1', body, type: 'application/merge-patch+json' });
const uids: Record<string, string> = {};
const token = (account: string, bound = account): Promise<Answer> =>
  api.call('POST', `${ACCOUNTS}/${account}/token`, {
    token: 'n1',
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: bound, uid: uids[bound] } },
    },
  });
const get = (path: string): Promise<Answer> => api.call('GET', path, { token: 'n1' });

test('a node writes its Node and Lease, the status of its pods, and asks for tokens of their accounts', async () => {
  const metadata = { labels: { a: 'b' } };
  expect((await patch('/api/v1/nodes/n1', { metadata })).code).toBe(200);
  expect((await patch('/api/v1/nodes/n1/status', { status: {} })).code).toBe(200);
  expect((await patch(`${LEASES}/n1`, { spec: { holderIdentity: 'n1' } })).code).toBe(200);
  expect((await patch(`${PODS}/here/status`, { status: { phase: 'Running' } })).code).toBe(200);
  expect((await token('here')).code).toBe(201);
});

const labels = { 'node-restriction.kubernetes.io/x': 'y', 'example.com/z': 'z', 'node.kubernetes.io/own': 'a' };
const mirror = (extra: Json, spec: Json = {}): Json => ({
  ...pod('static', { nodeName: 'n1', ...spec }),
  metadata: { name: 'static', annotations: { 'kubernetes.io/config.mirror': 'x' }, ...extra },
});

test.each<[what: string, answer: () => Promise<Answer>, reason: string]>([
  [
    'another Node',
    () => patch('/api/v1/nodes/n2', { metadata: { labels: { a: 'b' } } }),
    'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
  ],
  [
    'another status',
    () => patch('/api/v1/nodes/n2/status', { status: { phase: 'x' } }),
    'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
  ],
  [
    'its taints',
    () => patch('/api/v1/nodes/n1', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }),
    'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
  ],
  [
    'labels that steer',
    () => patch('/api/v1/nodes/n1', { metadata: { labels } }),
    'nodes "n1" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/x',
  ],
  [
    'another Lease',
    () => patch(`${LEASES}/n2`, { spec: {} }),
    'can only access node lease with the same name as the requesting node',
  ],
  [
    'a Lease elsewhere',
    () => get('/apis/coordination.k8s.io/v1/namespaces/default/leases/n1'),
    'can only access leases in the "kube-node-lease" system namespace',
  ],
  [
    'another pod',
    () => patch(`${PODS}/there/status`, { status: { phase: 'Failed' } }),
    'pods "there" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself',
  ],
  [
    'deleting another pod',
    () => api.call('DELETE', `${PODS}/there`, { token: 'n1' }),
    'pods "there" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself',
  ],
  [
    'evicting another pod',
    () =>
      api.call('POST', `${PODS}/there/eviction`, { token: 'n1', body: { apiVersion: 'policy/v1', kind: 'Eviction' } }),
    'pods "there" is forbidden: node n1 can only evict pods with spec.nodeName set to itself',
  ],
  [
    'a pod of its own',
    () => api.call('POST', PODS, { token: 'n1', body: pod('mine', { nodeName: 'n1' }) }),
    'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
  ],
  [
    'a mirror pod elsewhere',
    () => api.call('POST', PODS, { token: 'n1', body: mirror({}, { nodeName: 'n2' }) }),
    'node "n1" can only create pods with spec.nodeName set to itself',
  ],
  [
    'a mirror pod of nobody',
    () => api.call('POST', PODS, { token: 'n1', body: mirror({}) }),
    'node "n1" can only create pods with an owner reference set to itself',
  ],
  ['a token of another account', () => token('there'), "no relationship found between node 'n1' and this object"],
  [
    'a token for another pod',
    () => token('here', 'there'),
    'serviceaccounts "here" is forbidden: node requested token bound to a pod scheduled on a different node',
  ],
  [
    'a token for no pod',
    () =>
      api.call('POST', `${ACCOUNTS}/here/token`, {
        token: 'n1',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
      }),
    'node requested token not bound to a pod',
  ],
  [
    'a Secret that no pod of its has',
    () => get('/api/v1/namespaces/default/secrets/other'),
    "no relationship found between node 'n1' and this object",
  ],
  ['all Secrets', () => get('/api/v1/secrets'), 'can only read namespaced object of this type'],
  ['all Secrets of a namespace', () => get('/api/v1/namespaces/default/secrets'), 'No Object name found'],
  ['all ConfigMaps', () => get('/api/v1/namespaces/default/configmaps?watch=true'), 'No Object name found'],
  [
    'writing a ConfigMap',
    () => patch('/api/v1/namespaces/default/configmaps/config', { data: {} }),
    'can only read resources of this type',
  ],
  ['the pods of others', () => get(PODS), 'can only list/watch pods with spec.nodeName field selector'],
  [
    "another node's pods",
    () => get('/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn2'),
    'can only list/watch pods with spec.nodeName field selector',
  ],
  [
    'all pods but its own',
    () => get('/api/v1/pods?fieldSelector=spec.nodeName!%3Dn1'),
    'can only list/watch pods with spec.nodeName field selector',
  ],
  ['one pod of another', () => get(`${PODS}/there`), "no relationship found between node 'n1' and this object"],
  [
    'one pod of another, by a list',
    () => get(`${PODS}?fieldSelector=metadata.name%3Dthere`),
    "no relationship found between node 'n1' and this object",
  ],
  [
    'another claim',
    () => get('/api/v1/namespaces/default/persistentvolumeclaims/other'),
    "no relationship found between node 'n1' and this object",
  ],
])('a node may not have %s', async (_, answer, reason) => {
  const { code, body } = await answer();
  expect(body.message).toContain(reason);
  expect(code).toBe(403);
});

test('its pods it reads, alone or as a list', async () => {
  expect((await get(`${PODS}/here`)).body.metadata).toMatchObject({ name: 'here' });
  const list = await get('/api/v1/pods?fieldSelector=spec.nodeName%3Dn1');
  expect((list.body.items as Json[]).map((each) => at(each, 'metadata', 'name')).sort()).toEqual(['here', 'user']);
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };
  const allowed = async (fieldSelector: Json): Promise<unknown> => {
    const resourceAttributes = { verb: 'list', resource: 'pods', version: 'v1', fieldSelector };
    const body = { ...review, spec: { resourceAttributes } };
    const answer = await api.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      token: 'n1',
      body,
    });
    return at(answer.body, 'status', 'allowed');
  };
  const of = (name: string): Json => ({ requirements: [{ key: 'spec.nodeName', operator: 'In', values: [name] }] });
  expect([await allowed(of('n1')), await allowed({ rawSelector: 'spec.nodeName=n1' })]).toEqual([true, true]);
  expect([await allowed(of('n2')), await allowed({})]).toEqual([false, false]);
});

test('what its pods refer to it reads, one by one, as long as they are there', async () => {
  for (const resource of ['secrets', 'configmaps']) {
    const path = `/api/v1/namespaces/default/${resource}`;
    expect((await get(`${path}/config`)).code).toBe(200);
    const list = await get(`${path}?fieldSelector=metadata.name%3Dconfig`);
    expect(list.body.items).toMatchObject([{ metadata: { name: 'config' } }]);
  }
  expect((await get('/api/v1/namespaces/default/persistentvolumeclaims/config')).code).toBe(200);
  expect((await get('/api/v1/nodes/n2')).code).toBe(200);
  expect((await api.call('DELETE', `${PODS}/gone`, { token: 'n1' })).code).toBe(404);
  await api.ok('DELETE', `${PODS}/user?gracePeriodSeconds=0`);
  expect((await get('/api/v1/namespaces/default/secrets/config')).code).toBe(403);
});
