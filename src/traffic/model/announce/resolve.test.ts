// Who announces what, case by case: advertisements, selectors, policies, aggregation, and what is wrong with any of it.
// Pure; that elections are steady is tried in election.property.test.ts.
import type { Node } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { resolveAnnouncements } from './resolve.ts';
import { type WorldGiven, worldOf } from './testing.ts';

const ours = { a: { addresses: ['192.0.2.0/24', 'fd00::/64'] } };
const theirs = { gold: { addresses: ['192.0.2.0/24', 'fd00::/120'], labels: { tier: 'gold' } } };
const web = { name: 'web', addresses: ['192.0.2.7'] };

/** `node: address@interface,...`. */
function layer2(given: WorldGiven): string[] {
  const { nodes } = resolveAnnouncements(worldOf(given));
  return [...nodes].flatMap(([node, { l2 }]) =>
    l2.map(
      ({ address, interfaces }) => `${node}: ${address}${interfaces.length === 0 ? '' : `@${interfaces.join(',')}`}`,
    ),
  );
}

/** `node: prefix communities pref -> peers`. */
function bgp(given: WorldGiven): string[] {
  const { nodes } = resolveAnnouncements(worldOf(given));
  return [...nodes].flatMap(([node, { bgp: routes }]) =>
    routes.map(({ prefix, communities, localPref, peers }) =>
      [`${node}:`, prefix, ...communities, ...(localPref === undefined ? [] : [localPref]), '->', ...peers].join(' '),
    ),
  );
}

function problems(given: WorldGiven): string[] {
  return resolveAnnouncements(worldOf(given)).problems.map(
    ({ kind, key, reason, field }) => `${kind} ${key} ${reason} ${field}`,
  );
}

describe('By layer 2', () => {
  it('an address of an AddressPool is announced by one node, on every interface', () => {
    expect(layer2({ nodes: ['n1', 'n2', 'n3'], pools: ours, services: [web] })).toEqual(['n3: 192.0.2.7']);
  });

  it('addresses are spread over the nodes, and both of one Service are with one of them', () => {
    const services = Array.from({ length: 60 }, (_, at) => ({
      name: `s${at}`,
      addresses: [`192.0.2.${at + 1}`, `fd00::${at + 1}`],
    }));
    const lines = layer2({ nodes: ['n1', 'n2', 'n3'], pools: ours, services });
    expect(lines).toHaveLength(120);
    const nodeOf = (address: string) => lines.find((line) => line.endsWith(` ${address}`))?.slice(0, 2);
    for (let at = 1; at <= 60; at++) expect(nodeOf(`192.0.2.${at}`)).toBe(nodeOf(`fd00::${at}`));
    for (const node of ['n1', 'n2', 'n3']) {
      expect(lines.filter((line) => line.startsWith(node)).length).toBeGreaterThan(20);
    }
  });

  it('an address of an IPAddressPool needs an L2Advertisement', () => {
    const world = { nodes: ['n1'], ipPools: theirs, services: [web] };
    expect(layer2(world)).toEqual([]);
    expect(layer2({ ...world, l2Advertisements: [{ metadata: { name: 'all' } }] })).toEqual(['n1: 192.0.2.7']);
  });

  it.each([
    [{ ipAddressPools: ['gold'] }, true],
    [{ ipAddressPools: ['silver'] }, false],
    [{ ipAddressPoolSelectors: [{ matchLabels: { tier: 'gold' } }] }, true],
    [{ ipAddressPoolSelectors: [{ matchLabels: { tier: 'silver' } }] }, false],
    [{ ipAddressPools: ['silver'], ipAddressPoolSelectors: [{ matchLabels: { tier: 'gold' } }] }, true],
    [{ serviceSelectors: [{ matchLabels: { app: 'web' } }] }, true],
    [{ serviceSelectors: [{ matchLabels: { app: 'db' } }] }, false],
    [{ nodeSelectors: [{ matchLabels: { rack: '1' } }] }, true],
    [{ nodeSelectors: [{ matchLabels: { rack: '2' } }] }, false],
    [{ nodeSelectors: [{ matchLabels: { rack: '2' } }, {}] }, true],
  ])('an advertisement %j is for it: %s', (spec, isFor) => {
    const service = { ...web, labels: { app: 'web' } };
    const l2Advertisements = [{ metadata: { name: 'ad' }, spec }];
    const lines = layer2({ nodes: [['n1', { rack: '1' }]], ipPools: theirs, services: [service], l2Advertisements });
    expect(lines.length > 0).toBe(isFor);
  });

  it('interfaces of several advertisements add up, and one without any means all', () => {
    const named = (name: string, interfaces: string[]) => ({ metadata: { name }, spec: { interfaces } });
    const world = { nodes: ['n1'], ipPools: theirs, services: [web] };
    const two = [named('a', ['eth1']), named('b', ['eth0', 'eth1'])];
    expect(layer2({ ...world, l2Advertisements: two })).toEqual(['n1: 192.0.2.7@eth0,eth1']);
    expect(layer2({ ...world, l2Advertisements: [...two, named('c', [])] })).toEqual(['n1: 192.0.2.7']);
  });

  it('a preferred node wins, while it is there', () => {
    const preferredNodeSelectors = [{ weight: 10, preference: { matchLabels: { edge: 'yes' } } }];
    const world = {
      ipPools: theirs,
      services: [web],
      l2Advertisements: [{ metadata: { name: 'ad' }, spec: { preferredNodeSelectors } }],
    };
    expect(layer2({ ...world, nodes: [['n1', { edge: 'yes' }], 'n2', 'n3'] })).toEqual(['n1: 192.0.2.7']);
    expect(layer2({ ...world, nodes: ['n1', 'n2', 'n3'] })).toEqual(['n3: 192.0.2.7']);
  });

  it('a Service with policy Local is with a node that has an endpoint which serves', () => {
    const world = { nodes: ['n1', 'n2', 'n3'], pools: ours };
    expect(layer2({ ...world, services: [{ ...web, local: true, on: ['n2', '!n1'] }] })).toEqual(['n2: 192.0.2.7']);
    expect(layer2({ ...world, services: [{ ...web, local: true, on: ['!n2'] }] })).toEqual([]);
    expect(layer2({ ...world, services: [{ ...web, on: ['!n2'] }] })).toEqual([]);
    expect(layer2({ ...world, services: [{ ...web, on: [] }] })).toEqual([]);
  });

  it('dead, cut off and excluded nodes announce nothing', () => {
    const cut: Node = {
      metadata: { name: 'n1' },
      status: { conditions: [{ type: 'NetworkUnavailable', status: 'True' }] },
    };
    const excluded = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
    const input = worldOf({ nodes: [['n2', excluded], 'n3', 'n4'], pools: ours, services: [web] });
    const { nodes } = resolveAnnouncements({
      ...input,
      nodes: [cut, ...input.nodes],
      isAlive: (name) => name !== 'n3',
    });
    expect([...nodes].map(([name, { l2 }]) => [name, l2.length])).toEqual([['n4', 1]]);
  });

  it('an address that Services share is with one node, one that serves most of them', () => {
    const services = [
      { name: 'x', addresses: ['192.0.2.7'], labels: { at: 'one' } },
      { name: 'y', addresses: ['192.0.2.7'], labels: { at: 'two' } },
      { name: 'z', addresses: ['192.0.2.7'], labels: { at: 'two' } },
    ];
    const ad = (name: string, at: string, rack: string) => ({
      metadata: { name },
      spec: { serviceSelectors: [{ matchLabels: { at } }], nodeSelectors: [{ matchLabels: { rack } }] },
    });
    const { nodes } = resolveAnnouncements(
      worldOf({
        nodes: [
          ['n1', { rack: '1' }],
          ['n2', { rack: '2' }],
        ],
        ipPools: theirs,
        services,
        l2Advertisements: [ad('a', 'one', '1'), ad('b', 'two', '2')],
      }),
    );
    expect(nodes.get('n1')?.l2).toEqual([]);
    expect(nodes.get('n2')?.l2).toEqual([{ address: '192.0.2.7', interfaces: [], services: ['shop/y', 'shop/z'] }]);
  });

  it('nothing is announced for a class of BGP, of others, or of another controller', () => {
    const world = { nodes: ['n1'], pools: ours };
    for (const service of [
      { ...web, class: 'evenkeel.dev/bgp' },
      { ...web, class: 'example.com/lb' },
      { ...web, addresses: ['203.0.113.1'] },
    ]) {
      expect(layer2({ ...world, services: [service] })).toEqual([]);
    }
    expect(layer2({ ...world, services: [web], isDefault: false })).toEqual([]);
    expect(layer2({ ...world, services: [{ ...web, class: 'evenkeel.dev/l2' }], isDefault: false })).toHaveLength(1);
  });

  it('an address whose pool has gone is announced by what is for all pools, or names the pool', () => {
    const stale = { ...web, annotations: { 'evenkeel.dev/ip-allocated-from-pool': 'gold' } };
    const ad = (spec: object) => [{ metadata: { name: 'ad' }, spec }];
    const world = { nodes: ['n1'], services: [stale] };
    expect(layer2({ ...world, l2Advertisements: ad({}) })).toHaveLength(1);
    expect(layer2({ ...world, l2Advertisements: ad({ ipAddressPools: ['gold'] }) })).toHaveLength(1);
    expect(layer2({ ...world, l2Advertisements: ad({ ipAddressPools: ['silver'] }) })).toEqual([]);
  });
});

const peers = [
  { metadata: { name: 'r1' } },
  { metadata: { name: 'r2' }, spec: { nodeSelectors: [{ matchLabels: { rack: '2' } }] } },
];

describe('By BGP', () => {
  const base: WorldGiven = { nodes: ['n1', ['n2', { rack: '2' }]], ipPools: theirs, services: [web], bgpPeers: peers };
  const ads = (...specs: object[]) => specs.map((spec, at) => ({ metadata: { name: `ad${at}` }, spec }));

  it('every node announces to every peer that it speaks with', () => {
    expect(bgp({ ...base, bgpAdvertisements: ads({}) })).toEqual([
      'n1: 192.0.2.7/32 -> r1',
      'n2: 192.0.2.7/32 -> r1 r2',
    ]);
  });

  it('a pool of ours says it all by itself', () => {
    const pools = {
      a: { addresses: ['192.0.2.0/24'], announce: [{ protocol: 'bgp' as const, localPref: 50, peers: ['r2'] }] },
    };
    expect(bgp({ ...base, ipPools: {}, pools })).toEqual(['n2: 192.0.2.7/32 50 -> r2']);
  });

  it('with policy Local only nodes with an endpoint that serves', () => {
    const services = [{ ...web, local: true, on: ['n2', '!n1'] }];
    expect(bgp({ ...base, services, bgpAdvertisements: ads({}) })).toEqual(['n2: 192.0.2.7/32 -> r1 r2']);
  });

  it('prefixes are as long as asked for, and told once', () => {
    const services = [web, { name: 'two', addresses: ['192.0.2.9', 'fd00::9'] }];
    const spec = { aggregationLength: 24, aggregationLengthV6: 124, peers: ['r1'] };
    const world = { ...base, nodes: ['n1'], services, bgpAdvertisements: ads(spec) };
    expect(bgp(world)).toEqual(['n1: 192.0.2.0/24 -> r1', 'n1: fd00::/124 -> r1']);
  });

  it('a prefix beyond the pool is not announced, and told of', () => {
    const world = { ...base, bgpAdvertisements: ads({ aggregationLength: 23, peers: ['r1'] }) };
    expect(bgp(world)).toEqual([]);
    expect(problems(world)).toEqual(['BGPAdvertisement ad0 AggregationBeyondPool spec.aggregationLength']);
  });

  it('of a range a prefix may be as long as its largest block', () => {
    const ipPools = { gold: { addresses: ['192.0.2.4-192.0.2.12'] } };
    const world = { ...base, ipPools, nodes: ['n1'] };
    expect(bgp({ ...world, bgpAdvertisements: ads({ aggregationLength: 30 }) })).toEqual(['n1: 192.0.2.4/30 -> r1']);
    expect(bgp({ ...world, bgpAdvertisements: ads({ aggregationLength: 29 }) })).toEqual([]);
  });

  it('communities come by name and by number, and what several say of a prefix is joined', () => {
    const communities = [{ metadata: { name: 'c' }, spec: { communities: [{ name: 'vpn', value: '64512:007' }] } }];
    const bgpAdvertisements = ads(
      { communities: ['vpn', 'no-export'], peers: ['r1'] },
      { communities: ['large:1:2:3', 'vpn'], localPref: 0 },
    );
    expect(bgp({ ...base, nodes: [['n2', { rack: '2' }]], communities, bgpAdvertisements })).toEqual([
      'n2: 192.0.2.7/32 64512:7 large:1:2:3 no-export -> r1',
      'n2: 192.0.2.7/32 64512:7 large:1:2:3 -> r2',
    ]);
  });

  it.each(['vpn', '1:65536', '1:2:3', 'large:1:2', 'large:1:2:4294967296', ''])(
    'with the community "%s" nothing is announced, and it is told',
    (community) => {
      const world = { ...base, bgpAdvertisements: ads({ communities: [community] }) };
      expect(bgp(world)).toEqual([]);
      expect(problems(world)).toEqual(['BGPAdvertisement ad0 UnknownCommunity spec.communities']);
    },
  );

  it('of two preferences for one prefix the higher counts, and it is told', () => {
    const world = { ...base, nodes: ['n1'], bgpAdvertisements: ads({ localPref: 100 }, { localPref: 200 }) };
    expect(bgp(world)).toEqual(['n1: 192.0.2.7/32 200 -> r1']);
    expect(problems(world)).toEqual(['BGPAdvertisement ad1 ConflictingLocalPref spec.localPref']);
    expect(
      problems({ ...world, bgpAdvertisements: ads({ localPref: 100 }, { localPref: 200, aggregationLength: 24 }) }),
    ).toEqual([]);
  });

  it('nothing is announced for a class of layer 2', () => {
    expect(bgp({ ...base, services: [{ ...web, class: 'evenkeel.dev/l2' }], bgpAdvertisements: ads({}) })).toEqual([]);
  });

  it('selectors that cannot be read select nothing, and are told of', () => {
    const bad = [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }];
    const world = { ...base, bgpPeers: [{ metadata: { name: 'r1', namespace: 'm' }, spec: { nodeSelectors: bad } }] };
    expect(bgp({ ...world, bgpAdvertisements: ads({}) })).toEqual([]);
    expect(problems({ ...world, bgpAdvertisements: ads({ serviceSelectors: bad }) })).toEqual([
      'BGPAdvertisement ad0 InvalidSelector spec.serviceSelectors[0]',
      'BGPPeer m/r1 InvalidSelector spec.nodeSelectors[0]',
    ]);
  });
});
