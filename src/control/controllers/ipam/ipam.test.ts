// Addresses for Services at the real API server: given, kept over restarts, shared, given back, and told of.
// What is given to whom is tried in allocator.test.ts.
import { readFileSync } from 'node:fs';
import type { Event, Service, ServiceSpec } from 'kubernetes-types/core/v1.js';
import { afterEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { loadBalancerDefinitions, loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { AddressPool, IPAddressPool } from '#kube/api/load-balancer/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { startWorld, type World, type WorldOptions } from '../testing/world.ts';

const POOLS = loadBalancerResource('AddressPool');
const IP_POOLS = loadBalancerResource('IPAddressPool');
const CONDITION = 'evenkeel.dev/AddressAssigned';
/** As many other tests may run beside this one. */
const PATIENCE = { timeout: 30_000, interval: 20 };

let world: World | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function begin(options: WorldOptions = {}): Promise<World> {
  world = await startWorld({ only: ['ipam'], ...options });
  for (const definition of loadBalancerDefinitions)
    await world.client.create(builtin('CustomResourceDefinition'), definition);
  return world;
}

async function addPool(client: Client, name: string, addresses: string[], more: object = {}): Promise<void> {
  const object = {
    apiVersion: 'evenkeel.dev/v1alpha1',
    kind: 'AddressPool',
    metadata: { name },
    spec: { addresses, ...more },
  };
  // A definition is served a moment after it is there.
  await vi.waitFor(() => client.create<AddressPool>(POOLS, object), PATIENCE);
}

function addService(
  client: Client,
  name: string,
  spec: ServiceSpec = {},
  annotations = {},
): Promise<Service & KubeObject> {
  return client.create(builtin('Service'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', annotations },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], selector: { app: name }, ...spec },
  });
}

function changeService(client: Client, name: string, patch: object): Promise<Service & KubeObject> {
  return client.patch(builtin('Service'), name, 'default', 'merge', patch);
}

function addressOf(service: Service | undefined): string | undefined {
  return service?.status?.loadBalancer?.ingress?.map(({ ip }) => ip).join(',');
}

function conditionOf(service: Service | undefined): { status: string; reason: string; message: string } | undefined {
  return service?.status?.conditions?.find(({ type }) => type === CONDITION);
}

function address({ see, until }: World, name: string, wanted?: string): Promise<string> {
  const services = see<Service & KubeObject>('Service');
  return until(() => {
    const found = addressOf(services.get(`default/${name}`));
    return wanted === undefined || found === wanted ? found : undefined;
  });
}

function event({ see, until }: World, name: string, reason: string): Promise<Event> {
  const events = see<Event>('Event');
  return until(() => events.list().find((one) => one.involvedObject.name === name && one.reason === reason));
}

test('a Service gets an address, a condition and an event, and gives the address back when it goes', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.7/32']);
  await addService(here.client, 'web');
  expect(await address(here, 'web')).toBe('192.0.2.7');
  const service = here.see<Service & KubeObject>('Service').get('default/web');
  expect(service?.status?.loadBalancer?.ingress).toEqual([{ ip: '192.0.2.7', ipMode: 'VIP' }]);
  expect(service?.metadata?.annotations?.['evenkeel.dev/ip-allocated-from-pool']).toBe('one');
  expect(conditionOf(service)).toMatchObject({
    status: 'True',
    reason: 'Assigned',
    message: '192.0.2.7 of pool "one"',
  });
  expect((await event(here, 'web', 'IPAllocated')).message).toBe('Assigned IP ["192.0.2.7"] of pool "one"');

  await addService(here.client, 'late');
  const told = await event(here, 'late', 'PoolExhausted');
  expect(told).toMatchObject({ type: 'Warning', source: { component: 'evenkeel-ipam' } });
  await here.client.delete(builtin('Service'), 'web', 'default');
  expect(await address(here, 'late')).toBe('192.0.2.7');
});

test('a Service of another type has neither address nor traces of one, and the next in line has the address', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.7/32']);
  await addService(here.client, 'web', { loadBalancerClass: 'evenkeel.dev/l2' });
  await address(here, 'web', '192.0.2.7');
  await addService(here.client, 'late', { loadBalancerClass: 'evenkeel.dev/bgp' });
  await event(here, 'late', 'PoolExhausted');
  await changeService(here.client, 'web', { spec: { type: 'ClusterIP', loadBalancerClass: null } });
  await address(here, 'late', '192.0.2.7');
  await here.until(() => {
    const service = here.see<Service & KubeObject>('Service').get('default/web');
    return (
      addressOf(service) === undefined &&
      conditionOf(service) === undefined &&
      service?.metadata?.annotations?.['evenkeel.dev/ip-allocated-from-pool'] === undefined
    );
  });
});

test('after a restart everybody has what they had, and nothing is written', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.0/29']);
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) await addService(here.client, name);
  const before = await Promise.all(names.map((name) => address(here, name)));
  expect(new Set(before).size).toBe(4);
  await here.client.delete(builtin('Service'), 'a', 'default');
  await here.until(() => here.see('Service').get('default/a') === undefined);
  const written: string[] = [];
  const watching: Client = {
    ...here.client,
    patch: (ref, name, ...rest) => {
      if (ref.kind === 'Service') written.push(name);
      return here.client.patch(ref, name, ...rest);
    },
  };
  await here.restartControllers(watching);
  // It comes after all the others have had their turn.
  await addService(here.client, 'new');
  expect(await address(here, 'new')).toBe('192.0.2.0');
  expect(written).toEqual(['new']);
  expect(await Promise.all(names.slice(1).map((name) => address(here, name)))).toEqual(before.slice(1));
});

test('a Service made while nobody was there does not get what another has', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.0/31']);
  await addService(here.client, 'zz');
  await address(here, 'zz', '192.0.2.0');
  await here.restartControllers();
  await addService(here.client, 'aa');
  expect(await address(here, 'aa')).toBe('192.0.2.1');
});

test('a mistake in what a Service asks for is told, and costs it nothing, over a restart either', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.0/31']);
  await addService(here.client, 'web');
  await address(here, 'web', '192.0.2.0');
  await changeService(here.client, 'web', { metadata: { annotations: { 'metallb.io/loadBalancerIPs': 'soon' } } });
  expect((await event(here, 'web', 'InvalidRequest')).message).toContain('"soon" is no IP address');
  await here.restartControllers();
  await addService(here.client, 'other');
  await address(here, 'other', '192.0.2.1');
  await address(here, 'web', '192.0.2.0');
  await changeService(here.client, 'web', { metadata: { annotations: { 'metallb.io/loadBalancerIPs': null } } });
  await here.until(
    () => conditionOf(here.see<Service & KubeObject>('Service').get('default/web'))?.reason === 'Assigned',
  );
});

test('a Service keeps the address of a pool that goes, and is told so', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.0/31']);
  await addService(here.client, 'web');
  await address(here, 'web', '192.0.2.0');
  await here.client.delete(POOLS, 'one');
  expect((await event(here, 'web', 'StaleAddress')).message).toContain('No pool holds 192.0.2.0 any more');
  await here.restartControllers();
  await addPool(here.client, 'two', ['198.51.100.0/24']);
  await addService(here.client, 'other');
  await address(here, 'other', '198.51.100.0');
  await address(here, 'web', '192.0.2.0');
  expect(conditionOf(here.see<Service & KubeObject>('Service').get('default/web'))).toMatchObject({
    status: 'True',
    reason: 'StaleAddress',
  });
});

test('Services of other classes, and addresses of other controllers, are left alone', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.0/31']);
  await addService(here.client, 'foreign', { loadBalancerClass: 'example.com/lb' });
  await addService(here.client, 'cloud');
  await address(here, 'cloud', '192.0.2.0');
  const ingress = { status: { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }] } } };
  const note = { metadata: { annotations: { 'evenkeel.dev/ip-allocated-from-pool': null } } };
  await here.client.delete(POOLS, 'one');
  await event(here, 'cloud', 'StaleAddress');
  await here.client.delete(builtin('Service'), 'cloud', 'default');
  await addService(here.client, 'cloud');
  await event(here, 'cloud', 'NoAddressPool');
  await here.client.patch(
    builtin('Service'),
    'cloud',
    'default',
    'merge',
    { ...ingress, ...note },
    { subresource: 'status' },
  );
  await addPool(here.client, 'one', ['192.0.2.0/31']);
  await addService(here.client, 'last');
  await address(here, 'last');
  const services = here.see<Service & KubeObject>('Service');
  expect(services.get('default/cloud')?.status?.loadBalancer?.ingress).toEqual([{ hostname: 'lb.example.com' }]);
  expect(addressOf(services.get('default/foreign'))).toBeUndefined();
});

test('who is not the default gives nothing to Services without a class', async () => {
  const here = await begin({ settings: { defaultLoadBalancer: false } });
  await addPool(here.client, 'one', ['192.0.2.0/31']);
  await addService(here.client, 'plain');
  await addService(here.client, 'asks', { loadBalancerClass: 'evenkeel.dev/l2' });
  await address(here, 'asks', '192.0.2.0');
  expect(addressOf(here.see<Service & KubeObject>('Service').get('default/plain'))).toBeUndefined();
});

test('pools of MetalLB serve with their annotations, and both kinds of pools count what they have given', async () => {
  const here = await begin();
  await vi.waitFor(
    () =>
      here.client.create<IPAddressPool>(IP_POOLS, {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'IPAddressPool',
        metadata: { name: 'gold', namespace: 'default' },
        spec: { addresses: ['192.0.2.8-192.0.2.10'], autoAssign: false },
      }),
    PATIENCE,
  );
  await addPool(here.client, 'cheap', ['198.51.100.0/30', 'fd00::/64'], { avoidBuggyIPs: true });
  await addService(here.client, 'a', {}, { 'metallb.io/address-pool': 'gold', 'metallb.io/allow-shared-ip': 'k' });
  await address(here, 'a', '192.0.2.8');
  await addService(
    here.client,
    'b',
    { ports: [{ port: 81 }] },
    { 'metallb.universe.tf/loadBalancerIPs': '192.0.2.8', 'metallb.universe.tf/allow-shared-ip': 'k' },
  );
  await address(here, 'b', '192.0.2.8');
  await addService(here.client, 'c');
  await address(here, 'c', '198.51.100.1');
  await vi.waitFor(async () => {
    const gold = await here.client.get<IPAddressPool>(IP_POOLS, 'gold', 'default');
    expect(gold.status).toEqual({ assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 2, availableIPv6: 0 });
    const cheap = await here.client.get<AddressPool>(POOLS, 'cheap');
    expect(cheap.status).toMatchObject({ assignedIPv4: 1, availableIPv4: 2, availableIPv6: Number.MAX_SAFE_INTEGER });
    expect(cheap.status?.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'Valid' }]);
  }, PATIENCE);
});

test('what is wrong with a pool stands in its status and in an event', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.0/24']);
  await addPool(here.client, 'two', ['192.0.2.128/25', '198.51.100.9-198.51.100.1']);
  const told = await event(here, 'two', 'OverlappingAddresses');
  expect(told.involvedObject).toMatchObject({ kind: 'AddressPool', name: 'two' });
  await vi.waitFor(async () => {
    const two = await here.client.get<AddressPool>(POOLS, 'two');
    expect(two.status?.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'False' });
    expect(two.status?.conditions?.[0]?.message).toContain('"198.51.100.9-198.51.100.1" is no range of addresses');
  }, PATIENCE);
});

test('the server refuses a pool that makes no sense, and shows pools as a table', async () => {
  const here = await begin();
  await addPool(here.client, 'one', ['192.0.2.0/24']);
  const wrong = (spec: object) =>
    here.client.create<AddressPool>(POOLS, {
      apiVersion: 'evenkeel.dev/v1alpha1',
      kind: 'AddressPool',
      metadata: { name: 'x' },
      spec,
    });
  await expect(wrong({ addresses: ['192.0.2.1'] })).rejects.toThrow('spec.addresses[0]');
  await expect(wrong({ addresses: [] })).rejects.toThrow('spec.addresses');
  await expect(wrong({ addresses: ['192.0.2.0/24'], announce: [{ protocol: 'ospf' }] })).rejects.toThrow('"l2", "bgp"');
  const table = (await here.client.raw('GET', '/apis/evenkeel.dev/v1alpha1/addresspools', undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  })) as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
  expect(table.columnDefinitions.map(({ name }) => name)).toContain('Auto Assign');
  expect(table.rows[0]?.cells.slice(0, 3)).toEqual(['one', '["192.0.2.0/24"]', true]);
});

test('what it writes is what the role of the documentation allows', async () => {
  const page = readFileSync(new URL('../../../../docs/load-balancer.md', import.meta.url), 'utf8');
  const block = /```yaml\n(apiVersion: rbac[\s\S]*?)```/.exec(page)?.[1] ?? '';
  const { rules } = parse(block) as { rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] };
  const here = await begin();
  const refused: string[] = [];
  const check = (verb: string, group: string, resource: string, subresource?: string): void => {
    const name = subresource === undefined ? resource : `${resource}/${subresource}`;
    const fits = rules.some(
      ({ apiGroups, resources, verbs }) =>
        apiGroups.includes(group) && resources.includes(name) && verbs.includes(verb),
    );
    if (!fits) refused.push(`${verb} ${group}/${name}`);
  };
  let writes = 0;
  await here.restartControllers({
    ...here.client,
    patch: (ref, name, namespace, type, body, options) => {
      writes += 1;
      check('patch', ref.group, ref.resource, options?.subresource);
      return here.client.patch(ref, name, namespace, type, body, options);
    },
    create: (ref, object, options) => {
      writes += 1;
      check('create', ref.group, ref.resource, options?.subresource);
      return here.client.create(ref, object, options);
    },
    update: () => Promise.reject(new Error('It patches')),
    delete: () => Promise.reject(new Error('It deletes nothing')),
  });
  await addPool(here.client, 'one', ['192.0.2.7/32', '192.0.2.9-192.0.2.1']);
  await addService(here.client, 'web');
  await address(here, 'web', '192.0.2.7');
  await event(here, 'web', 'IPAllocated');
  await event(here, 'one', 'InvalidAddresses');
  await changeService(here.client, 'web', { spec: { type: 'ClusterIP' } });
  await here.until(() => conditionOf(here.see<Service & KubeObject>('Service').get('default/web')) === undefined);
  expect(refused).toEqual([]);
  expect(writes).toBeGreaterThan(3);
});
