// The old Endpoints form, and that it follows Services and pods.
// The last test runs against the real API server.
import type { Endpoints, Pod, Service } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startWorld } from '../testing/world.ts';
import { subsetsOf, truncate } from './subsets.ts';

const spec = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] };
const pod = (name: string, ip: string, ready: boolean, extra: object = {}): Pod => ({
  metadata: { name, namespace: 'default', uid: name, ...extra },
  status: { podIP: ip, phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

test('ready and not ready addresses stand apart; stopping and finished pods do not stand at all', () => {
  const pods = [
    pod('b', '127.244.0.3', false),
    pod('a', '127.244.0.2', true),
    pod('going', '127.244.0.4', true, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    { ...pod('done', '127.244.0.5', false), status: { phase: 'Succeeded', podIP: '127.244.0.5' } },
  ];
  expect(subsetsOf({ spec }, pods)).toEqual([
    {
      addresses: [{ ip: '127.244.0.2', targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'a' } }],
      notReadyAddresses: [{ ip: '127.244.0.3', targetRef: { kind: 'Pod', namespace: 'default', name: 'b', uid: 'b' } }],
      ports: [{ port: 8080, protocol: 'TCP' }],
    },
  ]);
  const all = subsetsOf({ spec: { ...spec, publishNotReadyAddresses: true } }, pods);
  expect(all[0]?.addresses?.map(({ ip }) => ip)).toEqual(['127.244.0.2', '127.244.0.3', '127.244.0.4']);
});

test('of two families, addresses are those of the Service’s first', () => {
  const both = pod('a', '10.244.0.2', true);
  const pods = [{ ...both, status: { ...both.status, podIPs: [{ ip: '10.244.0.2' }, { ip: 'fd00::2' }] } }];
  const ips = (ipFamilies: string[]) =>
    subsetsOf({ spec: { ...spec, ipFamilies } }, pods)[0]?.addresses?.map(({ ip }) => ip);
  expect(ips(['IPv4', 'IPv6'])).toEqual(['10.244.0.2']);
  expect(ips(['IPv6', 'IPv4'])).toEqual(['fd00::2']);
});

test('more than fit are cut, the ready ones last', () => {
  const subset = { addresses: [{ ip: '1' }, { ip: '2' }], notReadyAddresses: [{ ip: '3' }], ports: [{ port: 1 }] };
  expect(truncate([subset], 3)).toEqual({ subsets: [subset], cut: false });
  expect(truncate([subset], 1)).toEqual({ subsets: [{ addresses: [{ ip: '1' }], ports: [{ port: 1 }] }], cut: true });
});

test('Endpoints follow the pods of a Service and go with it', async () => {
  const world = await startWorld({ only: ['endpoints', 'scheduler'] });
  const endpoints = world.see<Endpoints>('Endpoints');
  const metadata = { name: 'web', namespace: 'default' };
  await world.client.create<Service>(builtin('Service'), { apiVersion: 'v1', kind: 'Service', metadata, spec });
  await world.client.create<Pod>(builtin('Pod'), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'web' }] },
  });
  const ready = await world.until(() => {
    const subset = endpoints.get('default/web')?.subsets?.[0];
    return subset?.addresses === undefined ? undefined : subset;
  });
  expect(ready).toMatchObject({
    addresses: [{ nodeName: 'node-1', targetRef: { name: 'a' } }],
    ports: [{ port: 8080 }],
  });
  await world.client.delete(builtin('Service'), 'web', 'default');
  await world.until(() => endpoints.get('default/web') === undefined);
  await world.close();
});
