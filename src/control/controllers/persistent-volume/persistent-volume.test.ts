// Claims and volumes against the real API server; only the kubelet is played.
// What is asserted is what a user could see.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { startWorld, type World } from '../testing/world.ts';

const CLAIMS = builtin('PersistentVolumeClaim');
const VOLUMES = builtin('PersistentVolume');
const CLASSES = builtin('StorageClass');
const PODS = builtin('Pod');
let world: World;
let dir: TempDir;

beforeEach(async () => {
  dir = tempDir('volumes');
  world = await startWorld({
    only: ['persistent-volume', 'scheduler'],
    settings: { volumesDir: dir.path },
  });
  for (const kind of ['PersistentVolumeClaim', 'PersistentVolume']) world.see(kind);
  await storageClass('standard', {}, { 'storageclass.kubernetes.io/is-default-class': 'true' });
});
afterEach(async () => {
  await world.close();
  dir.remove();
});

function storageClass(name: string, extra: object = {}, annotations: Record<string, string> = {}): Promise<unknown> {
  return world.client.create<StorageClass>(CLASSES, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, annotations },
    provisioner: 'evenkeel.dev/host-path',
    ...extra,
  });
}

function claim(name: string, extra: object = {}): Promise<PersistentVolumeClaim> {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...extra };
  const metadata = { name, namespace: 'default' };
  return world.client.create(CLAIMS, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec });
}

function volume(name: string, extra: object = {}): Promise<PersistentVolume> {
  const spec = { accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, hostPath: { path: '/srv' }, ...extra };
  return world.client.create(VOLUMES, { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec });
}

const seen = (name: string): PersistentVolumeClaim | undefined =>
  world.see<PersistentVolumeClaim>('PersistentVolumeClaim').get(`default/${name}`);
const volumes = (): PersistentVolume[] => world.see<PersistentVolume>('PersistentVolume').list();
const said = (reason: string): string[] =>
  world
    .see<Event>('Event')
    .list('default')
    .filter((event) => event.reason === reason)
    .map((event) => event.message ?? '');
const bound = (name: string) => () => seen(name)?.status?.phase === 'Bound';

describe('a claim', () => {
  test('of the default class gets a directory, which goes with it', async () => {
    await claim('data');
    await world.until(bound('data'));
    const [made] = volumes();
    expect(seen('data')?.spec).toMatchObject({ storageClassName: 'standard', volumeName: made?.metadata?.name });
    expect(seen('data')?.status?.capacity?.storage).toBe('1Gi');
    expect(made).toMatchObject({
      spec: { persistentVolumeReclaimPolicy: 'Delete', claimRef: { name: 'data', namespace: 'default' } },
    });
    const path = made?.spec?.hostPath?.path ?? '';
    expect(path).toBe(join(dir.path, made?.metadata?.name ?? ''));
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'x');
    await world.client.delete(CLAIMS, 'data', 'default');
    await world.until(() => volumes().length === 0);
    expect(existsSync(path)).toBe(false);
  });

  test('stays as long as a pod uses it', async () => {
    await claim('data');
    await world.until(bound('data'));
    await world.client.create<Pod>(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'user', namespace: 'default' },
      spec: {
        containers: [{ name: 'c', image: 'c' }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    await world.until(() => world.see<Pod>('Pod').get('default/user')?.status?.phase === 'Running');
    await world.client.delete(CLAIMS, 'data', 'default');
    await world.restartControllers();
    await claim('other');
    await world.until(bound('other'));
    expect(seen('data')?.metadata?.deletionTimestamp).toBeDefined();
    await world.client.delete(PODS, 'user', 'default');
    await world.until(() => seen('data') === undefined);
  });

  test('of a class that keeps volumes leaves its data behind, as Released', async () => {
    await storageClass('kept', { reclaimPolicy: 'Retain' });
    await claim('data', { storageClassName: 'kept' });
    await world.until(bound('data'));
    await world.client.delete(CLAIMS, 'data', 'default');
    await world.until(() => volumes()[0]?.status?.phase === 'Released');
  });

  test('without class takes the smallest volume that people have made, and waits when there is none', async () => {
    await claim('data', { storageClassName: '' });
    await world.until(() =>
      said('FailedBinding').includes('no persistent volumes available for this claim and no storage class is set'),
    );
    await volume('small', { capacity: { storage: '500Mi' } });
    await volume('fits');
    await world.until(bound('data'));
    expect(seen('data')?.spec?.volumeName).toBe('fits');
    await world.until(
      () => volumes().find(({ metadata }) => metadata?.name === 'small')?.status?.phase === 'Available',
    );
    await world.client.delete(CLAIMS, 'data', 'default');
    await world.until(() => volumes().find(({ metadata }) => metadata?.name === 'fits')?.status?.phase === 'Released');
  });

  test('says why it is not bound', async () => {
    await claim('lost', { storageClassName: 'none' });
    await world.until(() => said('ProvisioningFailed').includes('storageclass.storage.k8s.io "none" not found'));
    await volume('one', { storageClassName: 'other' });
    await claim('picky', { storageClassName: '', volumeName: 'one' });
    const why = 'Cannot bind to requested volume "one": storageClassName does not match';
    await world.until(() => said('VolumeMismatch').includes(why));
    await storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' });
    await claim('waits', { storageClassName: 'late' });
    await world.until(() =>
      said('WaitForFirstConsumer').includes('waiting for first consumer to be created before binding'),
    );
    expect(seen('waits')?.status?.phase).toBe('Pending');
  });

  test('whose volume is gone is Lost', async () => {
    await volume('one');
    await claim('data', { storageClassName: '' });
    await world.until(bound('data'));
    await world.client.patch(VOLUMES, 'one', undefined, 'merge', { metadata: { finalizers: null } });
    await world.client.delete(VOLUMES, 'one');
    await world.until(() => seen('data')?.status?.phase === 'Lost');
  });
});
