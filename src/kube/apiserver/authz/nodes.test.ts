// What a node may write over HTTP: its own, and nothing of another's.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';

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
const token = (account: string): Promise<Answer> =>
  api.call('POST', `${ACCOUNTS}/${account}/token`, {
    token: 'n1',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
  });

test('a node writes its Node and Lease, the status of its pods, and asks for tokens of their accounts', async () => {
  const metadata = { labels: { a: 'b' } };
  expect((await patch('/api/v1/nodes/n1', { metadata })).code).toBe(200);
  expect((await patch('/api/v1/nodes/n1/status', { status: {} })).code).toBe(200);
  expect((await patch(`${LEASES}/n1`, { spec: { holderIdentity: 'n1' } })).code).toBe(200);
  expect((await patch(`${PODS}/here/status`, { status: { phase: 'Running' } })).code).toBe(200);
  expect((await token('here')).code).toBe(201);
});

test('what is another node’s it reads at most', async () => {
  const cases: [answer: Promise<Answer>, reason: string][] = [
    [patch('/api/v1/nodes/n2', { metadata: {} }), 'node "n1" is not allowed to modify node "n2"'],
    [patch('/api/v1/nodes/n2/status', { status: {} }), 'node "n1" is not allowed to modify node "n2"'],
    [patch(`${LEASES}/n2`, { spec: {} }), 'can only access node lease with the same name as the requesting node'],
    [
      patch(`${PODS}/there/status`, { status: { phase: 'Failed' } }),
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      api.call('DELETE', `${PODS}/there`, { token: 'n1' }),
      'node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [token('there'), 'no relationship found between node "n1" and this object'],
  ];
  for (const [answer, reason] of cases) {
    const { code, body } = await answer;
    expect(code).toBe(403);
    expect(body.message).toMatch(/^\S+ "\S+" is forbidden: User "system:node:n1" cannot /);
    expect(body.message).toContain(reason);
  }
  expect((await api.call('GET', '/api/v1/nodes/n2', { token: 'n1' })).code).toBe(200);
  expect((await api.call('DELETE', `${PODS}/gone`, { token: 'n1' })).code).toBe(404);
});
