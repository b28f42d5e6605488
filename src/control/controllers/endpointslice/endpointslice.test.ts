// Services, pods and the slices that tell of them, against the real API server.
// Only the kubelet is played.
import type { Pod, Service } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startWorld, type World } from '../testing/world.ts';

const PODS = builtin('Pod');
const SERVICES = builtin('Service');

let world: World;

beforeEach(async () => {
  world = await startWorld({ only: ['endpointslice', 'scheduler'] });
});
afterEach(async () => {
  await world.close();
});

function pod(name: string, port = 8080): Pod {
  const containers = [{ name: 'web', image: 'web', ports: [{ name: 'http', containerPort: port }] }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { containers },
  };
}

function service(spec: Partial<NonNullable<Service['spec']>> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default', labels: { team: 'shop' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  };
}

const slices = (): EndpointSlice[] =>
  world
    .see<EndpointSlice>('EndpointSlice')
    .list('default')
    .filter((slice) => slice.metadata?.labels?.['kubernetes.io/service-name'] === 'web');
const endpoints = (): Endpoint[] => slices().flatMap((slice) => slice.endpoints ?? []);
const endpointOf = (name: string): Endpoint | undefined =>
  endpoints().find((endpoint) => endpoint.targetRef?.name === name);

describe('EndpointSlices of a Service', () => {
  test('list its ready pods with address, node, target and resolved port', async () => {
    await world.client.create(SERVICES, service());
    const created = await world.client.create<Pod>(PODS, pod('a'));
    const endpoint = await world.until(() => (endpointOf('a')?.conditions?.ready ? endpointOf('a') : undefined));
    expect(endpoint).toMatchObject({
      addresses: [expect.stringMatching(/^127\.244\.0\.\d+$/)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', name: 'a', namespace: 'default', uid: created.metadata?.uid },
    });
    const slice = slices().find((found) => found.endpoints?.length === 1);
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      metadata: {
        labels: {
          team: 'shop',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', name: 'web', controller: true, blockOwnerDeletion: true }],
      },
    });
  });

  test('are one empty slice while there is no pod', async () => {
    await world.client.create(SERVICES, service());
    await world.until(() => slices().length === 1);
    expect(endpoints()).toEqual([]);
    await world.client.create(PODS, pod('a'));
    await world.until(() => endpointOf('a')?.conditions?.ready);
    await world.client.delete(PODS, 'a', 'default');
    await world.until(() => endpoints().length === 0 && slices().length === 1);
  });

  test('follow readiness, and mark a pod that is stopping as serving but no longer ready', async () => {
    await world.client.create(SERVICES, service());
    await world.client.create(PODS, pod('a'));
    await world.until(() => endpointOf('a')?.conditions?.ready);
    world.kubelet.ready = () => false;
    world.kubelet.look();
    await world.until(() => endpointOf('a')?.conditions?.serving === false);
    expect(endpointOf('a')?.conditions).toEqual({ ready: false, serving: false, terminating: false });
    world.kubelet.ready = () => true;
    world.kubelet.look();
    await world.until(() => endpointOf('a')?.conditions?.ready);
    world.kubelet.letGo = false;
    await world.client.delete(PODS, 'a', 'default', { gracePeriodSeconds: 30 });
    await world.until(() => endpointOf('a')?.conditions?.terminating);
    expect(endpointOf('a')?.conditions).toEqual({ ready: false, serving: true, terminating: true });
  });

  test('call every address ready when the Service publishes those that are not', async () => {
    world.kubelet.ready = () => false;
    await world.client.create(SERVICES, service({ clusterIP: 'None', publishNotReadyAddresses: true }));
    await world.client.create(PODS, pod('a'));
    await world.until(() => endpointOf('a')?.conditions?.ready);
    expect(endpointOf('a')?.conditions).toEqual({ ready: true, serving: false, terminating: false });
    expect(slices()[0]?.metadata?.labels?.['service.kubernetes.io/headless']).toBe('');
  });

  test('are split by port when a named port means different numbers on different pods', async () => {
    await world.client.create(SERVICES, service());
    await world.client.create(PODS, pod('a', 8080));
    await world.client.create(PODS, pod('b', 9090));
    await world.until(() => endpointOf('a')?.conditions?.ready && endpointOf('b')?.conditions?.ready);
    const byPort = slices().map((slice) => [slice.ports?.[0]?.port, slice.endpoints?.[0]?.targetRef?.name]);
    expect(byPort.sort()).toEqual([
      [8080, 'a'],
      [9090, 'b'],
    ]);
  });

  test('are left alone when the Service has no selector', async () => {
    await world.client.create(SERVICES, {
      ...service({ selector: {} }),
      metadata: { name: 'manual', namespace: 'default' },
    });
    await world.client.create(SERVICES, service());
    await world.until(() => slices().length === 1);
    const all = world.see<EndpointSlice>('EndpointSlice').list('default');
    expect(all.some((slice) => slice.metadata?.labels?.['kubernetes.io/service-name'] === 'manual')).toBe(false);
  });
});
