// Who may do what over HTTP: roles, bindings, and the words in which something is refused.
// Knows the server by its URL only.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  at,
  type CallOptions,
  configMap,
  type Json,
  pod,
  startTestApi,
  type TestApi,
} from '../testing/api.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PODS = '/api/v1/namespaces/default/pods';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    tokens: new Map([
      ['jane', { name: 'jane', groups: ['devs'] }],
      ['boss', { name: 'boss', groups: ['system:masters'] }],
    ]),
  });
  await api.ok('POST', PODS, { body: pod('p1') });
});
afterAll(() => api.close());

const jane = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  api.call(method, path, { ...options, token: 'jane' });

beforeEach(async () => {
  // What one test grants is no other's.
  for (const path of [`${RBAC}/namespaces/default/rolebindings`, `${RBAC}/namespaces/default/roles`]) {
    await api.ok('DELETE', path);
  }
  await api.ok('DELETE', `${RBAC}/clusterrolebindings?labelSelector=kubernetes.io/bootstrapping!=rbac-defaults`);
  await api.ok('DELETE', `${RBAC}/clusterroles?labelSelector=kubernetes.io/bootstrapping!=rbac-defaults`);
});

const ROLE = 'rbac.authorization.k8s.io/v1';
const rule = (verbs: string, resources: string, extra: Json = {}): Json => ({
  apiGroups: [''],
  resources: resources.split(' '),
  verbs: verbs.split(' '),
  ...extra,
});
const role = (name: string, ...rules: Json[]): Json => ({ apiVersion: ROLE, kind: 'Role', metadata: { name }, rules });
const clusterRole = (name: string, ...rules: Json[]): Json => ({ ...role(name, ...rules), kind: 'ClusterRole' });
const JANE = { kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' };
const binding = (kind: string, roleKind: string, roleName: string, subjects: unknown[] = [JANE]): Json => ({
  apiVersion: ROLE,
  kind,
  metadata: { name: `to-${roleName.replaceAll(':', '-')}` },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name: roleName },
  subjects,
});
const grantRole = async (name: string, ...rules: Json[]): Promise<void> => {
  await api.ok('POST', `${RBAC}/namespaces/default/roles`, { body: role(name, ...rules) });
  await api.ok('POST', `${RBAC}/namespaces/default/rolebindings`, { body: binding('RoleBinding', 'Role', name) });
};
const grantCluster = async (name: string, ...rules: Json[]): Promise<void> => {
  await api.ok('POST', `${RBAC}/clusterroles`, { body: clusterRole(name, ...rules) });
  await api.ok('POST', `${RBAC}/clusterrolebindings`, { body: binding('ClusterRoleBinding', 'ClusterRole', name) });
};

describe('without a role', () => {
  const cases: [method: string, path: string, message: string, details: Json][] = [
    [
      'GET',
      PODS,
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
      { kind: 'pods' },
    ],
    [
      'GET',
      `${PODS}/p1`,
      'pods "p1" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "default"',
      { name: 'p1', kind: 'pods' },
    ],
    [
      'GET',
      `${PODS}/p1/log`,
      'pods "p1" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default"',
      { name: 'p1', kind: 'pods' },
    ],
    [
      'GET',
      '/apis/apps/v1/deployments?watch=true',
      'deployments.apps is forbidden: User "jane" cannot watch resource "deployments" in API group "apps" at the cluster scope',
      { group: 'apps', kind: 'deployments' },
    ],
    [
      'PUT',
      '/apis/apps/v1/namespaces/default/deployments/d/scale',
      'deployments.apps "d" is forbidden: User "jane" cannot update resource "deployments/scale" in API group "apps" in the namespace "default"',
      { name: 'd', group: 'apps', kind: 'deployments' },
    ],
    [
      'DELETE',
      PODS,
      'pods is forbidden: User "jane" cannot deletecollection resource "pods" in API group "" in the namespace "default"',
      { kind: 'pods' },
    ],
    [
      'GET',
      '/api/v1/namespaces/default',
      'namespaces "default" is forbidden: User "jane" cannot get resource "namespaces" in API group "" in the namespace "default"',
      { name: 'default', kind: 'namespaces' },
    ],
    // As upstream, nobody is told what is not there.
    [
      'GET',
      '/apis/example.com/v1/widgets',
      'widgets.example.com is forbidden: User "jane" cannot list resource "widgets" in API group "example.com" at the cluster scope',
      { group: 'example.com', kind: 'widgets' },
    ],
    ['GET', '/metrics', 'forbidden: User "jane" cannot get path "/metrics"', {}],
  ];
  test.each(cases)('%s %s is refused in upstream words', async (method, path, message, details) => {
    const { code, body } = await jane(method, path);
    expect(code).toBe(403);
    expect(body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason: 'Forbidden',
      details,
      code: 403,
    });
  });

  test('whoever is known may ask what is served, and who they are', async () => {
    for (const path of ['/api', '/apis', '/api/v1', '/apis/apps/v1', '/openapi/v3', '/version', '/livez']) {
      expect((await jane('GET', path)).code, path).toBe(200);
    }
    const self = await jane('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    });
    expect(at(self.body, 'status', 'userInfo', 'username')).toBe('jane');
  });

  test('the masters may do everything', async () => {
    expect((await api.call('GET', '/api/v1/secrets', { token: 'boss' })).code).toBe(200);
  });
});

describe('a Role', () => {
  test('grants its verbs on its resources in its namespace, from the moment it is bound, and no longer', async () => {
    await grantRole('reader', rule('get list watch', 'pods'));
    expect((await jane('GET', PODS)).code).toBe(200);
    expect((await jane('GET', `${PODS}/p1`)).code).toBe(200);
    expect((await jane('GET', '/api/v1/pods')).code).toBe(403);
    expect((await jane('GET', '/api/v1/namespaces/kube-system/pods')).code).toBe(403);
    expect((await jane('DELETE', `${PODS}/p1`)).code).toBe(403);
    expect((await jane('GET', `${PODS}/p1/log`)).code).toBe(403);
    await api.ok('DELETE', `${RBAC}/namespaces/default/rolebindings/to-reader`);
    expect((await jane('GET', PODS)).code).toBe(403);
  });

  test('changes what is allowed as it changes', async () => {
    await grantRole('changing', rule('get', 'pods'));
    expect((await jane('GET', PODS)).code).toBe(403);
    await api.ok('PUT', `${RBAC}/namespaces/default/roles/changing`, { body: role('changing', rule('list', 'pods')) });
    expect((await jane('GET', PODS)).code).toBe(200);
    expect((await jane('GET', `${PODS}/p1`)).code).toBe(403);
  });

  test('names objects', async () => {
    await grantRole('one', rule('get update list watch', 'configmaps', { resourceNames: ['mine'] }));
    const path = '/api/v1/namespaces/default/configmaps';
    for (const name of ['mine', 'other']) await api.ok('POST', path, { body: configMap(name) });
    expect((await jane('GET', `${path}/mine`)).code).toBe(200);
    expect((await jane('GET', `${path}/other`)).code).toBe(403);
    expect((await jane('GET', path)).code).toBe(403);
    // A list of that one object is.
    expect((await jane('GET', `${path}?fieldSelector=metadata.name%3Dmine`)).code).toBe(200);
    expect((await jane('GET', `${path}?fieldSelector=metadata.name%3Dother`)).code).toBe(403);
  });

  test('grants subresources by name and by star', async () => {
    const scale = '/apis/apps/v1/namespaces/default/deployments/d/scale';
    await grantRole('logs', rule('get', 'pods/log'), rule('get', '*/scale', { apiGroups: ['*'] }));
    // Allowed: it is the deployment that is missing.
    expect((await jane('GET', scale)).code).toBe(404);
    expect((await jane('GET', `${PODS}/none/log`)).code).toBe(404);
    expect((await jane('GET', `${PODS}/p1`)).code).toBe(403);
  });

  test('that grants to read a stream into a pod does not grant to open one', async () => {
    await grantRole('looks', rule('get', 'pods/exec'));
    expect((await jane('GET', `${PODS}/none/exec?command=id`)).body.message).toContain(
      'cannot create resource "pods/exec"',
    );
  });

  test('that grants to change does not grant to create by it', async () => {
    await grantRole(
      'changes',
      rule('get update patch', 'configmaps leases', { apiGroups: ['', 'coordination.k8s.io'] }),
    );
    const maps = '/api/v1/namespaces/default/configmaps';
    const apply = (name: string): Promise<Answer> =>
      jane('PATCH', `${maps}/${name}?fieldManager=me`, { body: configMap(name), type: 'application/apply-patch+yaml' });
    expect((await apply('applied')).body.message).toBe(
      'configmaps "applied" is forbidden: User "jane" cannot create resource "configmaps" in API group "" in the namespace "default"',
    );
    await api.ok('POST', maps, { body: configMap('applied') });
    expect((await apply('applied')).code).toBe(200);
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: {} };
    const put = await jane('PUT', '/apis/coordination.k8s.io/v1/namespaces/default/leases/l', { body: lease });
    expect(put.body.message).toContain('cannot create resource "leases" in API group "coordination.k8s.io"');
  });

  test('that is missing is named with the refusal', async () => {
    await api.ok('POST', `${RBAC}/clusterrolebindings`, {
      body: binding('ClusterRoleBinding', 'ClusterRole', 'nowhere'),
    });
    expect((await jane('GET', PODS)).body.message).toBe(
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found',
    );
  });
});

describe('a ClusterRole', () => {
  test('grants everywhere when it is bound to the cluster, in one namespace when it is bound there', async () => {
    await grantCluster('all-pods', rule('list', 'pods'));
    expect((await jane('GET', '/api/v1/pods')).code).toBe(200);
    expect((await jane('GET', '/api/v1/namespaces/kube-system/pods')).code).toBe(200);
    await api.ok('DELETE', `${RBAC}/clusterrolebindings/to-all-pods`);
    const inOne = binding('RoleBinding', 'ClusterRole', 'all-pods', [
      { kind: 'Group', name: 'devs', apiGroup: 'rbac.authorization.k8s.io' },
    ]);
    await api.ok('POST', `${RBAC}/namespaces/default/rolebindings`, { body: inOne });
    expect((await jane('GET', PODS)).code).toBe(200);
    expect((await jane('GET', '/api/v1/pods')).code).toBe(403);
  });

  test('grants paths', async () => {
    await grantCluster('paths', { nonResourceURLs: ['/logs/*', '/metrics'], verbs: ['get'] });
    // Allowed, and not served.
    expect((await jane('GET', '/metrics')).code).toBe(200);
    expect((await jane('GET', '/logs/a/b')).code).toBe(404);
    expect((await jane('GET', '/logs')).code).toBe(403);
    expect((await jane('POST', '/metrics')).code).toBe(403);
  });

  test('grants service accounts, by the account and by their groups', async () => {
    await api.ok('POST', '/api/v1/namespaces/default/serviceaccounts', {
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } },
    });
    const made = await api.ok('POST', '/api/v1/namespaces/default/serviceaccounts/bot/token', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
    });
    const token = String(at(made, 'status', 'token'));
    expect((await api.call('GET', PODS, { token })).body.message).toContain(
      'User "system:serviceaccount:default:bot" cannot list',
    );
    const subject = { kind: 'ServiceAccount', name: 'bot', namespace: 'default' };
    await api.ok('POST', `${RBAC}/namespaces/default/rolebindings`, {
      body: binding('RoleBinding', 'ClusterRole', 'view', [subject]),
    });
    expect((await api.call('GET', PODS, { token })).code).toBe(200);
    expect((await api.call('GET', '/api/v1/namespaces/default/secrets', { token })).code).toBe(403);
    // As upstream: who may look into a namespace may look at it.
    expect((await api.call('GET', '/api/v1/namespaces/default', { token })).code).toBe(200);
    expect((await api.call('GET', '/api/v1/namespaces/kube-system', { token })).code).toBe(403);
  });
});

test('AlwaysAllow lets everybody do everything who says who they are', async () => {
  const open = await startTestApi({
    authorization: 'AlwaysAllow',
    tokens: new Map([['jane', { name: 'jane', groups: [] }]]),
  });
  try {
    expect((await open.call('GET', '/api/v1/secrets', { token: 'jane' })).code).toBe(200);
    expect((await open.call('GET', '/api/v1/secrets', { token: null })).code).toBe(401);
    expect((await open.call('GET', '/livez', { token: null })).code).toBe(200);
  } finally {
    await open.close();
  }
});

test('who may watch one object by its name sees no other by it', async () => {
  await grantRole('one', rule('watch', 'configmaps', { resourceNames: ['watched'] }));
  for (const name of ['watched', 'unseen']) {
    await api.ok('POST', '/api/v1/namespaces/default/configmaps', { body: configMap(name) });
  }
  const path = '/api/v1/namespaces/default/configmaps';
  const { code, body } = await jane('GET', `${path}/watched?watch=true`);
  expect([code, body.message]).toEqual([403, expect.stringContaining('cannot get resource "configmaps"')]);
  const watch = await api.watch(`/api/v1/watch/namespaces/default/configmaps/watched`, { token: 'jane' });
  expect(at((await watch.next()).object, 'metadata', 'name')).toBe('watched');
  watch.close();
  expect((await jane('GET', `/api/v1/watch/namespaces/default/configmaps/unseen`)).code).toBe(403);
  expect((await jane('GET', `/api/v1/watch/namespaces/default/configmaps`)).code).toBe(403);
});
