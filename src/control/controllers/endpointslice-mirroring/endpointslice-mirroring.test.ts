// Endpoints written by hand, and the slices that follow them, against the real API server.
// No pods.
import type { EndpointSubset, Endpoints, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startWorld, type World } from '../testing/world.ts';
import { mirroredSlices } from './desired.ts';

const metadata = { name: 'db', namespace: 'default' };
const subset: EndpointSubset = { addresses: [{ ip: '192.0.2.1' }], ports: [{ name: 'sql', port: 5432 }] };

let world: World;
beforeEach(async () => {
  world = await startWorld({ only: ['endpointslice', 'endpointslice-mirroring'] });
});
afterEach(() => world.close());

const slices = (): EndpointSlice[] =>
  world
    .see<EndpointSlice>('EndpointSlice')
    .list('default')
    .filter((slice) => slice.metadata?.labels?.['kubernetes.io/service-name'] === 'db');

async function create(selector?: Record<string, string>, labels: Record<string, string> = {}): Promise<void> {
  const spec = { ports: [{ name: 'sql', port: 5432 }], ...(selector === undefined ? {} : { selector }) };
  await world.client.create<Service>(builtin('Service'), { apiVersion: 'v1', kind: 'Service', metadata, spec });
  await world.client.create<Endpoints>(builtin('Endpoints'), {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...metadata, labels },
    subsets: [subset],
  });
}

test('Endpoints of a Service without a selector are a slice that follows them', async () => {
  await create(undefined, { team: 'data' });
  const slice = await world.until(() => slices()[0]);
  expect(slice).toMatchObject({
    addressType: 'IPv4',
    ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
    metadata: {
      labels: { team: 'data', 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' },
      ownerReferences: [{ kind: 'Endpoints', name: 'db', controller: true }],
    },
  });
  const changed = [{ ...subset, notReadyAddresses: [{ ip: '192.0.2.2' }] }];
  await world.client.patch(builtin('Endpoints'), 'db', 'default', 'merge', { subsets: changed });
  await world.until(() => slices()[0]?.endpoints?.length === 2 && slices().length === 1);
  await world.client.delete(builtin('Endpoints'), 'db', 'default');
  await world.until(() => slices().length === 0);
});

test('Endpoints that ask to be left alone are no slice until they ask no more', async () => {
  const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
  await create(undefined, { [SKIP]: 'true' });
  await world.client.patch(builtin('Endpoints'), 'db', 'default', 'merge', { metadata: { labels: { late: 'yes' } } });
  await world.client.patch(builtin('Endpoints'), 'db', 'default', 'merge', { metadata: { labels: { [SKIP]: null } } });
  const slice = await world.until(() => slices()[0]);
  expect(slice.metadata?.labels).not.toHaveProperty(SKIP);
});

test('Endpoints of a Service with a selector are no slice: it has its own', async () => {
  await create({ app: 'db' });
  await world.until(() => slices().length === 1);
  expect(slices()[0]?.metadata?.labels?.['endpointslice.kubernetes.io/managed-by']).toBe(
    'endpointslice-controller.k8s.io',
  );
});

test('families and ports stand apart, an address stands once, and ready where it is both', () => {
  const two = {
    ...subset,
    addresses: [{ ip: '192.0.2.1' }, { ip: 'fd00::1' }],
    notReadyAddresses: [{ ip: '192.0.2.1' }],
  };
  const found = mirroredSlices({
    subsets: [two, { addresses: [{ ip: 'x' }, { ip: '192.0.2.3' }], ports: [{ port: 1 }] }],
  });
  expect(found.map(({ addressType, ports, endpoints }) => [addressType, ports[0]?.port, endpoints])).toEqual([
    ['IPv4', 5432, [{ addresses: ['192.0.2.1'], conditions: { ready: true } }]],
    ['IPv6', 5432, [{ addresses: ['fd00::1'], conditions: { ready: true } }]],
    ['IPv4', 1, [{ addresses: ['192.0.2.3'], conditions: { ready: true } }]],
  ]);
});
