// Namespaces that go, with all that is in them, against the real API server.
// Only the kubelet is played.
import type { ConfigMap, Namespace, Pod, ServiceAccount } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { findCondition } from '../common/conditions.ts';
import { startWorld, type World } from '../testing/world.ts';

const NAMESPACES = builtin('Namespace');
const MAPS = builtin('ConfigMap');

let world: World;

beforeEach(async () => {
  world = await startWorld({ only: ['namespace', 'scheduler'] });
  await world.client.create<Namespace>(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
});
afterEach(async () => {
  await world.close();
});

const live = (): Namespace | undefined => world.see<Namespace>('Namespace').get('shop');

function map(name: string, finalizers: string[] = []): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop', finalizers } };
}

describe('a namespace', () => {
  test('has a default service account, and gets it back', async () => {
    const accounts = world.see<ServiceAccount>('ServiceAccount');
    const first = await world.until(() => accounts.get('shop/default'));
    await world.client.delete(builtin('ServiceAccount'), 'default', 'shop');
    await world.until(() => {
      const uid = accounts.get('shop/default')?.metadata?.uid;
      return uid !== undefined && uid !== first.metadata?.uid;
    });
  });

  test('that is deleted takes everything in it along, and nothing else', async () => {
    const containers = [{ name: 'c', image: 'web' }];
    const metadata = { name: 'a', namespace: 'shop' };
    await world.client.create(MAPS, map('settings'));
    await world.client.create<Pod>(builtin('Pod'), { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } });
    await world.client.create(MAPS, { ...map('other'), metadata: { name: 'other', namespace: 'default' } });
    await world.until(() => world.see<Pod>('Pod').get('shop/a')?.status?.phase === 'Running');
    await world.client.delete(NAMESPACES, 'shop');
    await world.until(() => live() === undefined);
    expect((await world.client.list(MAPS, { namespace: 'shop' })).items).toEqual([]);
    expect((await world.client.list(builtin('Pod'), { namespace: 'shop' })).items).toEqual([]);
    await expect(world.client.get(MAPS, 'other', 'default')).resolves.toBeDefined();
  });

  test('says what holds it back, and goes once that is gone', async () => {
    await world.client.create(MAPS, map('held', ['shop.dev/keep']));
    await world.client.delete(NAMESPACES, 'shop');
    const held = await world.until(() => {
      const condition = findCondition(live()?.status?.conditions, 'NamespaceFinalizersRemaining');
      return condition?.status === 'True' ? condition : undefined;
    });
    expect(held.message).toBe(
      'Some content in the namespace has finalizers remaining: shop.dev/keep in 1 resource instances',
    );
    expect(live()?.status?.phase).toBe('Terminating');
    expect(findCondition(live()?.status?.conditions, 'NamespaceContentRemaining')?.message).toBe(
      'Some resources are remaining: configmaps. has 1 resource instances',
    );
    await expect(world.client.create(MAPS, map('late'))).rejects.toMatchObject({ code: 403 });
    await world.client.patch(MAPS, 'held', 'shop', 'merge', { metadata: { finalizers: null } });
    await world.until(() => live() === undefined);
  });
});
