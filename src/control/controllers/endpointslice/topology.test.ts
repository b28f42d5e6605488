// Hints by zone: who gets how many endpoints, when there are none and why, and that nobody is moved without need.
// Nodes and endpoints in, hints out; no slices but in the last part, which asks the real API server.
import fc from 'fast-check';
import type { Event, Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { afterEach, describe, expect, it, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { addNode } from '../testing/kubelet-player.ts';
import { startWorld, type World } from '../testing/world.ts';
import { identity } from './diff.ts';
import { asksForTopology, cpuShares, topologyHints } from './topology.ts';

const node = (zone: string | undefined, cpu: string, ready = true, labels: Record<string, string> = {}): Node => ({
  metadata: { labels: { ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }), ...labels } },
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

/** `aab`: three ready endpoints, two of them in zone a. */
const endpointsIn = (zones: string): Endpoint[] =>
  [...zones].map((zone, at) => ({
    addresses: [`10.0.0.${at}`],
    conditions: { ready: true },
    ...(zone === '-' ? {} : { zone }),
    targetRef: { uid: String(at) },
  }));
const group = (endpoints: Endpoint[]) => [{ ports: [], endpoints }];
const sharesOf = (cpus: Record<string, number>) =>
  cpuShares(Object.entries(cpus).map(([zone, cpu]) => node(zone, String(cpu))));

/** Zones of the hints in order, or why there are none. */
function hints(cpus: Record<string, number>, zones: string, hinted: Record<number, string> = {}): string {
  const known = new Map(Object.entries(hinted).map(([at, zone]) => [`${at}|10.0.0.${at}`, zone]));
  const outcome = topologyHints(group(endpointsIn(zones)), sharesOf(cpus), known);
  if ('obstacle' in outcome) return outcome.obstacle;
  return (outcome.groups[0]?.endpoints ?? []).map((each) => each.hints?.forZones?.[0]?.name ?? '-').join('');
}

describe('shares of the CPUs', () => {
  it('are those of ready nodes that are no control plane', () => {
    const control = { 'node-role.kubernetes.io/control-plane': '' };
    const nodes = [
      node('a', '3'),
      node('b', '500m'),
      node('b', '500m'),
      node('a', '9', false),
      node('c', '9', true, control),
    ];
    expect(cpuShares(nodes)).toEqual(
      new Map([
        ['a', 0.75],
        ['b', 0.25],
      ]),
    );
  });

  it.each<[string, Node[]]>([
    ['a node has no zone', [node('a', '1'), node('b', '1'), node(undefined, '1')]],
    ['a node has no CPUs', [node('a', '1'), node('b', '0')]],
    ['all are in one zone', [node('a', '1'), node('a', '1')]],
    ['there is none', []],
  ])('are not known when %s', (_, nodes) => {
    expect(cpuShares(nodes)).toBeUndefined();
  });
});

describe('hints by zone', () => {
  it.each<[string, Record<string, number>, string, string]>([
    ['stay in the zone where that is fair', { a: 1, b: 1 }, 'aabb', 'aabb'],
    ['go where the CPUs are', { a: 1, b: 1 }, 'aaab', 'baab'],
    ['follow shares that are not even', { a: 2, b: 1 }, 'aaabbb', 'aaaabb'],
    ['overload nobody for the sake of halves', { a: 1, b: 1, c: 5 }, 'ccccc', 'abccc'],
    ['go from where they are, not by a third zone', { a: 1, b: 4, c: 1 }, 'aaaaaaaac', 'bbbbbcaac'],
    ['go to a zone that has nobody', { a: 1, b: 1, c: 1 }, 'aaabbb', 'caacbb'],
  ])('%s', (_, cpus, zones, expected) => {
    const given = hints(cpus, zones);
    expect([...given].sort().join('')).toBe([...expected].sort().join(''));
    const moved = [...given].filter((zone, at) => zone !== zones[at]).length;
    expect(moved).toBe([...expected].filter((zone, at) => zone !== zones[at]).length);
  });

  it.each<[Record<string, number>, string, string]>([
    [{ a: 1 }, 'aa', 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'],
    [{ a: 1, b: 1, c: 1 }, 'ab', 'Insufficient number of endpoints (2 endpoints, 3 zones)'],
    [
      { a: 3, b: 1, c: 1 },
      'abc',
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)'.replace(
        /^/,
        '',
      ),
    ],
    [{ a: 1, b: 1 }, 'abb-', 'One or more endpoints do not have a zone specified'],
  ])('are none, and it is said why: %j %s', (cpus, zones, expected) => {
    expect(hints(cpus, zones)).toBe(expected);
  });

  it('are kept while every zone has enough and none too much', () => {
    expect(hints({ a: 1, b: 1 }, 'aaab', { 0: 'a', 1: 'b', 2: 'a', 3: 'b' })).toBe('abab');
    // One has come, and nobody else is moved.
    const before = { 0: 'a', 1: 'b', 2: 'a', 3: 'b', 4: 'a', 5: 'b' };
    expect(hints({ a: 1, b: 1 }, 'aaaaaab', before)).toBe('abababb');
    expect(hints({ a: 1, b: 1 }, 'aaaaaaa', before)).toBe('abababa');
    // All are for one zone: that is not fair any more.
    expect(hints({ a: 1, b: 1 }, 'aabb', { 0: 'a', 1: 'a', 2: 'a', 3: 'a' })).toBe('aabb');
    // The zone has gone.
    expect(hints({ a: 1, b: 1 }, 'aabb', { 0: 'z', 1: 'z', 2: 'b', 3: 'b' })).toBe('aabb');
  });

  it('overload no zone by more than a fifth, whatever there is, and are the same when asked again', () => {
    const zone = fc.constantFrom('a', 'b', 'c');
    const cpus = fc.record({
      a: fc.integer({ min: 1, max: 8 }),
      b: fc.integer({ min: 1, max: 8 }),
      c: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(cpus, fc.array(zone, { minLength: 3, maxLength: 12 }), (amounts, zones) => {
        const shares = sharesOf(amounts);
        const endpoints = endpointsIn(zones.join(''));
        const first = topologyHints(group(endpoints), shares, new Map());
        if ('obstacle' in first) return;
        const given = first.groups[0]?.endpoints ?? [];
        for (const [name, share] of shares ?? []) {
          const count = given.filter(({ hints: of }) => of?.forZones?.[0]?.name === name).length;
          expect((share * zones.length) / Math.max(count, 1e-9)).toBeLessThanOrEqual(1.2 + 1e-9);
        }
        const hinted = new Map(given.map((each) => [identity(each), each.hints?.forZones?.[0]?.name ?? '']));
        expect(topologyHints(group(endpoints), shares, hinted)).toEqual(first);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('the annotation asks for them, in either name and spelling', () => {
  const asks = (annotations: Record<string, string>) => asksForTopology({ metadata: { annotations } });
  expect(asks({ 'service.kubernetes.io/topology-mode': 'Auto' })).toBe(true);
  expect(asks({ 'service.kubernetes.io/topology-aware-hints': 'auto' })).toBe(true);
  expect(asks({ 'service.kubernetes.io/topology-mode': 'Disabled' })).toBe(false);
  expect(asks({})).toBe(false);
});

describe('a Service with the annotation', () => {
  let world: World;
  afterEach(() => world.close());

  it('has hints, is told so, and is told why when it has none', async () => {
    world = await startWorld({ only: ['endpointslice', 'scheduler'], nodes: [] });
    const { client, until } = world;
    for (const zone of ['a', 'b']) await addNode(client, `node-${zone}`, {}, { 'topology.kubernetes.io/zone': zone });
    const pod = (name: string, nodeName: string): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', labels: { app: 'web' } },
      spec: { nodeName, containers: [{ name: 'web', image: 'web' }] },
    });
    const service: Service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default', annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    };
    await client.create(builtin('Service'), service as Service & { metadata: object });
    for (const name of ['one', 'two', 'three']) await client.create(builtin('Pod'), pod(name, 'node-a'));
    await client.create(builtin('Pod'), pod('four', 'node-b'));
    const slices = world.see<EndpointSlice>('EndpointSlice');
    const zones = (): string =>
      slices
        .list('default')
        .filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === 'web')
        .flatMap(({ endpoints = [] }) => endpoints.map(({ hints: of }) => of?.forZones?.[0]?.name ?? '-'))
        .sort()
        .join('');
    await until(() => zones() === 'aabb');
    const said = (reason: string): string[] =>
      world
        .see<Event>('Event')
        .list('default')
        .filter((event) => event.reason === reason)
        .map(({ message = '' }) => message);
    await until(() => said('TopologyAwareHintsEnabled').length > 0);
    expect(said('TopologyAwareHintsEnabled')).toEqual(['Topology Aware Hints has been enabled, addressType: IPv4']);
    const conditions = [{ type: 'Ready', status: 'False' }];
    await client.patch(
      builtin('Node'),
      'node-b',
      undefined,
      'merge',
      { status: { conditions } },
      { subresource: 'status' },
    );
    await until(() => zones() === '----');
    const why =
      'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4';
    await until(() => said('TopologyAwareHintsDisabled').includes(why));
  });
});
