// Acting as somebody else over HTTP: who may, and whom the server takes them for.
// Knows the server by its URL only.
import { connect } from 'node:http2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, at, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const GROUP = 'rbac.authorization.k8s.io';
const SELF = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const self = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ tokens: new Map([['jane', { name: 'jane', groups: [] }]]) });
  await api.ok('POST', `${RBAC}/clusterroles`, {
    body: {
      apiVersion: `${GROUP}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'acts-as-bob' },
      rules: [{ apiGroups: [''], resources: ['users'], resourceNames: ['bob'], verbs: ['impersonate'] }],
    },
  });
  const bind = (name: string, roleName: string, user: string) =>
    api.ok('POST', `${RBAC}/clusterrolebindings`, {
      body: {
        apiVersion: `${GROUP}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: roleName },
        subjects: [{ kind: 'User', name: user, apiGroup: GROUP }],
      },
    });
  await bind('jane-acts', 'acts-as-bob', 'jane');
  await bind('bob-views', 'view', 'bob');
});
afterAll(() => api.close());

const whoami = async (headers: Record<string, string>, token?: string): Promise<Answer> =>
  api.call('POST', SELF, { body: self, headers, ...(token === undefined ? {} : { token }) });
const userOf = async (headers: Record<string, string>): Promise<unknown> =>
  at((await whoami(headers)).body, 'status', 'userInfo');

test('an administrator is whoever they say, with the groups that everybody has', async () => {
  expect(await userOf({ 'impersonate-user': 'bob' })).toEqual({ username: 'bob', groups: ['system:authenticated'] });
  expect(
    await userOf({
      'Impersonate-User': 'bob',
      'Impersonate-Group': 'devs',
      'Impersonate-Uid': 'u-1',
      'Impersonate-Extra-Example.com%2Fscopes': 'view',
    }),
  ).toEqual({
    username: 'bob',
    uid: 'u-1',
    groups: ['devs', 'system:authenticated'],
    extra: { 'example.com/scopes': ['view'] },
  });
  expect(await userOf({ 'impersonate-user': 'system:serviceaccount:default:robot' })).toEqual({
    username: 'system:serviceaccount:default:robot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
  });
  expect(await userOf({ 'impersonate-user': 'system:anonymous' })).toBeUndefined();
});

test('several groups are several headers, over HTTP/2 as well', async () => {
  const session = connect(api.server.url, { ca: api.server.caPem });
  const stream = session.request({
    ':method': 'POST',
    ':path': SELF,
    authorization: `Bearer ${api.server.adminToken}`,
    'content-type': 'application/json',
    'impersonate-user': 'bob',
    'impersonate-group': ['a', 'b, c'],
  });
  stream.end(JSON.stringify(self));
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
  session.close();
  expect(at(JSON.parse(text), 'status', 'userInfo', 'groups')).toEqual(['a', 'b, c', 'system:authenticated']);
});

test('what the other may do is what counts', async () => {
  const as = { 'impersonate-user': 'bob' };
  expect((await api.call('GET', '/api/v1/pods', { headers: as })).code).toBe(200);
  const refused = await api.call('GET', '/api/v1/secrets', { headers: as });
  expect(refused.body.message).toContain('User "bob" cannot list resource "secrets"');
});

test('only who is allowed to, and only as those they may', async () => {
  expect(at((await whoami({ 'impersonate-user': 'bob' }, 'jane')).body, 'status', 'userInfo', 'username')).toBe('bob');
  const cases: [headers: Record<string, string>, message: string][] = [
    [
      { 'impersonate-user': 'eve' },
      'users "eve" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      { 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' },
      'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope',
    ],
    [
      { 'impersonate-user': 'system:serviceaccount:default:robot' },
      'serviceaccounts "robot" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
    ],
    [
      { 'impersonate-user': 'bob', 'impersonate-uid': '1' },
      'uids.authentication.k8s.io "1" is forbidden: User "jane" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope',
    ],
    [
      { 'impersonate-user': 'bob', 'impersonate-extra-scopes': 'x' },
      'userextras.authentication.k8s.io "x" is forbidden: User "jane" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    ],
  ];
  for (const [headers, message] of cases) {
    const { code, body }: { code: number; body: Json } = await whoami(headers, 'jane');
    expect({ code, message: body.message }).toEqual({ code: 403, message });
  }
  expect((await whoami({ 'impersonate-group': 'devs' })).code).toBe(400);
});
