// A chart with hooks, a definition, a lookup and a test, through a real helm: installed, upgraded, rolled back, gone.
// Knows what helm prints and what the cluster holds afterwards.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { findHelm, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';

const chart = join(import.meta.dirname, 'chart');

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster([], { args: ['--network', 'loopback', '--image', 'sh=/bin/sh'] });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

const found = await findHelm();
if ('missing' in found) test.skip(`skipped: ${found.missing}`, () => {});
else {
  let helm: Kubectl;
  beforeAll(() => {
    const home = join(cluster.data, 'home-helm');
    mkdirSync(home);
    helm = kubectlFor(found.path, cluster.kubeconfig, home);
  });
  const names = async (kind: string): Promise<string[]> =>
    (await cluster.list<KubeObject>(kind, 'default')).map((each) => each.metadata?.name ?? '');
  const history = async (): Promise<string[]> => {
    const revisions = JSON.parse(await helm(['history', 'boat', '-o', 'json'])) as { status: string }[];
    return revisions.map(({ status }) => status);
  };
  const greeting = async (): Promise<unknown> => {
    const { spec } = await cluster.get<KubeObject & { spec: { template: { spec: { containers: unknown[] } } } }>(
      'Deployment',
      'boat',
      'default',
    );
    return spec.template.spec.containers[0];
  };
  const password = async (): Promise<string | undefined> =>
    (await cluster.get<KubeObject & { data?: Record<string, string> }>('Secret', 'boat', 'default')).data?.password;

  test('a chart lives through all that helm does', { timeout: 180_000 }, async () => {
    const wait = ['--wait', '--wait-for-jobs', '--timeout', '60s'];
    expect(await helm(['install', 'boat', chart, ...wait])).toContain('STATUS: deployed');
    const kept = await password();
    expect(kept).toMatch(/^\S{16}$/);
    expect(await names('Job')).toContain('boat-pre');
    const status = await helm(['status', 'boat']);
    expect(status).toMatch(/^boat +1\/1 +1 +1 /m);
    expect(status).toContain('v1/Sail');
    expect(await helm(['test', 'boat', '--logs'])).toMatch(/Phase: +Succeeded[\s\S]*\nfine/);

    await helm(['upgrade', 'boat', chart, '--set', 'replicas=2,greeting=ahoy', ...wait]);
    expect(await greeting()).toMatchObject({ env: [{ name: 'GREETING', value: 'ahoy' }] });
    // The chart looks the Secret up, and so it is not made anew.
    expect(await password()).toBe(kept);
    expect(JSON.parse(await helm(['list', '-A', '-o', 'json']))).toMatchObject([
      { name: 'boat', namespace: 'default', revision: '2', status: 'deployed' },
    ]);

    await helm(['rollback', 'boat', '1', ...wait]);
    expect(await greeting()).toMatchObject({ env: [{ name: 'GREETING', value: 'hello' }] });
    expect(await history()).toEqual(['superseded', 'superseded', 'deployed']);

    // The way of helm 3, whose patches are made by the client.
    await helm(['upgrade', 'boat', chart, '--set', 'greeting=aye', '--server-side=false', ...wait]);
    expect(await greeting()).toMatchObject({ env: [{ name: 'GREETING', value: 'aye' }] });
    // What its schema forbids is told by the server, and the release before stays as it is.
    const refused = await helm.try(['upgrade', 'boat', chart, '--set', 'area=0', ...wait]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      'spec.area: Invalid value: 0: spec.area in body should be greater than or equal to 1',
    );
    expect(await history()).toEqual(['superseded', 'superseded', 'superseded', 'deployed', 'failed']);

    expect(await helm(['uninstall', 'boat', '--wait'])).toContain('uninstalled');
    expect(await names('Deployment')).toEqual([]);
    expect(await names('Secret')).toEqual([]);
    expect(await names('ConfigMap')).toContain('boat-post');
    expect(await helm(['list', '-A', '-q'])).toBe('');
    // As with any cluster, helm leaves the definition where it is.
    expect(await cluster.list('CustomResourceDefinition')).toContainEqual(
      expect.objectContaining({ metadata: expect.objectContaining({ name: 'sails.boats.example.com' }) }),
    );
  });
}
