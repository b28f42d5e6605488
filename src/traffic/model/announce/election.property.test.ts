// Elections are steady: whoever comes or goes moves only what it must, and all nodes agree without a word.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elect } from './election.ts';
import { resolveAnnouncements } from './resolve.ts';
import { type ServiceGiven, type WorldGiven, worldOf } from './testing.ts';

const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), { minLength: 1, maxLength: 12 });
const equal = (list: readonly string[]) => list.map((node) => ({ node, serves: 1, preference: 0 }));

describe('An election', () => {
  it('is won by the lowest hash of node and address, as others compute it', () => {
    fc.assert(
      fc.property(names, fc.ipV4(), (list, address) => {
        const hash = (node: string) => createHash('sha256').update(`${node}#${address}`).digest();
        const [first] = [...list].sort((a, b) => Buffer.compare(hash(a), hash(b)));
        expect(elect(equal(list), address)).toBe(first);
      }),
    );
  });

  it('has the same winner when losers go, and another only when one comes that wins', () => {
    fc.assert(
      fc.property(
        names,
        fc.ipV4(),
        fc.array(fc.boolean()),
        fc.stringMatching(/^[A-Z]{1,5}$/),
        (list, address, gone, newcomer) => {
          const winner = elect(equal(list), address);
          const left = list.filter((node, at) => node === winner || gone[at] !== true);
          expect(elect(equal(left.reverse()), address)).toBe(winner);
          expect([winner, newcomer]).toContain(elect(equal([...list, newcomer]), address));
        },
      ),
    );
  });

  it('knows a memory from none by nothing but time', () => {
    const memory = new Map<string, string>();
    fc.assert(
      fc.property(names, fc.ipV4(), (list, address) => {
        expect(elect(equal(list), address, memory)).toBe(elect(equal(list), address));
      }),
    );
  });
});

const nodes = ['n1', 'n2', 'n3', 'n4'];
const services: fc.Arbitrary<ServiceGiven[]> = fc.array(
  fc.record({
    name: fc.stringMatching(/^s[0-9]{1,3}$/),
    addresses: fc.subarray(['192.0.2.1', '192.0.2.2', '192.0.2.3', 'fd00::1', 'fd00::2'], {
      minLength: 1,
      maxLength: 2,
    }),
    on: fc.subarray([...nodes, '!n1', '!n2']),
    local: fc.boolean(),
    class: fc.constantFrom('evenkeel.dev/l2', 'evenkeel.dev/bgp', ''),
  }),
  { maxLength: 8 },
);
const worlds: fc.Arbitrary<WorldGiven> = fc
  .record({
    services,
    preferred: fc.boolean(),
    aggregated: fc.boolean(),
    racks: fc.array(fc.constantFrom('1', '2'), { minLength: 4 }),
  })
  .map(({ services: list, preferred, aggregated, racks }) => ({
    nodes: nodes.map((name, at) => [name, { rack: racks[at] ?? '1' }] as const),
    ipPools: { a: { addresses: ['192.0.2.0/28', 'fd00::/120'] } },
    services: [...new Map(list.map((service) => [service.name, service])).values()],
    l2Advertisements: [
      {
        metadata: { name: 'l2' },
        spec: preferred ? { preferredNodeSelectors: [{ weight: 5, preference: { matchLabels: { rack: '2' } } }] } : {},
      },
    ],
    bgpAdvertisements: [
      { metadata: { name: 'x' }, spec: { communities: ['1:1'], ...(aggregated ? { aggregationLength: 28 } : {}) } },
      {
        metadata: { name: 'y' },
        spec: { localPref: 7, peers: ['r1'], nodeSelectors: [{ matchLabels: { rack: '1' } }] },
      },
    ],
    bgpPeers: [
      { metadata: { name: 'r1' } },
      { metadata: { name: 'r2' }, spec: { nodeSelectors: [{ matchLabels: { rack: '2' } }] } },
    ],
  }));

/** Node by address. */
function holders(given: WorldGiven, isAlive: (name: string) => boolean = () => true): Map<string, string> {
  const found = new Map<string, string>();
  for (const [node, { l2 }] of resolveAnnouncements({ ...worldOf(given), isAlive }).nodes) {
    for (const { address } of l2) {
      expect(found.has(address)).toBe(false);
      found.set(address, node);
    }
  }
  return found;
}

describe('Announcements', () => {
  it('have one node for each address by layer 2, and one exactly where any can', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const found = holders(world);
        for (const { addresses, on = [], local, class: of } of world.services) {
          const serving = on.filter((node) => !node.startsWith('!'));
          for (const address of addresses)
            if (of !== 'evenkeel.dev/bgp' && serving.length > 0) expect(found.has(address)).toBe(true);
          const alone = addresses.filter(
            (address) => world.services.filter((one) => one.addresses.includes(address)).length === 1,
          );
          if (local !== true || of === 'evenkeel.dev/bgp') continue;
          for (const address of alone) if (found.has(address)) expect(serving).toContain(found.get(address));
        }
      }),
    );
  });

  it('move with a node that dies only from that node, and back to it alone when it comes again', () => {
    fc.assert(
      fc.property(worlds, fc.constantFrom(...nodes), (world, dead) => {
        const before = holders(world);
        const after = holders(world, (name) => name !== dead);
        for (const [address, node] of before) {
          if (node !== dead) expect(after.get(address)).toBe(node);
          else expect(after.get(address)).not.toBe(dead);
        }
      }),
    );
  });

  it('are the same in whatever order their objects come', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const input = worldOf(world);
        const turned = {
          ...input,
          nodes: [...input.nodes].reverse(),
          services: [...input.services].reverse(),
          pools: [...input.pools].reverse(),
          l2Advertisements: [...input.l2Advertisements].reverse(),
          bgpAdvertisements: [...input.bgpAdvertisements].reverse(),
          bgpPeers: [...input.bgpPeers].reverse(),
        };
        const [one, other] = [resolveAnnouncements(input), resolveAnnouncements(turned)];
        expect([...other.nodes]).toEqual([...one.nodes]);
        expect(other.problems).toEqual(one.problems);
      }),
    );
  });

  it('tell a peer of a prefix in one way, and of nothing else than addresses of Services', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const { bgp } of resolveAnnouncements(worldOf(world)).nodes.values()) {
          const told = bgp.flatMap(({ prefix, peers }) => peers.map((peer) => `${prefix} ${peer}`));
          expect(new Set(told).size).toBe(told.length);
          for (const { peers, services: keys, communities } of bgp) {
            expect(peers.length).toBeGreaterThan(0);
            expect(keys.length).toBeGreaterThan(0);
            for (const community of communities) expect(community).toBe('1:1');
          }
        }
      }),
    );
  });
});
