// ReplicaSets against the real API server; only the kubelet is played.
// What is asserted is what a user could see.
import type { ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { controllerOf } from '../common/owners.ts';
import { startWorld, type World } from '../testing/world.ts';
import { DELETION_COST } from './ranking.ts';

const SETS = builtin('ReplicaSet');
const PODS = builtin('Pod');
const TEMPLATE = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } };

let world: World;

beforeEach(async () => {
  world = await startWorld({ only: ['replicaset', 'scheduler'] });
});
afterEach(async () => {
  await world.close();
});

async function create(replicas: number, extra: Partial<NonNullable<ReplicaSet['spec']>> = {}): Promise<ReplicaSet> {
  const spec = { replicas, selector: { matchLabels: { app: 'web' } }, template: TEMPLATE, ...extra };
  const metadata = { name: 'web', namespace: 'default' };
  return world.client.create<ReplicaSet>(SETS, { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec });
}

const scale = (replicas: number): Promise<unknown> =>
  world.client.patch(SETS, 'web', 'default', 'merge', { spec: { replicas } });
const live = (): ReplicaSet | undefined => world.see<ReplicaSet>('ReplicaSet').get('default/web');
const pods = (): Pod[] => world.see<Pod>('Pod').list('default');
const events = (reason: string): Event[] =>
  world
    .see<Event>('Event')
    .list('default')
    .filter((event) => event.reason === reason);

describe('a ReplicaSet', () => {
  test('creates exactly as many pods as it should, and counts them in its status', async () => {
    await create(7);
    await world.until(() => live()?.status?.availableReplicas === 7);
    expect(pods()).toHaveLength(7);
    expect(live()?.status).toMatchObject({
      replicas: 7,
      fullyLabeledReplicas: 7,
      readyReplicas: 7,
      observedGeneration: 1,
    });
    expect(pods().every((pod) => /^web-[a-z0-9]{5}$/.test(pod.metadata?.name ?? ''))).toBe(true);
    await world.until(() => events('SuccessfulCreate').length === 7);
  });

  test('shrinks by what costs least', async () => {
    await create(3);
    await world.until(() => live()?.status?.readyReplicas === 3);
    const dear = pods().slice(0, 2);
    for (const pod of dear) {
      const patch = { metadata: { annotations: { [DELETION_COST]: '100' } } };
      await world.client.patch(PODS, pod.metadata?.name ?? '', 'default', 'merge', patch);
    }
    await world.until(() => pods().filter((pod) => pod.metadata?.annotations?.[DELETION_COST] === '100').length === 2);
    await scale(2);
    await world.until(() => pods().length === 2);
    expect(
      pods()
        .map((pod) => pod.metadata?.name)
        .sort(),
    ).toEqual(dear.map((pod) => pod.metadata?.name).sort());
  });

  test('makes up for a pod that failed, and leaves the failed one for people to look at', async () => {
    await create(2);
    await world.until(() => live()?.status?.readyReplicas === 2);
    const failed = pods()[0]?.metadata?.name ?? '';
    await world.client.patch(
      PODS,
      failed,
      'default',
      'merge',
      { status: { phase: 'Failed' } },
      { subresource: 'status' },
    );
    await world.until(() => pods().length === 3 && live()?.status?.readyReplicas === 2);
    expect(live()?.status?.replicas).toBe(2);
  });

  test('adopts a pod that matches, and releases one that no longer does', async () => {
    const metadata = { name: 'stray', namespace: 'default', labels: { app: 'web' } };
    await world.client.create<Pod>(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec: TEMPLATE.spec });
    const set = await create(2);
    await world.until(() => live()?.status?.readyReplicas === 2);
    expect(pods()).toHaveLength(2);
    const stray = (): Pod | undefined => world.see<Pod>('Pod').get('default/stray');
    expect(controllerOf(stray() ?? {})?.uid).toBe(set.metadata?.uid);
    await world.client.patch(PODS, 'stray', 'default', 'merge', { metadata: { labels: { app: 'debug' } } });
    await world.until(() => pods().length === 3 && controllerOf(stray() ?? {}) === undefined);
    expect(stray()?.metadata?.deletionTimestamp).toBeUndefined();
  });

  test('counts a pod as available only after minReadySeconds', async () => {
    await create(1, { minReadySeconds: 2 });
    await world.until(() => live()?.status?.readyReplicas === 1);
    expect(live()?.status?.availableReplicas ?? 0).toBe(0);
    await world.until(() => live()?.status?.availableReplicas === 1);
  });

  test('says so when its pods cannot be created, and recovers', async () => {
    const bad = { ...TEMPLATE, spec: { ...TEMPLATE.spec, serviceAccountName: 'nobody' } };
    await create(2, { template: bad });
    const event = await world.until(() => events('FailedCreate')[0]);
    expect(event.message).toMatch(/^Error creating: /);
    const failure = await world.until(() => live()?.status?.conditions?.find(({ type }) => type === 'ReplicaFailure'));
    expect(failure).toMatchObject({ status: 'True', reason: 'FailedCreate' });
    const metadata = { name: 'nobody', namespace: 'default' };
    await world.client.create(builtin('ServiceAccount'), { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    await world.until(() => pods().length === 2 && live()?.status?.conditions === undefined);
  });
});
