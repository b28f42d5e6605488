// Pods looking for a node, against the real API server.
// Nodes are added by the test; no kubelet has to run.
import type { Event, Node, Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { podCondition } from '../common/pods.ts';
import { addNode } from '../testing/kubelet-player.ts';
import { startWorld, type World } from '../testing/world.ts';

const PODS = builtin('Pod');
let world: World;

beforeEach(async () => {
  world = await startWorld({ only: ['scheduler'], nodes: [] });
});
afterEach(async () => {
  await world.close();
});

async function create(name: string, cpu: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Promise<void> {
  const containers = [{ name: 'c', image: 'web', resources: { requests: { cpu } } }];
  const metadata = { name, namespace: 'default' };
  await world.client.create<Pod>(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers, ...spec } });
}

const podNamed = (name: string): Pod | undefined => world.see<Pod>('Pod').get(`default/${name}`);
const nodeOf = (name: string): string | undefined => podNamed(name)?.spec?.nodeName;
const eventsOf = (name: string): Event[] =>
  world
    .see<Event>('Event')
    .list('default')
    .filter((event) => event.involvedObject.name === name);

describe('the scheduler', () => {
  test('binds a pod, and says so in condition and event', async () => {
    await addNode(world.client, 'node-1');
    await create('a', '1');
    await world.until(() => nodeOf('a') === 'node-1');
    const event = await world.until(() => eventsOf('a').find(({ reason }) => reason === 'Scheduled'));
    expect(event).toMatchObject({ type: 'Normal', message: 'Successfully assigned default/a to node-1' });
    expect(podCondition(podNamed('a') ?? {}, 'PodScheduled')?.status).toBe('True');
  });

  test('tells why a pod fits nowhere, and binds it when room appears', async () => {
    await addNode(world.client, 'node-1', { cpu: '1' });
    await create('big', '2');
    const message =
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
    const condition = await world.until(() => podCondition(podNamed('big') ?? {}, 'PodScheduled'));
    expect(condition).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
    const event = await world.until(() => eventsOf('big').find(({ reason }) => reason === 'FailedScheduling'));
    expect(event).toMatchObject({ type: 'Warning', message });
    await addNode(world.client, 'node-2', { cpu: '4' });
    await world.until(() => nodeOf('big') === 'node-2');
  });

  test('leaves pods of another schedulerName alone', async () => {
    await addNode(world.client, 'node-1');
    await create('foreign', '1', { schedulerName: 'somebody-else' });
    await create('own', '1', { schedulerName: 'default-scheduler' });
    await world.until(() => nodeOf('own') === 'node-1');
    expect(podNamed('foreign')).toBeDefined();
    expect([nodeOf('foreign'), podCondition(podNamed('foreign') ?? {}, 'PodScheduled')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('never fills a node beyond what it has, however fast pods come', async () => {
    await addNode(world.client, 'node-1', { cpu: '2' });
    await addNode(world.client, 'node-2', { cpu: '2' });
    await world.until(() => world.see<Node>('Node').list().length === 2);
    await Promise.all(Array.from({ length: 6 }, (_, i) => create(`p${i}`, '1')));
    const placed = (): Pod[] =>
      world
        .see<Pod>('Pod')
        .list('default')
        .filter((pod) => pod.spec?.nodeName !== undefined);
    await world.until(() => placed().length === 4);
    await world.until(() => {
      const rejected = world
        .see<Pod>('Pod')
        .list('default')
        .filter((pod) => podCondition(pod, 'PodScheduled')?.status === 'False');
      return rejected.length === 2;
    });
    for (const node of ['node-1', 'node-2'])
      expect(placed().filter((pod) => pod.spec?.nodeName === node)).toHaveLength(2);
    await world.client.delete(PODS, placed()[0]?.metadata?.name ?? '', 'default', { gracePeriodSeconds: 0 });
    await world.until(() => placed().length === 4);
  });

  test('goes by node selector and leaves gated pods alone', async () => {
    await addNode(world.client, 'node-1');
    await addNode(world.client, 'node-2', {}, { disk: 'ssd' });
    await create('gated', '1', { schedulingGates: [{ name: 'wait.dev/here' }] });
    await create('picky', '1', { nodeSelector: { disk: 'ssd' } });
    await world.until(() => nodeOf('picky') === 'node-2');
    expect(nodeOf('gated')).toBeUndefined();
  });

  test('gives replicas that only have room for some to the more important pods first', async () => {
    await create('low', '2');
    await create('high', '2', { priorityClassName: 'system-cluster-critical' });
    const waits = (name: string): boolean => podCondition(podNamed(name) ?? {}, 'PodScheduled')?.status === 'False';
    await world.until(() => waits('low') && waits('high'));
    await addNode(world.client, 'node-1', { cpu: '2' });
    await world.until(() => nodeOf('high') === 'node-1');
    expect(nodeOf('low')).toBeUndefined();
  });

  test('a gate that is taken away lets the pod go', async () => {
    await addNode(world.client, 'node-1');
    await create('gated', '1', { schedulingGates: [{ name: 'wait.dev/here' }] });
    const condition = await world.until(() => podCondition(podNamed('gated') ?? {}, 'PodScheduled'));
    expect(condition).toMatchObject({
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    });
    await world.client.patch(PODS, 'gated', 'default', 'merge', { spec: { schedulingGates: null } });
    await world.until(() => nodeOf('gated') === 'node-1');
  });

  test('a pod whose claim is not bound says so', async () => {
    await addNode(world.client, 'node-1');
    await create('data', '1', { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'd' } }] });
    const message = (): string => podCondition(podNamed('data') ?? {}, 'PodScheduled')?.message ?? '';
    await world.until(() => message().startsWith('0/1 nodes are available: persistentvolumeclaim "d" not found.'));
  });
});
