// Claims and pools for tests of the allocator: whole ones, of which a test says only what it is about.
// Knows no API server.
import type { PoolSpec, ServiceAllocation } from '#kube/api/load-balancer/types.ts';
import { type Family, formatAddress, parseAddress } from '#lib/address-range.ts';
import type { Pool } from '#traffic/model/pools/pool.ts';
import { readPools } from '#traffic/model/pools/read-pools.ts';
import { Allocator, type Outcome } from './allocator.ts';
import type { Claim } from './claim.ts';

export interface Asked extends Partial<Omit<Claim, 'addresses' | 'families'>> {
  readonly families?: readonly Family[];
  readonly addresses?: readonly string[];
}

export function claimFor(name: string, asked: Asked = {}): Claim {
  const { addresses = [], ...rest } = asked;
  return {
    key: `default/${name}`,
    namespace: 'default',
    labels: {},
    namespaceLabels: {},
    families: [4],
    needsAll: false,
    ports: ['TCP/80'],
    sharingKey: '',
    backends: 'Cluster',
    ...rest,
    addresses: addresses.map((text) => {
      const address = parseAddress(text);
      if (address === undefined) throw new Error(`"${text}" is no address`);
      return address;
    }),
  };
}

export type PoolGiven = readonly string[] | (PoolSpec & { readonly allocation?: ServiceAllocation });

/** In the order given. */
export function poolsOf(given: Readonly<Record<string, PoolGiven>>): readonly Pool[] {
  const objects = Object.entries(given).map(([name, spec], at) => ({
    metadata: { name, creationTimestamp: `2026-01-01T00:00:${String(at).padStart(2, '0')}Z` },
    spec: 'length' in spec ? { addresses: spec as readonly string[] } : spec,
  }));
  const { pools, problems } = readPools(objects, []);
  const [problem] = problems;
  if (problem !== undefined) throw new Error(problem.message);
  return pools;
}

export function allocatorOf(given: Readonly<Record<string, PoolGiven>>): Allocator {
  const allocator = new Allocator();
  allocator.setPools(poolsOf(given));
  return allocator;
}

/** `192.0.2.1,fd00::1`, or the reason why there is none. */
export function shown({ addresses, refusal }: Outcome): string {
  if (addresses.length === 0) return refusal?.reason ?? '';
  return addresses.map(({ address }) => formatAddress(address)).join(',');
}
