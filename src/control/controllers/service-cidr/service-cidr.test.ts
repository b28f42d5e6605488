// ServiceCIDRs against the real API server: held by a finalizer, ready, and let go when no address is left behind.
// Knows the controller by what it writes.
import { afterEach, describe, expect, it } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import type { IpAddress, ServiceCidr } from '#kube/api/service-ranges.ts';
import { startWorld, type World } from '../testing/world.ts';
import { orphansOf } from './orphans.ts';

const RANGES = builtin('ServiceCIDR');

let world: World | undefined;
afterEach(() => world?.close());

const range = (name: string, ...cidrs: string[]): ServiceCidr => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name },
  spec: { cidrs },
});

it('holds every range, and lets one go when its last address is given back', async () => {
  world = await startWorld({ only: ['service-cidr'] });
  const { client, until } = world;
  const ranges = world.see<ServiceCidr>('ServiceCIDR');
  const addresses = world.see<IpAddress>('IPAddress');
  await client.create(RANGES, range('more', '127.98.0.0/24'));
  const ready = await until(() => {
    const found = ranges.get('more');
    return found?.status?.conditions?.[0]?.status === 'True' ? found : undefined;
  });
  expect(ready.metadata?.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer']);
  expect(ready.status?.conditions).toMatchObject([{ type: 'Ready', message: 'Kubernetes Service CIDR is ready' }]);
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP: '127.98.0.9', ports: [{ port: 80 }] },
  };
  await client.create(builtin('Service'), service);
  await until(() => addresses.get('127.98.0.9'));
  await client.delete(RANGES, 'more');
  const held = await until(() => {
    const found = ranges.get('more')?.status?.conditions?.[0];
    return found?.status === 'False' ? found : undefined;
  });
  expect(held).toMatchObject({
    reason: 'Terminating',
    message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
  });
  const again = { ...service, metadata: { name: 'late', namespace: 'default' } };
  await expect(client.create(builtin('Service'), again)).rejects.toThrow('does not match the current range');
  await client.delete(builtin('Service'), 'web', 'default');
  await until(() => ranges.get('more') === undefined);
}, 30_000);

describe('addresses without a range', () => {
  it.each<[string, string[], string[], string[], string[]]>([
    ['none when nothing is held', ['10.1.0.0/16'], [], [], []],
    ['those of the range that goes', ['10.1.0.0/16'], ['10.2.0.0/16'], ['10.1.0.9', '10.2.0.9'], ['10.1.0.9']],
    ['none when a wider range stays', ['10.1.0.0/16'], ['10.0.0.0/8'], ['10.1.0.9'], []],
    ['none when the same range stays', ['10.1.0.0/16'], ['10.1.0.0/16'], ['10.1.0.9'], []],
    ['those that a narrower range has not', ['10.1.0.0/16'], ['10.1.0.0/24'], ['10.1.0.9', '10.1.1.9'], ['10.1.1.9']],
    [
      'those of one family of two',
      ['10.1.0.0/16', 'fd00::/112'],
      ['10.1.0.0/16'],
      ['10.1.0.9', 'fd00::9'],
      ['fd00::9'],
    ],
  ])('are %s', (_, going, staying, held, expected) => {
    expect(orphansOf(going, staying, held)).toEqual(expected);
  });
});
