// Budgets and evictions against the real API server.
// Only the kubelet is played.
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { isPodReady } from '../common/pods.ts';
import { startWorld, type World } from '../testing/world.ts';

let world: World;

beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.close();
});

describe('a PodDisruptionBudget', () => {
  test('counts against the scale of the Deployment, and evictions stay within it', async () => {
    const selector = { matchLabels: { app: 'web' } };
    const metadata = { name: 'web', namespace: 'default' };
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } };
    await world.client.create<Deployment>(builtin('Deployment'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { replicas: 3, selector, template },
    });
    await world.client.create<PodDisruptionBudget>(builtin('PodDisruptionBudget'), {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: { maxUnavailable: 1, selector },
    });
    const status = (): PodDisruptionBudget['status'] =>
      world.see<PodDisruptionBudget>('PodDisruptionBudget').get('default/web')?.status;
    const counted = await world.until(() => (status()?.disruptionsAllowed === 1 ? status() : undefined));
    expect(counted).toMatchObject({ currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 });

    const pods = (): Pod[] => world.see<Pod>('Pod').list('default');
    const [first, second] = pods();
    // The replacement is never ready, so that the budget stays spent.
    const known = new Set(pods().map((pod) => pod.metadata?.uid));
    world.kubelet.ready = (pod) => known.has(pod.metadata?.uid);
    const evict = (pod: Pod | undefined): Promise<unknown> =>
      world.client.create(builtin('Pod'), evictionOf(pod), { subresource: 'eviction' });
    await evict(first);
    await expect(evict(second)).rejects.toMatchObject({ code: 429, reason: 'TooManyRequests' });
    await world.until(() => status()?.currentHealthy === 2);
    world.kubelet.ready = () => true;
    world.kubelet.look();
    await world.until(() => status()?.disruptionsAllowed === 1 && pods().filter(isPodReady).length === 3);
    await evict(second);
  });
});

function evictionOf(pod: Pod | undefined): Pod {
  const { name, namespace } = pod?.metadata ?? {};
  return { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } } as unknown as Pod;
}
