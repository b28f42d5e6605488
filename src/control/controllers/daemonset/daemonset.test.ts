// DaemonSets against the real API server and scheduler; only the kubelets are played.
// What is asserted is what a user could see.
import type { ControllerRevision, DaemonSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { addNode } from '../testing/kubelet-player.ts';
import { startWorld, type World } from '../testing/world.ts';

const SETS = builtin('DaemonSet');
const PODS = builtin('Pod');
const NODES = builtin('Node');
let world: World;

beforeEach(async () => {
  world = await startWorld({ only: ['daemonset', 'scheduler', 'garbage-collector'], nodes: ['a', 'b', 'c'] });
  for (const kind of ['DaemonSet', 'ControllerRevision']) world.see(kind);
});
afterEach(async () => {
  await world.close();
});

type Spec = NonNullable<DaemonSet['spec']>;
const template = (image: string, spec: object = {}): Spec['template'] => ({
  metadata: { labels: { app: 'agent' } },
  spec: { containers: [{ name: 'agent', image }], ...spec },
});

function create(extra: Partial<Spec> = {}): Promise<DaemonSet> {
  const spec = { selector: { matchLabels: { app: 'agent' } }, template: template('one'), ...extra };
  const metadata = { name: 'agent', namespace: 'default' };
  return world.client.create<DaemonSet>(SETS, { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec });
}

const live = (): DaemonSet | undefined => world.see<DaemonSet>('DaemonSet').get('default/agent');
const pods = (): Pod[] => world.see<Pod>('Pod').list('default');
const on = (node: string): Pod[] => pods().filter((pod) => pod.spec?.nodeName === node);
const places = (): string =>
  pods()
    .map((pod) => pod.spec?.nodeName)
    .sort()
    .join();
const images = (): string[] => pods().map((pod) => pod.spec?.containers[0]?.image ?? '');
const setImage = (image: string): Promise<unknown> =>
  world.client.patch(SETS, 'agent', 'default', 'merge', { spec: { template: template(image) } });
const rolled = (count: number) => () =>
  live()?.status?.observedGeneration === live()?.metadata?.generation &&
  live()?.status?.updatedNumberScheduled === count &&
  live()?.status?.numberAvailable === count &&
  pods().length === count;

describe('a DaemonSet', () => {
  test('puts one pod on every node, on nodes that come later and on cordoned ones', async () => {
    await world.client.patch(NODES, 'c', undefined, 'merge', { spec: { unschedulable: true } });
    await create();
    await world.until(() => live()?.status?.numberReady === 3);
    expect(places()).toBe('a,b,c');
    await addNode(world.client, 'd');
    await world.until(() => live()?.status?.numberReady === 4);
    expect(places()).toBe('a,b,c,d');
    expect(live()?.status).toMatchObject({
      desiredNumberScheduled: 4,
      currentNumberScheduled: 4,
      numberMisscheduled: 0,
    });
    const [pod] = on('a');
    const term =
      pod?.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0];
    expect(term).toEqual({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] });
    expect(pod?.spec?.tolerations).toContainEqual({
      key: 'node.kubernetes.io/unschedulable',
      operator: 'Exists',
      effect: 'NoSchedule',
    });
  });

  test('follows the labels and taints of nodes', async () => {
    await world.client.patch(NODES, 'a', undefined, 'merge', { metadata: { labels: { role: 'edge' } } });
    await create({ template: template('one', { nodeSelector: { role: 'edge' } }) });
    await world.until(() => live()?.status?.numberReady === 1);
    expect(places()).toBe('a');
    await world.client.patch(NODES, 'b', undefined, 'merge', { metadata: { labels: { role: 'edge' } } });
    await world.until(() => places() === 'a,b');
    await world.client.patch(NODES, 'a', undefined, 'merge', { metadata: { labels: { role: null } } });
    await world.until(() => places() === 'b');
    const taints = [{ key: 'keep-out', effect: 'NoExecute' }];
    await world.client.patch(NODES, 'b', undefined, 'merge', { spec: { taints } });
    await world.until(() => pods().length === 0);
  });

  test('rolls node by node, and stops where a new pod does not get ready', async () => {
    await create();
    await world.until(rolled(3));
    world.kubelet.ready = (pod) => pod.spec?.containers[0]?.image !== 'bad';
    await setImage('bad');
    await world.until(() => images().includes('bad') && live()?.status?.numberUnavailable === 1);
    expect(images().filter((image) => image === 'one')).toHaveLength(2);
    await setImage('two');
    await world.until(rolled(3));
    expect(new Set(images())).toEqual(new Set(['two']));
  });

  test('with maxSurge has the new pod ready before the old one goes', async () => {
    await create({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    await world.until(rolled(3));
    world.kubelet.ready = (pod) => pod.spec?.containers[0]?.image !== 'two';
    await setImage('two');
    await world.until(() => pods().length === 4 && images().includes('two'));
    expect(live()?.status?.numberAvailable).toBe(3);
    world.kubelet.ready = () => true;
    world.kubelet.look();
    await world.until(() => rolled(3)() && images().every((image) => image === 'two'));
  });

  test('under OnDelete it waits until somebody deletes a pod', async () => {
    await create({ updateStrategy: { type: 'OnDelete' } });
    await world.until(rolled(3));
    await setImage('two');
    await world.until(() => live()?.status?.observedGeneration === 2);
    await world.client.delete(PODS, on('b')[0]?.metadata?.name ?? '', 'default');
    await world.until(() => on('b')[0]?.spec?.containers[0]?.image === 'two');
    expect([on('a'), on('c')].map(([pod]) => pod?.spec?.containers[0]?.image)).toEqual(['one', 'one']);
  });

  test('calls a pod available after minReadySeconds, and waits for that as it rolls', async () => {
    await create({ minReadySeconds: 3600 });
    await world.until(() => live()?.status?.numberReady === 3);
    expect(live()?.status).toMatchObject({ numberUnavailable: 3 });
    expect(live()?.status?.numberAvailable ?? 0).toBe(0);
    await world.client.patch(SETS, 'agent', 'default', 'merge', { spec: { minReadySeconds: 0 } });
    await world.until(() => live()?.status?.numberAvailable === 3);
  });

  test('keeps as many former revisions as its revisionHistoryLimit says', async () => {
    await create({ revisionHistoryLimit: 1 });
    await world.until(rolled(3));
    const revisions = (): number[] =>
      world
        .see<ControllerRevision>('ControllerRevision')
        .list('default')
        .map(({ revision }) => revision)
        .sort();
    for (const image of ['two', 'three']) {
      await setImage(image);
      await world.until(() => rolled(3)() && images().every((each) => each === image));
    }
    await world.until(() => revisions().join() === '2,3');
  });

  test('replaces a pod that failed', async () => {
    await create();
    await world.until(rolled(3));
    const name = on('a')[0]?.metadata?.name ?? '';
    await world.client.patch(
      PODS,
      name,
      'default',
      'merge',
      { status: { phase: 'Failed' } },
      { subresource: 'status' },
    );
    await world.until(() => on('a').length === 1 && on('a')[0]?.metadata?.name !== name);
  });
});
