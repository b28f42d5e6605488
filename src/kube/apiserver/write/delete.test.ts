// Deletion over HTTP: grace periods, finalizers, propagation, preconditions, collections, namespaces.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, configMap, deployment, type Json, pod, service, startTestApi, type TestApi } from '../testing/api.ts';

const CONFIG = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const DEPLOY = '/apis/apps/v1/namespaces/default/deployments';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const code = async (path: string): Promise<number> => (await api.call('GET', path)).code;
const merge = (path: string, body: unknown) => api.ok('PATCH', path, { body, type: 'application/merge-patch+json' });

describe('plain deletion', () => {
  it('is done at once and answers with a Status', async () => {
    const created = await api.ok('POST', CONFIG, { body: configMap('plain') });
    expect(await api.call('DELETE', `${CONFIG}/plain`)).toMatchObject({
      code: 200,
      body: {
        kind: 'Status',
        status: 'Success',
        details: { name: 'plain', kind: 'configmaps', uid: at(created, 'metadata', 'uid') },
      },
    });
    expect(await code(`${CONFIG}/plain`)).toBe(404);
    expect((await api.call('DELETE', `${CONFIG}/plain`)).body.message).toBe('configmaps "plain" not found');
  });

  it('answers with the object where upstream does', async () => {
    await api.ok('POST', '/api/v1/namespaces/default/services', { body: service('gone') });
    expect((await api.ok('DELETE', '/api/v1/namespaces/default/services/gone')).kind).toBe('Service');
  });

  it('honours preconditions', async () => {
    await api.ok('POST', CONFIG, { body: configMap('guarded') });
    const uid = await api.call('DELETE', `${CONFIG}/guarded`, { body: { preconditions: { uid: 'other' } } });
    expect(uid.code).toBe(409);
    expect(uid.body.message).toContain('Precondition failed: UID in precondition: other');
    const version = await api.call('DELETE', `${CONFIG}/guarded`, {
      body: { preconditions: { resourceVersion: '1' } },
    });
    expect(version.code).toBe(409);
    await api.ok('DELETE', `${CONFIG}/guarded?dryRun=All`);
    expect(await code(`${CONFIG}/guarded`)).toBe(200);
    expect((await api.call('DELETE', `${CONFIG}/guarded`, { body: { gracePeriodSeconds: 1.5 } })).code).toBe(400);
    expect((await api.call('DELETE', `${CONFIG}/guarded?propagationPolicy=Sideways`)).code).toBe(422);
  });

  it('takes a whole selection', async () => {
    for (const name of ['s1', 's2', 's3']) {
      const metadata = { name, labels: { set: name === 's3' ? 'no' : 'yes' } };
      await api.ok('POST', CONFIG, { body: configMap(name, { metadata }) });
    }
    const deleted = await api.ok('DELETE', `${CONFIG}?labelSelector=set%3Dyes`);
    expect((deleted.items as Json[]).map((item) => at(item, 'metadata', 'name'))).toEqual(['s1', 's2']);
    expect(await code(`${CONFIG}/s3`)).toBe(200);
  });
});

describe('finalizers', () => {
  it('hold a marked object until the last is taken away', async () => {
    const metadata = { name: 'held', finalizers: ['example.com/one', 'example.com/two'] };
    await api.ok('POST', CONFIG, { body: configMap('held', { metadata }) });
    const marked = await api.ok('DELETE', `${CONFIG}/held`);
    expect(at(marked, 'metadata', 'deletionTimestamp')).toBeDefined();
    expect(at(marked, 'metadata', 'deletionGracePeriodSeconds')).toBe(0);
    expect(await api.ok('DELETE', `${CONFIG}/held`)).toEqual(marked);
    await merge(`${CONFIG}/held`, { metadata: { finalizers: ['example.com/two'] } });
    expect(await code(`${CONFIG}/held`)).toBe(200);
    await merge(`${CONFIG}/held`, { metadata: { finalizers: null } });
    expect(await code(`${CONFIG}/held`)).toBe(404);
  });

  it('carry the propagation policy to the garbage collector', async () => {
    const policies = [
      { policy: 'Orphan', finalizers: ['orphan'], code: 200 },
      { policy: 'Foreground', finalizers: ['foregroundDeletion'], code: 202 },
    ];
    for (const { policy, finalizers, code: expected } of policies) {
      await api.ok('POST', DEPLOY, { body: deployment(policy.toLowerCase()) });
      const answer = await api.call('DELETE', `${DEPLOY}/${policy.toLowerCase()}`, {
        body: { propagationPolicy: policy },
      });
      expect(answer.code).toBe(expected);
      expect(at(answer.body, 'metadata', 'finalizers')).toEqual(finalizers);
      expect(at(answer.body, 'metadata', 'generation')).toBe(2);
    }
    await api.ok('DELETE', `${DEPLOY}/orphan?propagationPolicy=Background`);
    expect(await code(`${DEPLOY}/orphan`)).toBe(404);
  });
});

describe('pods', () => {
  const bind = (name: string) =>
    api.ok('POST', `${PODS}/${name}/binding`, { body: { metadata: { name }, target: { name: 'n1' } } });

  it('without a node go at once', async () => {
    await api.ok('POST', PODS, { body: pod('unbound') });
    await api.ok('DELETE', `${PODS}/unbound`);
    expect(await code(`${PODS}/unbound`)).toBe(404);
  });

  it('on a node wait for the kubelet, which deletes without grace', async () => {
    await api.ok('POST', PODS, { body: pod('bound', { terminationGracePeriodSeconds: 7 }) });
    await bind('bound');
    const marked = await api.ok('DELETE', `${PODS}/bound`);
    expect(at(marked, 'metadata', 'deletionGracePeriodSeconds')).toBe(7);
    expect(Date.parse(String(at(marked, 'metadata', 'deletionTimestamp')))).toBeGreaterThan(Date.now() + 5000);
    const longer = await api.ok('DELETE', `${PODS}/bound?gracePeriodSeconds=60`);
    expect(at(longer, 'metadata', 'deletionGracePeriodSeconds')).toBe(7);
    const shorter = await api.ok('DELETE', `${PODS}/bound?gracePeriodSeconds=2`);
    expect(at(shorter, 'metadata', 'deletionGracePeriodSeconds')).toBe(2);
    await merge(`${PODS}/bound/status`, { status: { phase: 'Running' } });
    expect(await code(`${PODS}/bound`)).toBe(200);
    await api.ok('DELETE', `${PODS}/bound`, { body: { gracePeriodSeconds: 0 } });
    expect(await code(`${PODS}/bound`)).toBe(404);
  });

  it('that have ended go at once', async () => {
    await api.ok('POST', PODS, { body: pod('done') });
    await bind('done');
    await merge(`${PODS}/done/status`, { status: { phase: 'Succeeded' } });
    await api.ok('DELETE', `${PODS}/done`);
    expect(await code(`${PODS}/done`)).toBe(404);
  });
});

describe('namespaces', () => {
  const NAMESPACES = '/api/v1/namespaces';
  const make = (name: string) =>
    api.ok('POST', NAMESPACES, { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });

  it('are labelled, and terminate until they are finalized', async () => {
    const created = await make('team');
    expect(created).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'team' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    const marked = await api.ok('DELETE', `${NAMESPACES}/team`);
    expect(at(marked, 'status', 'phase')).toBe('Terminating');
    const refused = await api.call('POST', `${NAMESPACES}/team/configmaps`, { body: configMap('late') });
    expect(refused.code).toBe(403);
    expect(refused.body.message).toBe(
      'configmaps "late" is forbidden: unable to create new content in namespace team because it is being terminated',
    );
    expect(at(refused.body, 'details', 'causes', 0, 'reason')).toBe('NamespaceTerminating');
    await api.ok('PUT', `${NAMESPACES}/team/finalize`, { body: { ...marked, spec: { finalizers: [] } } });
    expect(await code(`${NAMESPACES}/team`)).toBe(404);
  });

  it('get their default service account', async () => {
    await make('accounts');
    const watch = await api.watch(`${NAMESPACES}/accounts/serviceaccounts?watch=true`);
    expect(at((await watch.next()).object, 'metadata', 'name')).toBe('default');
    watch.close();
  });

  it('that the cluster needs are not deleted', async () => {
    const { code: refused, body } = await api.call('DELETE', `${NAMESPACES}/kube-system`);
    expect(refused).toBe(403);
    expect(body.message).toBe('namespaces "kube-system" is forbidden: this namespace may not be deleted');
  });
});
