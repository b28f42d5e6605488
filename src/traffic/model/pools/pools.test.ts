// Pools out of objects: what they hold, for whom they are, and what is told of those that make no sense.
// Pure; who has which address is the allocator's matter.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AddressPool, IPAddressPool } from '#kube/api/load-balancer/types.ts';
import { formatRange, parseRange } from '#lib/address-range.ts';
import { admits, capacity, offers, poolsFor } from './pool.ts';
import { readPools } from './read-pools.ts';

function addressPool(name: string, spec: NonNullable<AddressPool['spec']>, second = 0): AddressPool {
  return { metadata: { name, creationTimestamp: `2026-01-01T00:00:0${second}Z` }, spec };
}

function ipAddressPool(name: string, spec: NonNullable<IPAddressPool['spec']>, second = 0): IPAddressPool {
  return { metadata: { name, namespace: 'metallb-system', creationTimestamp: `2026-01-01T00:00:0${second}Z` }, spec };
}

describe('A pool', () => {
  it('of either kind is the same, but for its advertisements', () => {
    const { pools, problems } = readPools(
      [addressPool('ours', { addresses: ['192.0.2.0/28', 'fd00::/120'], allocation: { priority: 3 } }, 1)],
      [ipAddressPool('theirs', { addresses: ['192.0.2.16-192.0.2.20'], serviceAllocation: { priority: 3 } })],
    );
    expect(problems).toEqual([]);
    expect(pools.map(({ name, key }) => [name, key])).toEqual([
      ['theirs', 'metallb-system/theirs'],
      ['ours', 'ours'],
    ]);
    const [theirs, ours] = pools;
    expect(ours?.allocation).toEqual(theirs?.allocation);
    expect(ours?.announce).toEqual([{ protocol: 'l2' }]);
    expect(theirs?.announce).toEqual([]);
    expect(theirs?.ranges.map(formatRange)).toEqual(['192.0.2.16-192.0.2.20']);
  });

  it('tells of each range that is none, and keeps the others', () => {
    const { pools, problems } = readPools(
      [addressPool('a', { addresses: ['192.0.2.1', '192.0.2.0/30', '192.0.2.2/31'] })],
      [],
    );
    expect(pools[0]?.ranges.map(formatRange)).toEqual(['192.0.2.0/30']);
    expect(problems).toEqual([
      {
        kind: 'AddressPool',
        key: 'a',
        reason: 'InvalidAddresses',
        field: 'spec.addresses[0]',
        message:
          '"192.0.2.1" is no range of addresses; write a CIDR block (192.0.2.0/24; a single address is 192.0.2.7/32) or a range (192.0.2.10-192.0.2.20)',
      },
      {
        kind: 'AddressPool',
        key: 'a',
        reason: 'OverlappingAddresses',
        field: 'spec.addresses[2]',
        message: '"192.0.2.2/31" overlaps another range of this pool; take one of the two out',
      },
    ]);
  });

  it('without any range is none', () => {
    const { pools, problems } = readPools([addressPool('a', {})], []);
    expect(pools).toEqual([]);
    expect(problems.map(({ reason }) => reason)).toEqual(['NoAddresses']);
  });

  it('leaves a range to the older pool that has it', () => {
    const older = ipAddressPool('older', { addresses: ['192.0.2.128/25'] }, 1);
    const younger = addressPool('younger', { addresses: ['192.0.2.0/24', '198.51.100.0/24'] }, 2);
    const { pools, problems } = readPools([younger], [older]);
    expect(pools.map(({ name, ranges }) => [name, ranges.map(formatRange)])).toEqual([
      ['older', ['192.0.2.128/25']],
      ['younger', ['198.51.100.0/24']],
    ]);
    expect(problems.map(({ key, message }) => [key, message])).toEqual([
      [
        'younger',
        '192.0.2.0/24 overlaps 192.0.2.128/25 of IPAddressPool "metallb-system/older", which is older and keeps it; take it out of one of the two',
      ],
    ]);
  });

  it('with a selector that cannot be read is not open to everyone', () => {
    const selector = { matchExpressions: [{ key: 'a', operator: 'Near', values: [] }] };
    for (const allocation of [{ serviceSelectors: [selector] }, { namespaceSelectors: [selector] }]) {
      const { pools, problems } = readPools([addressPool('a', { addresses: ['192.0.2.0/24'], allocation })], []);
      expect(problems.map(({ reason }) => reason)).toEqual(['InvalidSelector']);
      const [pool] = pools;
      expect(pool && admits(pool, { namespace: 'x', labels: {}, namespaceLabels: {} })).toBe(false);
    }
  });

  it('can give as many addresses as it offers', () => {
    const octet = fc.nat(255);
    const range = fc.tuple(octet, octet, fc.nat(700)).map(([c, d, more]) => {
      const first = BigInt((192 << 24) >>> 0) + BigInt(c * 256 + d);
      return { family: 4 as const, first, last: first + BigInt(more) };
    });
    fc.assert(
      fc.property(range, fc.boolean(), (one, avoidBuggyIPs) => {
        const pool = { ranges: [one], avoidBuggyIPs };
        let offered = 0n;
        for (let value = one.first; value <= one.last; value++) if (offers(pool, { family: 4, value })) offered += 1n;
        expect(capacity(pool, 4)).toBe(offered);
        expect(capacity(pool, 6)).toBe(0n);
      }),
    );
  });

  it('of IPv6 may be larger than anyone counts', () => {
    const range = parseRange('fd00::/64');
    expect(range && capacity({ ranges: [range], avoidBuggyIPs: true }, 6)).toBe(1n << 64n);
  });
});

describe('Pools to try', () => {
  it('are those that give to who does not ask, by priority and name', () => {
    const { pools } = readPools(
      [
        addressPool('d', { addresses: ['192.0.2.0/30'] }),
        addressPool('c', { addresses: ['192.0.2.4/30'], allocation: { priority: 9 } }),
        addressPool('b', { addresses: ['192.0.2.8/30'], allocation: { priority: 9, namespaces: ['x'] } }),
        addressPool('a', { addresses: ['192.0.2.12/30'], autoAssign: false }),
        addressPool('e', { addresses: ['192.0.2.16/30'], allocation: { priority: 1, namespaces: ['y'] } }),
      ],
      [],
    );
    const names = poolsFor(pools, { namespace: 'x', labels: {}, namespaceLabels: {} }).map(({ name }) => name);
    expect(names).toEqual(['b', 'c', 'd']);
  });
});
