// Owner references at work, against the real API server.
// What goes, what stays, and in which order.
import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { ConfigMap, Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OwnerReference } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer } from '#kube/client/informer.ts';
import { startWorld, type World } from '../testing/world.ts';

const MAPS = builtin('ConfigMap');
const DEPLOYMENTS = builtin('Deployment');

let world: World;
let maps: Informer<ConfigMap>;
/** Names of what has gone, in that order. */
let gone: string[];

beforeEach(async () => {
  world = await startWorld();
  maps = world.see<ConfigMap>('ConfigMap');
  await maps.synced();
  gone = [];
  maps.onChange((_key, now, before) => {
    if (now === undefined) gone.push(before?.metadata?.name ?? '');
  });
});
afterEach(async () => {
  await world.close();
});

async function map(
  name: string,
  owners: readonly ConfigMap[] = [],
  extra: Partial<OwnerReference> = {},
): Promise<ConfigMap> {
  const ownerReferences = owners.map((owner) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    ...extra,
  }));
  const metadata = { name, namespace: 'default', ownerReferences };
  return world.client.create<ConfigMap>(MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
}

const has = (name: string): boolean => maps.get(`default/${name}`) !== undefined;

describe('the garbage collector', () => {
  test('deletes what its only owner leaves behind, down to grandchildren', async () => {
    const owner = await map('owner');
    const child = await map('child', [owner]);
    await map('grandchild', [child]);
    await map('stranger');
    await world.until(() => has('grandchild') && has('stranger'));
    await world.client.delete(MAPS, 'owner', 'default', { propagationPolicy: 'Background' });
    await world.until(() => !has('owner') && !has('child') && !has('grandchild'));
    expect(has('stranger')).toBe(true);
  });

  test('keeps what another owner still holds, and removes the dangling reference', async () => {
    const [a, b] = [await map('a'), await map('b')];
    await map('child', [a, b]);
    await world.until(() => has('child'));
    await world.client.delete(MAPS, 'a', 'default');
    const child = await world.until(() => {
      const found = maps.get('default/child');
      return found?.metadata?.ownerReferences?.length === 1 ? found : undefined;
    });
    expect(child.metadata?.ownerReferences?.[0]?.name).toBe('b');
  });

  test('deletes an object that names an owner which never existed', async () => {
    await map('child', [{ metadata: { name: 'nobody', uid: 'a2f0c1f2-8f0e-4c55-9f0f-2f1f7c1f0a01' } }]);
    await world.until(() => gone.includes('child'));
    expect(gone).toEqual(['child']);
  });

  test('does not take a new object for an owner because it has the same name', async () => {
    const first = await map('owner');
    await world.until(() => has('owner'));
    await world.client.delete(MAPS, 'owner', 'default');
    await world.until(() => gone.includes('owner'));
    await map('owner');
    await world.until(() => has('owner'));
    await map('late', [first]);
    await world.until(() => gone.includes('late'));
    expect(has('owner')).toBe(true);
  });

  test('orphans on request: the owner goes, its dependents stay without the reference', async () => {
    const owner = await map('owner');
    await map('child', [owner]);
    await world.until(() => has('child'));
    await world.client.delete(MAPS, 'owner', 'default', { propagationPolicy: 'Orphan' });
    await world.until(() => !has('owner'));
    await world.until(() => (maps.get('default/child')?.metadata?.ownerReferences ?? []).length === 0);
    expect(has('child')).toBe(true);
  });

  test('in the foreground the owner goes last', async () => {
    const owner = await map('owner');
    await map('child', [owner], { blockOwnerDeletion: true });
    await world.until(() => has('child'));
    await world.client.delete(MAPS, 'owner', 'default', { propagationPolicy: 'Foreground' });
    await world.until(() => !has('owner'));
    expect(gone).toEqual(['child', 'owner']);
  });

  test('takes a Deployment down with its ReplicaSets and pods', async () => {
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } };
    const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template };
    const metadata = { name: 'web', namespace: 'default' };
    await world.client.create<Deployment>(DEPLOYMENTS, { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec });
    await world.until(() => world.see<Pod>('Pod').list('default').length === 2);
    await world.client.delete(DEPLOYMENTS, 'web', 'default', { propagationPolicy: 'Foreground' });
    await world.until(() => world.see<Deployment>('Deployment').get('default/web') === undefined);
    expect(world.see<ReplicaSet>('ReplicaSet').list('default')).toEqual([]);
    expect(world.see<Pod>('Pod').list('default')).toEqual([]);
  });
});
