// StatefulSets against the real API server; only the kubelet is played.
// What is asserted is what a user could see.
import type { ControllerRevision, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Event, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { startWorld, type World } from '../testing/world.ts';

const SETS = builtin('StatefulSet');
const PODS = builtin('Pod');
let world: World;
let dir: TempDir;

beforeEach(async () => {
  dir = tempDir('statefulset');
  world = await startWorld({
    only: ['statefulset', 'persistent-volume', 'scheduler', 'garbage-collector'],
    settings: { volumesDir: dir.path },
  });
  for (const kind of ['StatefulSet', 'ControllerRevision', 'PersistentVolumeClaim']) world.see(kind);
  await world.client.create<StorageClass>(builtin('StorageClass'), {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'evenkeel.dev/host-path',
  });
});
afterEach(async () => {
  await world.close();
  dir.remove();
});

type Spec = NonNullable<StatefulSet['spec']>;
const template = (image: string): Spec['template'] => ({
  metadata: { labels: { app: 'db' } },
  spec: { containers: [{ name: 'db', image }] },
});
const dataClaim: PersistentVolumeClaim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

function create(replicas: number, extra: Partial<Spec> = {}): Promise<StatefulSet> {
  const selector = { matchLabels: { app: 'db' } };
  const spec = { replicas, serviceName: 'db', selector, template: template('one'), ...extra };
  const metadata = { name: 'db', namespace: 'default' };
  return world.client.create<StatefulSet>(SETS, { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec });
}

const patch = (spec: object): Promise<unknown> => world.client.patch(SETS, 'db', 'default', 'merge', { spec });
const setImage = (image: string): Promise<unknown> => patch({ template: template(image) });
const live = (): StatefulSet | undefined => world.see<StatefulSet>('StatefulSet').get('default/db');
const pods = (): Pod[] => world.see<Pod>('Pod').list('default');
const pod = (ordinal: number): Pod | undefined => world.see<Pod>('Pod').get(`default/db-${ordinal}`);
const imageOf = (ordinal: number): string | undefined => pod(ordinal)?.spec?.containers[0]?.image;
const claims = (): string[] =>
  world
    .see<PersistentVolumeClaim>('PersistentVolumeClaim')
    .list('default')
    .map(({ metadata }) => metadata?.name ?? '')
    .sort();
const said = (reason: string): string[] =>
  world
    .see<Event>('Event')
    .list('default')
    .filter((event) => event.reason === reason)
    .map((event) => event.message ?? '');
const allReady = (count: number) => () => live()?.status?.readyReplicas === count && pods().length === count;

describe('a StatefulSet', () => {
  test('makes its pods one after another, with names, hosts, labels and claims of their own', async () => {
    world.kubelet.ready = (each) => each.metadata?.name === 'db-0';
    await create(3, { volumeClaimTemplates: [dataClaim], ordinals: { start: 0 } });
    await world.until(() => pod(1)?.status?.phase === 'Running');
    // The third waits for the second, however often the set is looked at.
    await world.restartControllers();
    await patch({ minReadySeconds: 0, revisionHistoryLimit: 5 });
    await world.until(() => live()?.status?.observedGeneration === live()?.metadata?.generation);
    expect(pod(2)).toBeUndefined();
    world.kubelet.ready = () => true;
    world.kubelet.look();
    await world.until(allReady(3));
    expect(pod(1)).toMatchObject({
      metadata: { labels: { 'statefulset.kubernetes.io/pod-name': 'db-1', 'apps.kubernetes.io/pod-index': '1' } },
      spec: { hostname: 'db-1', subdomain: 'db' },
    });
    expect(pod(1)?.spec?.volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } });
    expect(claims()).toEqual(['data-db-0', 'data-db-1', 'data-db-2']);
    expect(live()?.status).toMatchObject({ replicas: 3, currentReplicas: 3, updatedReplicas: 3, availableReplicas: 3 });
    await world.until(() => said('SuccessfulCreate').includes('create Pod db-2 in StatefulSet db successful'));
    expect(said('SuccessfulCreate')).toContain('create Claim data-db-2 Pod db-2 in StatefulSet db success');
  });

  test('shrinks from the top and keeps the claims, unless it is told to let them go', async () => {
    await create(3, { volumeClaimTemplates: [dataClaim] });
    await world.until(allReady(3));
    await patch({ replicas: 1 });
    await world.until(allReady(1));
    expect(pod(0)).toBeDefined();
    expect(claims()).toEqual(['data-db-0', 'data-db-1', 'data-db-2']);
    await patch({ replicas: 3, persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } });
    await world.until(allReady(3));
    await patch({ replicas: 1 });
    await world.until(() => claims().join() === 'data-db-0');
  });

  test('takes its claims along when it is deleted, if whenDeleted says so', async () => {
    await create(2, { volumeClaimTemplates: [dataClaim] });
    await world.until(allReady(2));
    await patch({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' } });
    const owners = (): string[] =>
      world
        .see<PersistentVolumeClaim>('PersistentVolumeClaim')
        .list('default')
        .flatMap(({ metadata }) => metadata?.ownerReferences?.map(({ kind }) => kind) ?? []);
    await world.until(() => owners().join() === 'StatefulSet,StatefulSet');
    await world.client.delete(SETS, 'db', 'default', { propagationPolicy: 'Background' });
    await world.until(() => pods().length === 0 && claims().length === 0);
  });

  test('rolls from the top down to its partition, and back with the revision it had', async () => {
    await create(3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await world.until(allReady(3));
    const first = live()?.status?.currentRevision;
    await setImage('two');
    await world.until(() => live()?.status?.updatedReplicas === 1 && live()?.status?.readyReplicas === 3);
    expect(imageOf(2)).toBe('two');
    expect([imageOf(0), imageOf(1)]).toEqual(['one', 'one']);
    expect(live()?.status).toMatchObject({ currentRevision: first, updatedReplicas: 1, currentReplicas: 2 });
    // A pod below the partition comes back as it was.
    const before = pod(0)?.metadata?.uid;
    await world.client.delete(PODS, 'db-0', 'default');
    await world.until(() => pod(0) !== undefined && pod(0)?.metadata?.uid !== before);
    expect(imageOf(0)).toBe('one');
    await patch({ updateStrategy: { rollingUpdate: { partition: 0 } } });
    await world.until(() => live()?.status?.currentRevision !== first && live()?.status?.currentReplicas === 3);
    expect([0, 1, 2].map(imageOf)).toEqual(['two', 'two', 'two']);
    await setImage('one');
    await world.until(() => live()?.status?.currentRevision === first && live()?.status?.updatedReplicas === 3);
    const revisions = world.see<ControllerRevision>('ControllerRevision').list('default');
    expect(revisions.map(({ revision }) => revision).sort()).toEqual([2, 3]);
    expect(revisions.find(({ revision }) => revision === 3)?.metadata?.name).toBe(first);
  });

  test('under OnDelete it leaves pods alone until somebody deletes them', async () => {
    await create(2, { updateStrategy: { type: 'OnDelete' }, podManagementPolicy: 'Parallel' });
    await world.until(allReady(2));
    await setImage('two');
    await world.until(() => live()?.status?.observedGeneration === 2);
    await world.client.delete(PODS, 'db-1', 'default');
    await world.until(() => imageOf(1) === 'two');
    expect(imageOf(0)).toBe('one');
  });

  test('makes a failed pod anew, under the same name', async () => {
    await create(1);
    await world.until(allReady(1));
    const before = pod(0)?.metadata?.uid;
    const status = { phase: 'Failed', reason: 'Evicted' };
    await world.client.patch(PODS, 'db-0', 'default', 'merge', { status }, { subresource: 'status' });
    await world.until(() => pod(0)?.metadata?.uid !== before && pod(0)?.status?.phase === 'Running');
    await world.until(() =>
      said('RecreatingFailedPod').includes('StatefulSet default/db is recreating failed Pod db-0'),
    );
  });

  test('counts from ordinals.start', async () => {
    await create(2, { ordinals: { start: 5 } });
    await world.until(allReady(2));
    expect([pod(5), pod(6)].every((each) => each !== undefined)).toBe(true);
  });
});
