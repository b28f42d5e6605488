// Quotas and limits of a namespace, through a real kubectl and with pods that run.
// What is compared is what kubectl prints.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';

describe('a namespace with bounds', async () => {
  const found = await findKubectl('current');
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }
  let cluster: TestCluster;
  let kubectl: Kubectl;
  const inside = (...words: string[]): string[] => ['-n', 'team', ...words];
  beforeAll(async () => {
    cluster = await startCluster(['-'], { input: 'apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n' });
    const home = join(cluster.data, 'home');
    mkdirSync(home);
    kubectl = kubectlFor(found.path, cluster.kubeconfig, home);
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 30_000);

  test('runs as many pods as there is room for, and says why there are no more', { timeout: 60_000 }, async () => {
    await kubectl(inside('create', 'quota', 'bounds', '--hard=pods=2,limits.memory=1Gi'));
    const range = `
apiVersion: v1
kind: LimitRange
metadata: {name: defaults}
spec: {limits: [{type: Container, default: {memory: 128Mi}, max: {memory: 256Mi}}]}
`;
    await kubectl(inside('create', '-f', '-'), range);
    await kubectl(inside('create', 'deployment', 'web', '--image=evenkeel.dev/echo', '--replicas=3'));
    await eventually('two pods run', async () => {
      expect(await kubectl(inside('get', 'deployment', 'web'))).toMatch(/web +2\/3 /);
    });
    expect(await kubectl(inside('describe', 'quota', 'bounds'))).toMatch(/limits\.memory +256Mi +1Gi\npods +2 +2/);
    const events = await kubectl(inside('get', 'events'));
    expect(events).toMatch(
      /FailedCreate .*pods "web-\S+" is forbidden: exceeded quota: bounds, requested: pods=1, used: pods=2, limited: pods=2/,
    );
    await kubectl(inside('patch', 'quota', 'bounds', '--type=merge', '-p', '{"spec":{"hard":{"pods":"3"}}}'));
    await kubectl(inside('rollout', 'status', 'deployment/web', '--timeout=40s'));
    const large = ['run', 'large', '--image=evenkeel.dev/echo', '--overrides'];
    const spec = {
      containers: [{ name: 'large', image: 'evenkeel.dev/echo', resources: { limits: { memory: '1Gi' } } }],
    };
    const refused = await kubectl.try(inside(...large, JSON.stringify({ spec })));
    expect(refused.stderr).toContain('maximum memory usage per Container is 256Mi, but limit is 1Gi');
    await kubectl(inside('scale', 'deployment/web', '--replicas=0'));
    await eventually('the quota is free again', async () => {
      expect(await kubectl(inside('get', 'quota', 'bounds'))).toMatch(/pods: 0\/3/);
    });
  });
});
