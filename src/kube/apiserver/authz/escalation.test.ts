// Nobody grants more than they have: writes of roles and bindings, in upstream's words.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ROLES = `${RBAC}/namespaces/default/roles`;
const BINDINGS = `${RBAC}/namespaces/default/rolebindings`;
const GROUP = 'rbac.authorization.k8s.io';

let api: TestApi;
beforeAll(async () => {
  const user = (name: string) => [name, { name, groups: ['devs'] }] as const;
  api = await startTestApi({ tokens: new Map(['ann', 'binder', 'escalator', 'root'].map(user)) });
  // Ann administers the namespace, the others may write roles, and each one thing more.
  await grant('ann', 'RoleBinding', 'admin');
  const rbac = { apiGroups: [GROUP], resources: ['*'], verbs: ['create', 'update', 'patch', 'get'] };
  await define('binders', rbac, {
    apiGroups: [GROUP],
    resources: ['clusterroles'],
    verbs: ['bind'],
    resourceNames: ['edit'],
  });
  await define('escalators', rbac, { apiGroups: [GROUP], resources: ['roles', 'clusterroles'], verbs: ['escalate'] });
  await grant('binder', 'RoleBinding', 'binders');
  await grant('escalator', 'ClusterRoleBinding', 'escalators');
  await grant('root', 'ClusterRoleBinding', 'cluster-admin');
});
afterAll(() => api.close());

async function define(name: string, ...rules: Json[]): Promise<void> {
  await api.ok('POST', `${RBAC}/clusterroles`, {
    body: { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
  });
}
const bindingOf = (name: string, kind: string, role: string, subject: string): Json => ({
  apiVersion: `${GROUP}/v1`,
  kind,
  metadata: { name },
  roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'User', name: subject, apiGroup: GROUP }],
});
async function grant(user: string, kind: string, role: string): Promise<void> {
  const path = kind === 'RoleBinding' ? BINDINGS : `${RBAC}/clusterrolebindings`;
  await api.ok('POST', path, { body: bindingOf(`${user}-${role}`, kind, role, user) });
}
const role = (name: string, ...rules: Json[]): Json => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'Role',
  metadata: { name },
  rules,
});
const post = (token: string, path: string, body: Json): Promise<Answer> => api.call('POST', path, { token, body });
const WHO = '(groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:';

test('a role may hold what its writer has', async () => {
  const own = role('own', { apiGroups: ['', 'apps'], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] });
  // `apps` has no pods in the role of an admin.
  expect((await post('ann', ROLES, own)).code).toBe(403);
  const good = role('own', { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] });
  expect((await post('ann', ROLES, good)).code).toBe(201);
});

test('what they do not have is named, verbs of a resource together', async () => {
  const wanted = role(
    'more',
    { apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['use'] },
  );
  const { code, body } = await post('ann', ROLES, wanted);
  expect(code).toBe(403);
  expect(body.message).toBe(
    `roles.rbac.authorization.k8s.io "more" is forbidden: user "ann" ${WHO}\n` +
      '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}\n' +
      '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["use"]}',
  );
  expect(body.details).toEqual({ name: 'more', group: GROUP, kind: 'roles' });
});

test('a change is looked at like a new role, unless it grants nothing new', async () => {
  await api.ok('POST', ROLES, { body: role('nodes', { apiGroups: [''], resources: ['nodes'], verbs: ['get'] }) });
  const patch = (body: Json) =>
    api.call('PATCH', `${ROLES}/nodes`, { token: 'ann', body, type: 'application/merge-patch+json' });
  expect((await patch({ metadata: { labels: { team: 'a' } } })).code).toBe(200);
  expect((await patch({ rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] }] })).code).toBe(403);
});

test('a binding gives away what its writer has', async () => {
  expect((await post('ann', BINDINGS, bindingOf('eve-view', 'RoleBinding', 'view', 'eve'))).code).toBe(201);
  const { code, body } = await post('ann', BINDINGS, bindingOf('eve-root', 'RoleBinding', 'cluster-admin', 'eve'));
  expect(code).toBe(403);
  expect(body.message).toBe(
    `rolebindings.rbac.authorization.k8s.io "eve-root" is forbidden: user "ann" ${WHO}\n` +
      '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
  );
  const unknown = await post('ann', BINDINGS, bindingOf('eve-none', 'RoleBinding', 'none', 'eve'));
  expect(unknown).toMatchObject({
    code: 404,
    body: { message: 'clusterrole.rbac.authorization.k8s.io "none" not found' },
  });
});

test('the verbs bind and escalate stand for the rights themselves', async () => {
  expect((await post('binder', BINDINGS, bindingOf('x-edit', 'RoleBinding', 'edit', 'x'))).code).toBe(201);
  expect((await post('binder', BINDINGS, bindingOf('x-admin', 'RoleBinding', 'admin', 'x'))).code).toBe(403);
  const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  expect((await post('binder', ROLES, role('all', everything))).code).toBe(403);
  expect((await post('escalator', ROLES, role('all', everything))).code).toBe(201);
});

test('only who may do everything puts roles together from others', async () => {
  const aggregated = {
    ...role('sum'),
    kind: 'ClusterRole',
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  };
  await define('role-writers', { apiGroups: [GROUP], resources: ['clusterroles'], verbs: ['create'] });
  await grant('ann', 'ClusterRoleBinding', 'role-writers');
  const { code, body } = await post('ann', `${RBAC}/clusterroles`, aggregated);
  expect(code).toBe(403);
  expect(body.message).toBe(
    'clusterroles.rbac.authorization.k8s.io "sum" is forbidden: must have cluster-admin privileges to use the aggregationRule',
  );
  expect((await post('root', `${RBAC}/clusterroles`, aggregated)).code).toBe(201);
});
