// Deployments from manifest to running pods, against the real API server; only the kubelet is played.
// What is asserted is what a user could see.
import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { findCondition } from '../common/conditions.ts';
import { isPodReady } from '../common/pods.ts';
import { startWorld, type World } from '../testing/world.ts';
import { templateHash } from './revisions.ts';

const DEPLOYMENTS = builtin('Deployment');
const PODS = builtin('Pod');

let world: World;

beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.close();
});

function web(spec: Partial<NonNullable<Deployment['spec']>> = {}, image = 'shop/web:1'): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
      ...spec,
    },
  };
}

const live = (): Deployment | undefined => world.see<Deployment>('Deployment').get('default/web');
const sets = (): ReplicaSet[] => world.see<ReplicaSet>('ReplicaSet').list('default');
const pods = (): Pod[] => world.see<Pod>('Pod').list('default');
const imageOf = (pod: Pod): string | undefined => pod.spec?.containers[0]?.image;
const progressing = () => findCondition(live()?.status?.conditions, 'Progressing');

async function patch(body: object): Promise<Deployment> {
  const written = await world.client.patch<Deployment>(DEPLOYMENTS, 'web', 'default', 'strategic', body);
  // What the tests read afterwards must not be older than what they wrote.
  await world.until(() => (live()?.metadata?.generation ?? 0) >= (written.metadata?.generation ?? 0));
  return written;
}

async function setImage(image: string): Promise<Deployment> {
  return patch({ spec: { template: { spec: { containers: [{ name: 'web', image }] } } } });
}

/** What kubectl rollout status waits for. */
function rolledOut(image?: string): Promise<Deployment> {
  return world.until(() => {
    const deployment = live();
    const { status, spec, metadata } = deployment ?? {};
    const replicas = spec?.replicas ?? 1;
    const done =
      (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 1) &&
      (status?.updatedReplicas ?? 0) === replicas &&
      (status?.replicas ?? 0) === replicas &&
      (status?.availableReplicas ?? 0) === replicas;
    const template = spec?.template?.spec?.containers[0]?.image;
    return done && (image === undefined || template === image) ? deployment : undefined;
  });
}

describe('a Deployment', () => {
  test('comes up with the pods it asks for, conditions and revision', async () => {
    await world.client.create(DEPLOYMENTS, web());
    await rolledOut();
    const deployment = await world.until(() =>
      progressing()?.reason === 'NewReplicaSetAvailable' ? live() : undefined,
    );
    expect(pods()).toHaveLength(3);
    expect(findCondition(deployment.status?.conditions, 'Available')).toMatchObject({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
    const [set] = sets();
    expect(progressing()?.message).toBe(`ReplicaSet "${set?.metadata?.name}" has successfully progressed.`);
    expect(deployment.metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(pods().every((pod) => pod.metadata?.labels?.['pod-template-hash'] !== undefined)).toBe(true);
    const event = await world.until(() =>
      world
        .see<Event>('Event')
        .list('default')
        .find((found) => found.reason === 'ScalingReplicaSet'),
    );
    expect(event.message).toBe(`Scaled up replica set ${set?.metadata?.name} from 0 to 3`);
  });

  test('rolls to a new template without ever falling below its limits', async () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    await world.client.create(DEPLOYMENTS, web({ strategy }));
    await rolledOut();
    let fewest = Number.POSITIVE_INFINITY;
    let most = 0;
    world.see<Pod>('Pod').onChange(() => {
      const active = pods().filter((pod) => pod.metadata?.deletionTimestamp === undefined);
      fewest = Math.min(fewest, active.filter(isPodReady).length);
      most = Math.max(most, active.length);
    });
    await setImage('shop/web:2');
    await rolledOut('shop/web:2');
    await world.until(() => pods().length === 3 && pods().every((pod) => imageOf(pod) === 'shop/web:2'));
    expect(fewest).toBe(3);
    expect(most).toBe(4);
    expect(live()?.metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
  });

  test('goes back to an earlier template under a new revision, as rollout undo asks', async () => {
    await world.client.create(DEPLOYMENTS, web());
    await rolledOut();
    const first = sets()[0]?.metadata?.name;
    await setImage('shop/web:2');
    await rolledOut('shop/web:2');
    await setImage('shop/web:1');
    await rolledOut('shop/web:1');
    const set = await world.until(() =>
      sets().find((found) => found.metadata?.annotations?.['deployment.kubernetes.io/revision'] === '3'),
    );
    expect(set.metadata?.name).toBe(first);
    expect(set.metadata?.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1');
    expect(sets()).toHaveLength(2);
  });

  test('keeps as many old ReplicaSets as its history limit says', async () => {
    await world.client.create(DEPLOYMENTS, web({ replicas: 1, revisionHistoryLimit: 1 }));
    await rolledOut();
    for (const image of ['shop/web:2', 'shop/web:3', 'shop/web:4']) {
      await setImage(image);
      await rolledOut(image);
    }
    await world.until(() => sets().length === 2);
    const revisions = sets().map((set) => set.metadata?.annotations?.['deployment.kubernetes.io/revision']);
    expect(revisions.sort()).toEqual(['3', '4']);
  });

  test('follows its scale up and down', async () => {
    await world.client.create(DEPLOYMENTS, web({ replicas: 2 }));
    await rolledOut();
    await patch({ spec: { replicas: 6 } });
    await rolledOut();
    expect(pods()).toHaveLength(6);
    await patch({ spec: { replicas: 2 } });
    await world.until(() => pods().length === 2);
    await rolledOut();
    expect(sets()[0]?.metadata?.annotations?.['deployment.kubernetes.io/desired-replicas']).toBe('2');
  });

  test('replaces a pod that is deleted', async () => {
    await world.client.create(DEPLOYMENTS, web());
    await rolledOut();
    const victim = pods()[0]?.metadata?.name ?? '';
    await world.client.delete(PODS, victim, 'default');
    await world.until(() => {
      const names = pods().map((pod) => pod.metadata?.name);
      return names.length === 3 && !names.includes(victim) && pods().every(isPodReady);
    });
  });

  test('changes nothing but its scale while paused', async () => {
    await world.client.create(DEPLOYMENTS, web({ replicas: 2 }));
    await rolledOut();
    await patch({ spec: { paused: true } });
    await world.until(() => progressing()?.reason === 'DeploymentPaused');
    await setImage('shop/web:2');
    await patch({ spec: { replicas: 4 } });
    await world.until(() => pods().filter(isPodReady).length === 4);
    expect(pods().every((pod) => imageOf(pod) === 'shop/web:1')).toBe(true);
    await patch({ spec: { paused: false } });
    await rolledOut('shop/web:2');
  });

  test('Recreate starts no new pod before the last old one is gone', async () => {
    await world.client.create(DEPLOYMENTS, web({ strategy: { type: 'Recreate' } }));
    await rolledOut();
    let mixed = false;
    world.see<Pod>('Pod').onChange(() => {
      mixed ||= new Set(pods().map(imageOf)).size > 1;
    });
    world.kubelet.letGo = false;
    await setImage('shop/web:2');
    await world.until(() => pods().every((pod) => pod.metadata?.deletionTimestamp !== undefined));
    world.kubelet.letGo = true;
    world.kubelet.look();
    await rolledOut('shop/web:2');
    expect(mixed).toBe(false);
  });

  test('says when a rollout has not moved within its deadline, and leaves the old pods serving', async () => {
    await world.client.create(DEPLOYMENTS, web({ progressDeadlineSeconds: 2, minReadySeconds: 0 }));
    await rolledOut();
    world.kubelet.ready = (pod) => imageOf(pod) !== 'shop/web:broken';
    await setImage('shop/web:broken');
    const late = await world.until(() =>
      progressing()?.reason === 'ProgressDeadlineExceeded' ? progressing() : undefined,
    );
    expect(late).toMatchObject({ status: 'False' });
    expect(late.message).toMatch(/^ReplicaSet "web-\w+" has timed out progressing\.$/);
    expect(pods().filter((pod) => imageOf(pod) === 'shop/web:1' && isPodReady(pod))).toHaveLength(3);
  });

  test('shares a change of scale between the sets of a rollout that is under way', async () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } };
    await world.client.create(DEPLOYMENTS, web({ replicas: 4, strategy }));
    await rolledOut();
    world.kubelet.ready = (pod) => imageOf(pod) !== 'shop/web:stuck';
    await setImage('shop/web:stuck');
    const count = (image: string): number => pods().filter((pod) => imageOf(pod) === image).length;
    await world.until(() => count('shop/web:1') === 4 && count('shop/web:stuck') === 2);
    await patch({ spec: { replicas: 10 } });
    await world.until(() => pods().length === 12);
    expect([count('shop/web:1'), count('shop/web:stuck')]).toEqual([8, 4]);
  });

  test('finds another name when its hash is taken by a stranger', async () => {
    const { spec } = web();
    const name = `web-${templateHash((await world.client.create<Deployment>(DEPLOYMENTS, web(), { dryRun: true })).spec?.template)}`;
    await world.client.create<ReplicaSet>(builtin('ReplicaSet'), {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, namespace: 'default' },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'stranger' } },
        template: { ...spec?.template, metadata: { labels: { app: 'stranger' } } },
      },
    });
    await world.client.create(DEPLOYMENTS, web());
    const deployment = await rolledOut();
    expect(deployment.status?.collisionCount).toBe(1);
    expect(sets()).toHaveLength(2);
  });

  test('adopts a ReplicaSet that has lost its owner', async () => {
    await world.client.create(DEPLOYMENTS, web());
    await rolledOut();
    const set = sets()[0];
    await world.client.patch(builtin('ReplicaSet'), set?.metadata?.name ?? '', 'default', 'merge', {
      metadata: { ownerReferences: null },
    });
    const adopted = await world.until(() =>
      sets().find((found) => found.metadata?.ownerReferences?.[0]?.kind === 'Deployment'),
    );
    expect(adopted.metadata?.uid).toBe(set?.metadata?.uid);
    expect(pods()).toHaveLength(3);
  });
});
