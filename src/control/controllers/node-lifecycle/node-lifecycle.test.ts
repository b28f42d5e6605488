// A node that falls silent and comes back, through the eyes of its pods, its Services and its user.
// The API server is real; the kubelets are played.
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { Event, Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { isPodReady, podCondition } from '../common/pods.ts';
import { startWorld, type World } from '../testing/world.ts';

const NODES = builtin('Node');
const LEASES = builtin('Lease');
const GRACE_MS = 1_500;

let world: World;
const beats = new Map<string, NodeJS.Timeout>();

beforeEach(async () => {
  const settings = { nodeMonitorPeriodMs: 100, nodeMonitorGraceMs: GRACE_MS, nodeEvictionRate: 10 };
  world = await startWorld({ nodes: ['node-1', 'node-2'], settings });
  await beat('node-1');
  await beat('node-2');
});
afterEach(async () => {
  for (const name of [...beats.keys()]) fallSilent(name);
  await world.close();
});

test('a silent node loses its endpoints at once, then its pods, and has its taints taken off when it returns', async () => {
  await world.client.create<Service>(builtin('Service'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  });
  await world.client.create(builtin('Deployment'), deployment(4, 1));
  await world.until(() => readyPods().length === 4 && readyEndpoints().length === 4);
  const lost = pods().filter((pod) => pod.spec?.nodeName === 'node-2');
  expect(lost.length).toBeGreaterThan(0);
  const lostUids = new Set(lost.map((pod) => pod.metadata?.uid));
  /** How each endpoint of the lost pods left: while the pod was still there, or only as it ended. */
  const left = new Set<string>();
  world.see<EndpointSlice>('EndpointSlice').onChange((_key, slice) => {
    for (const { conditions, targetRef } of slice?.endpoints ?? []) {
      if (conditions?.ready !== true && lostUids.has(targetRef?.uid))
        left.add(conditions?.terminating === true ? 'as it ended' : 'at once');
    }
  });

  silence('node-2');
  const unknown = await world.until(() => {
    const condition = node('node-2')?.status?.conditions?.find(({ type }) => type === 'Ready');
    return condition?.status === 'Unknown' ? condition : undefined;
  });
  expect(unknown).toMatchObject({ reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' });
  await world.until(() => readyEndpoints().every(({ nodeName }) => nodeName === 'node-1'));
  await world.until(() => left.has('at once'));
  await world.until(() => taintsOf('node-2').includes('node.kubernetes.io/unreachable:NoExecute'));
  expect(taintsOf('node-2')).toContain('node.kubernetes.io/unreachable:NoSchedule');

  // After the time they tolerate they are told to go, and are made anew elsewhere.
  await world.until(() => {
    const moved = readyPods().filter((pod) => pod.metadata?.deletionTimestamp === undefined);
    return moved.length === 4 && moved.every((pod) => pod.spec?.nodeName === 'node-1');
  });
  const leaving = pods().filter((pod) => lostUids.has(pod.metadata?.uid));
  expect(leaving.map((pod) => podCondition(pod, 'DisruptionTarget')?.reason)).toEqual(
    lost.map(() => 'DeletionByTaintManager'),
  );
  await world.until(() => ['NodeNotReady', 'TaintManagerEviction'].every((reason) => reasons().has(reason)));

  // The kubelet is back: it says so, and lets go of what was deleted meanwhile.
  muted.delete('node-2');
  world.kubelet.look();
  await beat('node-2');
  await setReady('node-2');
  await world.until(() => taintsOf('node-2').length === 0);
  await world.until(() => !pods().some((pod) => lostUids.has(pod.metadata?.uid)));
  expect(readyPods()).toHaveLength(4);
}, 30_000);

test('when every node is silent nobody is moved: the fault is more likely ours', async () => {
  await world.client.create(builtin('Deployment'), deployment(2, 5));
  await world.until(() => readyPods().length === 2);
  const before = pods().map((pod) => pod.metadata?.uid);
  silence('node-1');
  silence('node-2');
  const isUnknown = (name: string): boolean =>
    node(name)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') === true;
  await world.until(() => isUnknown('node-1') && isUnknown('node-2') && readyPods().length === 0);
  await world.until(() =>
    ['node-1', 'node-2'].every((name) => !taintsOf(name).some((taint) => taint.endsWith('NoExecute'))),
  );
  muted.clear();
  for (const name of ['node-1', 'node-2']) {
    await beat(name);
    await setReady(name);
  }
  world.kubelet.look();
  await world.until(() => readyPods().length === 2 && taintsOf('node-1').length + taintsOf('node-2').length === 0);
  expect(pods().map((pod) => pod.metadata?.uid)).toEqual(before);
}, 30_000);

test('cordon and pressure become taints, and go with what caused them', async () => {
  await world.client.patch(NODES, 'node-1', undefined, 'merge', { spec: { unschedulable: true } });
  const pressure = (status: string) =>
    world.client.patch(
      NODES,
      'node-1',
      undefined,
      'strategic',
      { status: { conditions: [{ type: 'MemoryPressure', status }] } },
      { subresource: 'status' },
    );
  await pressure('True');
  await world.until(() => taintsOf('node-1').length === 2);
  expect(taintsOf('node-1').sort()).toEqual([
    'node.kubernetes.io/memory-pressure:NoSchedule',
    'node.kubernetes.io/unschedulable:NoSchedule',
  ]);
  await world.client.patch(NODES, 'node-1', undefined, 'merge', { spec: { unschedulable: false } });
  await pressure('False');
  await world.until(() => taintsOf('node-1').length === 0);
});

test('a NoExecute taint of a user moves the pods that do not tolerate it', async () => {
  await world.client.create(builtin('Deployment'), deployment(2, 300));
  await world.until(() => readyPods().length === 2);
  const taints = [{ key: 'repair', effect: 'NoExecute' }];
  await world.client.patch(NODES, 'node-1', undefined, 'merge', { spec: { taints } });
  await world.until(() => readyPods().filter((pod) => pod.spec?.nodeName === 'node-2').length === 2);
});

/** Nodes whose kubelet reports nothing. */
const muted = new Set<string>();

function silence(name: string): void {
  muted.add(name);
  fallSilent(name);
  world.kubelet.speaks = (pod) => !muted.has(pod.spec?.nodeName ?? '');
}

function fallSilent(name: string): void {
  clearInterval(beats.get(name));
  beats.delete(name);
}

async function beat(name: string): Promise<void> {
  const renew = () => {
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: 1,
      renewTime: `${new Date().toISOString().slice(0, -1)}000Z`,
    };
    return world.client.patch(LEASES, name, 'kube-node-lease', 'merge', { spec });
  };
  const metadata = { name, namespace: 'kube-node-lease' };
  await renew().catch(() =>
    world.client.create<Lease>(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata }),
  );
  beats.set(
    name,
    setInterval(() => void renew().catch(() => {}), GRACE_MS / 10),
  );
}

function setReady(name: string): Promise<Node> {
  const now = new Date().toISOString();
  const condition = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now };
  const body = { status: { conditions: [condition] } };
  return world.client.patch<Node>(NODES, name, undefined, 'strategic', body, { subresource: 'status' });
}

const node = (name: string): Node | undefined => world.see<Node>('Node').get(name);
const taintsOf = (name: string): string[] =>
  (node(name)?.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
const pods = (): Pod[] => world.see<Pod>('Pod').list('default');
const readyPods = (): Pod[] => pods().filter(isPodReady);
const reasons = (): Set<string> =>
  new Set(
    world
      .see<Event>('Event')
      .list()
      .map(({ reason = '' }) => reason),
  );
const readyEndpoints = () =>
  world
    .see<EndpointSlice>('EndpointSlice')
    .list('default')
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions, targetRef }) => conditions?.ready === true && targetRef !== undefined);

function deployment(replicas: number, tolerationSeconds: number): Deployment {
  const tolerations = ['not-ready', 'unreachable'].map((what) => ({
    key: `node.kubernetes.io/${what}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { tolerations, containers: [{ name: 'web', image: 'web' }] },
      },
    },
  };
}
