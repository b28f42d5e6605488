// Ranges divided among nodes, and what is refused before anything is made.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { count, formatCidr, overlaps, parseCidr } from './cidr.ts';
import { checkConflicts } from './conflicts.ts';
import { defaultRanges, planFabric, plannedRanges, splitPods } from './plan.ts';

const must = (text: string) => {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`${text} is no range`);
  return cidr;
};

describe('planFabric', () => {
  test('gives machine, nodes and pods their usual addresses', () => {
    const plan = planFabric('ek-1', defaultRanges, 3, true);
    expect(plan.machine).toEqual(['10.240.0.1', 'fd00:10:240::1']);
    expect(plan.nodes[1]).toEqual({
      name: 'node-2',
      addresses: ['10.240.0.12', 'fd00:10:240::c'],
      podCidrs: ['10.244.2.0/24', 'fd00:10:244:2::/64'],
    });
  });

  test.each([
    ['without IPv6 on the machine', defaultRanges, false],
    ['when one range is given without', { ...defaultRanges, pods: '10.1.0.0/16' }, true],
  ])('plans IPv4 alone %s', (_, ranges, ipv6) => {
    const plan = planFabric('ek-1', ranges, 2, ipv6);
    expect(plannedRanges(plan).filter(({ cidr }) => cidr.includes(':'))).toEqual([]);
    expect(plan.nodes.flatMap(({ addresses, podCidrs }) => [...addresses, ...podCidrs]).join()).not.toContain(':');
  });

  test.each([
    [{ pods: 'ten' }, 1, '--pod-cidr "ten" is no range of addresses'],
    [{ pods: '10.244.0.1/16' }, 1, 'has bits set beyond its prefix'],
    [{ pods: 'fd00::/48' }, 1, 'is not one IPv4 range'],
    [{ pods: '127.244.0.0/16' }, 1, 'cannot be those of --network netns'],
    [{ pods: '10.96.0.0/16' }, 1, 'overlap'],
    [{ pods: '10.244.0.0/28' }, 3, '--pod-cidr 10.244.0.0/28 is too small for 3 nodes'],
    [
      { fabric: '10.240.0.0/28' },
      9,
      '--fabric-cidr 10.240.0.0/28 is too small: it holds 16 addresses, and the machine and 9 nodes need 21',
    ],
    [{ services: '10.96.0.0/29' }, 1, '--service-cidr 10.96.0.0/29 is too small'],
    [{ pods: '10.244.0.0/30' }, 1, '--pod-cidr 10.244.0.0/30 is too small for 1 node'],
    [{ pods: '10.244.0.0/16,fd00:10:244::/125' }, 1, '--pod-cidr fd00:10:244::/125 is too small for 1 node'],
    [{ services: '10.240.0.0/16' }, 1, '--fabric-cidr 10.240.0.0/24 and --service-cidr 10.240.0.0/16 overlap'],
  ])('refuses %j', (ranges, nodes, message) => {
    expect(() => planFabric('ek-1', { ...defaultRanges, ...ranges }, nodes, true)).toThrow(message);
  });

  test('parts of nodes lie within the range of the cluster, and never meet', () => {
    const ranges = fc.integer({ min: 8, max: 20 }).map((bits) => must(`10.0.0.0/${bits}`));
    fc.assert(
      fc.property(ranges, fc.integer({ min: 1, max: 40 }), (range, nodes) => {
        const parts = splitPods(range, nodes).map(must);
        expect(parts).toHaveLength(nodes);
        for (const [at, part] of parts.entries()) {
          expect(part.base >= range.base && part.base + count(part) <= range.base + count(range)).toBe(true);
          for (const other of parts.slice(at + 1)) expect(overlaps(part, other)).toBe(false);
        }
      }),
    );
  });
});

test('two ranges overlap just when some address lies in both', () => {
  const range = fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 }))
    .map(([last, bits]) => ({ family: 4 as const, bits, base: BigInt(last - (last % 2 ** (32 - bits))) }));
  fc.assert(
    fc.property(range, range, (a, b) => {
      const within = (value: bigint, { base, ...rest }: typeof a): boolean =>
        value >= base && value < base + count({ base, ...rest });
      const shared = Array.from({ length: 256 }, (_, value) => BigInt(value)).some(
        (value) => within(value, a) && within(value, b),
      );
      expect(overlaps(a, b)).toBe(shared);
      expect(parseCidr(formatCidr(a))).toEqual(a);
    }),
  );
});

describe('checkConflicts', () => {
  const ranges = plannedRanges(planFabric('ek-1', defaultRanges, 3, true));

  test.each([
    [{ dst: '10.244.7.0/24', dev: 'wg0' }, '--pod-cidr 10.244.0.0/16 meets route 10.244.7.0/24 on wg0 of this machine'],
    [{ dst: '10.0.0.0/8', dev: 'eth0' }, 'meets route 10.0.0.0/8 on eth0'],
    [{ dst: '10.240.0.9', type: 'local', dev: 'eth0' }, 'meets address 10.240.0.9 on eth0'],
    [{ dst: 'fd00:10:96::5', dev: 'eth0' }, '--service-cidr fd00:10:96::/112 meets route fd00:10:96::5'],
  ])('names route and flag: %j', (route, message) => {
    expect(() => checkConflicts(ranges, [route])).toThrow(message);
  });

  test('leaves the way to everywhere, and all that lies beside, alone', () => {
    const routes = [
      { dst: 'default', dev: 'eth0' },
      { dst: '192.0.2.0/24', dev: 'eth0' },
      { dst: 'ff00::/8', type: 'multicast', dev: 'eth0' },
      { dst: 'fe80::/64', dev: 'eth0' },
    ];
    expect(() => checkConflicts(ranges, routes)).not.toThrow();
  });
});
