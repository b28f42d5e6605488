// Questions about rights over HTTP: one's own, those of others, and all that one may do.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, at, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1';
const BINDINGS = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ tokens: new Map([['jane', { name: 'jane', groups: [] }]]) });
  await api.ok('POST', BINDINGS, {
    body: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'jane-views' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  });
});
afterAll(() => api.close());

const review = (kind: string, spec: Json, token?: string, path = REVIEWS): Promise<Answer> =>
  api.call('POST', `${path}/${kind.toLowerCase()}s`, {
    body: { apiVersion: 'authorization.k8s.io/v1', kind, spec },
    ...(token === undefined ? {} : { token }),
  });
const pods = { verb: 'list', resource: 'pods', namespace: 'default' };

test('may I', async () => {
  const ask = async (spec: Json): Promise<unknown> =>
    (await review('SelfSubjectAccessReview', spec, 'jane')).body.status;
  expect(await ask({ resourceAttributes: pods })).toEqual({
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "jane-views/default" of ClusterRole "view" to User "jane"',
  });
  expect(await ask({ resourceAttributes: { ...pods, namespace: 'kube-system' } })).toEqual({ allowed: false });
  expect(await ask({ resourceAttributes: { ...pods, subresource: 'log', verb: 'get' } })).toMatchObject({
    allowed: true,
  });
  expect(await ask({ nonResourceAttributes: { path: '/healthz', verb: 'get' } })).toMatchObject({ allowed: true });
  expect(await ask({ nonResourceAttributes: { path: '/metrics', verb: 'get' } })).toEqual({ allowed: false });
});

test('may they: asked by whoever may ask about others', async () => {
  const about = { user: 'jane', resourceAttributes: pods };
  expect((await review('SubjectAccessReview', about)).body.status).toMatchObject({ allowed: true });
  const group = { groups: ['system:masters'], resourceAttributes: { ...pods, verb: 'delete' } };
  expect((await review('SubjectAccessReview', group)).body.status).toMatchObject({ allowed: true });
  expect((await review('SubjectAccessReview', about, 'jane')).code).toBe(403);
  const local = '/apis/authorization.k8s.io/v1/namespaces/default';
  const answer = await review('LocalSubjectAccessReview', about, undefined, local);
  expect(answer.body).toMatchObject({ metadata: { namespace: 'default' }, status: { allowed: true } });
});

test('what may I', async () => {
  const { body } = await review('SelfSubjectRulesReview', { namespace: 'default' }, 'jane');
  expect(at(body, 'status', 'incomplete')).toBe(false);
  expect(at(body, 'status', 'resourceRules')).toContainEqual({
    verbs: ['get', 'list', 'watch'],
    apiGroups: [''],
    resources: ['namespaces'],
  });
  expect(at(body, 'status', 'nonResourceRules')).toContainEqual({
    verbs: ['get'],
    nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'],
  });
  const elsewhere = await review('SelfSubjectRulesReview', { namespace: 'kube-system' }, 'jane');
  expect(JSON.stringify(elsewhere.body.status)).not.toContain('"namespaces"');
});

test('a question that is none is refused with the field', async () => {
  const cases: [kind: string, spec: Json, message: string, path?: string][] = [
    [
      'SelfSubjectAccessReview',
      {},
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'SubjectAccessReview',
      { resourceAttributes: pods },
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    ['SelfSubjectRulesReview', {}, 'no namespace on request'],
    [
      'LocalSubjectAccessReview',
      { user: 'jane', resourceAttributes: { ...pods, namespace: 'other' } },
      'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
      `${REVIEWS}/namespaces/default`,
    ],
  ];
  for (const [kind, spec, message, path] of cases) {
    expect((await review(kind, spec, undefined, path)).body.message, kind).toBe(message);
  }
});
