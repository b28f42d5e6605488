// The roles that every cluster has: there from the first second, mended at each start, and put together from others.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { at, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const ROLES = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const BINDINGS = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
const AUTO = 'rbac.authorization.kubernetes.io/autoupdate';
const merge = { type: 'application/merge-patch+json' };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const rulesOf = async (of: TestApi, name: string): Promise<Json[]> =>
  ((await of.ok('GET', `${ROLES}/${name}`)).rules ?? []) as Json[];

describe('roles that every cluster has', () => {
  test('carry the label and the annotation of upstream', async () => {
    const { items } = (await api.ok('GET', `${ROLES}?labelSelector=kubernetes.io/bootstrapping=rbac-defaults`)) as {
      items: Json[];
    };
    const names = items.map((item) => at(item, 'metadata', 'name'));
    expect(names).toEqual(
      expect.arrayContaining([
        'admin',
        'cluster-admin',
        'edit',
        'system:basic-user',
        'system:controller:deployment-controller',
        'system:discovery',
        'system:kube-controller-manager',
        'system:kube-scheduler',
        'system:node',
        'system:node-proxier',
        'system:public-info-viewer',
        'view',
      ]),
    );
    for (const item of items) expect(at(item, 'metadata', 'annotations', AUTO)).toBe('true');
  });

  test('are bound to whom they are for', async () => {
    const admin = await api.ok('GET', `${BINDINGS}/cluster-admin`);
    expect(admin.subjects).toEqual([{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:masters' }]);
    const controller = await api.ok('GET', `${BINDINGS}/system:controller:job-controller`);
    expect(controller.subjects).toEqual([{ kind: 'ServiceAccount', name: 'job-controller', namespace: 'kube-system' }]);
  });

  test('of people hold each other', async () => {
    const [view, edit, admin] = await Promise.all(['view', 'edit', 'admin'].map((name) => rulesOf(api, name)));
    expect(view?.length).toBeGreaterThan(0);
    expect(edit).toEqual(expect.arrayContaining(view ?? []));
    expect(admin).toEqual(expect.arrayContaining(edit ?? []));
    expect(JSON.stringify(view)).not.toContain('secrets');
  });
});

test('a role made of others follows them', async () => {
  const watch = await api.watch(`${ROLES}?watch=true&fieldSelector=metadata.name%3Dadmin`);
  await watch.next();
  const rule = { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] };
  await api.ok('POST', ROLES, {
    body: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'widgets', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
      rules: [rule],
    },
  });
  // By way of view and edit.
  expect((await watch.next()).object.rules).toContainEqual(rule);
  await api.ok('DELETE', `${ROLES}/widgets`);
  expect((await watch.next()).object.rules).not.toContainEqual(rule);
  watch.close();
});

test('the next start mends what is missing, and leaves alone what is added or says so', async () => {
  const store = createMemoryStore();
  const first = await startTestApi({ store });
  const own = { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] };
  await first.ok('PATCH', `${ROLES}/system:basic-user`, { ...merge, body: { rules: [own] } });
  await first.ok('PATCH', `${ROLES}/system:node`, {
    ...merge,
    body: { metadata: { annotations: { [AUTO]: 'false' } }, rules: [own] },
  });
  const eve = { kind: 'User', name: 'eve', apiGroup: 'rbac.authorization.k8s.io' };
  await first.ok('PATCH', `${BINDINGS}/system:discovery`, { ...merge, body: { subjects: [eve] } });
  await first.ok('DELETE', `${BINDINGS}/system:basic-user`);
  await first.close();

  const second = await startTestApi({ store });
  expect(await rulesOf(second, 'system:basic-user')).toEqual([
    own,
    { apiGroups: ['authorization.k8s.io'], resources: ['selfsubjectaccessreviews'], verbs: ['create'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['selfsubjectrulesreviews'], verbs: ['create'] },
    { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
  ]);
  expect(await rulesOf(second, 'system:node')).toEqual([own]);
  expect((await second.ok('GET', `${BINDINGS}/system:discovery`)).subjects).toEqual([
    eve,
    { kind: 'Group', name: 'system:authenticated', apiGroup: 'rbac.authorization.k8s.io' },
  ]);
  await second.ok('GET', `${BINDINGS}/system:basic-user`);
  const before = await second.ok('GET', ROLES);
  await second.close();

  // A start that finds everything in order writes nothing.
  const third = await startTestApi({ store });
  const after = await third.ok('GET', ROLES);
  const versions = (list: Json): unknown[] =>
    (list.items as Json[]).map((item) => at(item, 'metadata', 'resourceVersion'));
  expect(versions(after)).toEqual(versions(before));
  await third.close();
  await store.close();
});
