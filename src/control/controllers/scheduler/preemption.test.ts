// Important pods taking the place of others, against the real API server.
// Nodes are added by the test, and a played kubelet lets deleted pods go.
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { podCondition } from '../common/pods.ts';
import { addNode } from '../testing/kubelet-player.ts';
import { startWorld, type World } from '../testing/world.ts';

const PODS = builtin('Pod');
let world: World;

beforeEach(async () => {
  world = await startWorld({ only: ['scheduler', 'disruption'], nodes: [] });
  for (const [name, value, preemptionPolicy] of [
    ['low', 1, 'PreemptLowerPriority'],
    ['high', 1000, 'PreemptLowerPriority'],
    ['polite', 1000, 'Never'],
  ] as const) {
    const object: PriorityClass = {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
      preemptionPolicy,
    };
    await world.client.create(builtin('PriorityClass'), object);
  }
});
afterEach(async () => {
  await world.close();
});

async function create(name: string, priorityClassName: string, cpu = '2', more: Partial<Pod['spec']> = {}) {
  const containers = [{ name: 'c', image: 'web', resources: { requests: { cpu } } }];
  const metadata = { name, namespace: 'default', labels: { app: name } };
  const spec = { containers, priorityClassName, ...more };
  return world.client.create<Pod>(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
}

const podNamed = (name: string): Pod | undefined => world.see<Pod>('Pod').get(`default/${name}`);
const nodeOf = (name: string): string | undefined => podNamed(name)?.spec?.nodeName;
const messageOf = (name: string): string => podCondition(podNamed(name) ?? {}, 'PodScheduled')?.message ?? '';
const event = (name: string, reason: string): Event | undefined =>
  world
    .see<Event>('Event')
    .list('default')
    .find((each) => each.involvedObject.name === name && each.reason === reason);

test('an important pod takes the place of a lesser one, which is told so', async () => {
  await addNode(world.client, 'node-1', { cpu: '2' });
  world.kubelet.letGo = false;
  await create('victim', 'low');
  await world.until(() => nodeOf('victim') === 'node-1');
  const { metadata } = await create('boss', 'high');
  const going = await world.until(() => {
    const pod = podNamed('victim');
    return pod?.metadata?.deletionTimestamp === undefined ? undefined : pod;
  });
  expect(podCondition(going, 'DisruptionTarget')).toMatchObject({
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: 'default-scheduler: preempting to accommodate a higher priority pod',
  });
  await world.until(() => podNamed('boss')?.status?.nominatedNodeName === 'node-1');
  expect(nodeOf('boss')).toBeUndefined();
  const told = await world.until(() => event('victim', 'Preempted'));
  expect(told.message).toBe(`Preempted by pod ${metadata?.uid} on node node-1`);
  // The room is the promised one's, also against somebody who comes later and would fit.
  await create('late', 'low');
  await world.until(() => messageOf('late') !== '');
  world.kubelet.letGo = true;
  world.kubelet.look();
  await world.until(() => nodeOf('boss') === 'node-1');
  expect(nodeOf('late')).toBeUndefined();
});

test('a pod that is not to preempt waits, and says why', async () => {
  await addNode(world.client, 'node-1', { cpu: '2' });
  await create('first', 'low');
  await world.until(() => nodeOf('first') === 'node-1');
  await create('guest', 'polite');
  await world.until(() => messageOf('guest') !== '');
  expect(messageOf('guest')).toBe(
    '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
  );
  await create('equal', 'low');
  await world.until(() => messageOf('equal') !== '');
  expect(messageOf('equal')).toBe(
    '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  );
  expect(podNamed('first')?.metadata?.deletionTimestamp).toBeUndefined();
});

test('of two victims the one without a budget goes', async () => {
  await addNode(world.client, 'node-1', { cpu: '2' });
  await addNode(world.client, 'node-2', { cpu: '2' });
  await create('guarded', 'low');
  await create('free', 'low');
  await world.until(() => nodeOf('guarded') !== undefined && nodeOf('free') !== undefined);
  const budgets = world.informers.of<PodDisruptionBudget>(builtin('PodDisruptionBudget'));
  const budget: PodDisruptionBudget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'guard', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
  };
  await world.client.create(builtin('PodDisruptionBudget'), budget);
  budgets.onChange(() => world.kubelet.look());
  await budgets.synced();
  await create('boss', 'high');
  await world.until(() => nodeOf('boss') !== undefined);
  expect(podNamed('guarded')).toBeDefined();
  expect(podNamed('free')).toBeUndefined();
});
