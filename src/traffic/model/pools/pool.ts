// A pool of addresses: what it holds, and which Services may have of it.
// Pure; knows nothing of who has which address.

import type { PoolAnnouncement } from '#kube/api/load-balancer/types.ts';
import type { LabelQuery, Labels } from '#kube/api/selector.ts';
import { type Address, type AddressRange, contains, type Family } from '#lib/address-range.ts';

export type PoolKind = 'AddressPool' | 'IPAddressPool';

export interface PoolAllocation {
  /** The lowest comes first; 0 comes last. */
  readonly priority: number;
  readonly namespaces: readonly string[];
  readonly namespaceSelectors: readonly LabelQuery[];
  readonly serviceSelectors: readonly LabelQuery[];
}

export interface Pool {
  /** As Services and advertisements name it. Pools of different kinds or namespaces may share it. */
  readonly name: string;
  readonly kind: PoolKind;
  /** Of its object. */
  readonly key: string;
  readonly labels: Labels;
  readonly ranges: readonly AddressRange[];
  /** Whether Services that do not ask for it may get of it. */
  readonly autoAssign: boolean;
  readonly avoidBuggyIPs: boolean;
  /** Left out: for every Service. */
  readonly allocation?: PoolAllocation;
  /** Advertisements of its own; other objects may add to them. */
  readonly announce: readonly PoolAnnouncement[];
}

/** What pools ask of a Service. */
export interface Applicant {
  readonly namespace: string;
  readonly labels: Labels;
  readonly namespaceLabels: Labels;
}

export function poolId({ kind, key }: Pick<Pool, 'kind' | 'key'>): string {
  return `${kind}/${key}`;
}

/** Whether the address is of the pool, whoever may have it. */
export function holds({ ranges }: Pick<Pool, 'ranges'>, address: Address): boolean {
  return ranges.some((range) => contains(range, address));
}

/** Some routers take an IPv4 address that ends so for that of a network or of everyone in it. */
export function isBuggy({ family, value }: Address): boolean {
  const last = value & 255n;
  return family === 4 && (last === 0n || last === 255n);
}

/** Whether a Service may newly get the address out of this pool. */
export function offers(pool: Pick<Pool, 'ranges' | 'avoidBuggyIPs'>, address: Address): boolean {
  return holds(pool, address) && !(pool.avoidBuggyIPs && isBuggy(address));
}

export function hasFamily({ ranges }: Pick<Pool, 'ranges'>, family: Family): boolean {
  return ranges.some((range) => range.family === family);
}

/**
 * Namespaces (named or selected) and Services must both fit where both are asked for. An allocation that asks for
 * nothing fits every Service; it is there for its priority.
 */
export function admits({ allocation }: Pick<Pool, 'allocation'>, applicant: Applicant): boolean {
  if (allocation === undefined) return true;
  const { namespaces, namespaceSelectors, serviceSelectors } = allocation;
  const asksNamespace = namespaces.length > 0 || namespaceSelectors.length > 0;
  const fits =
    namespaces.includes(applicant.namespace) ||
    namespaceSelectors.some((query) => query.matches(applicant.namespaceLabels));
  if (asksNamespace && !fits) return false;
  return serviceSelectors.length === 0 || serviceSelectors.some((query) => query.matches(applicant.labels));
}

/** Pools to try for a Service that names none, in their order: those meant for some Services, by priority, then the others. */
export function poolsFor(pools: readonly Pool[], applicant: Applicant): Pool[] {
  const rank = ({ allocation }: Pool): number => {
    if (allocation === undefined) return Number.POSITIVE_INFINITY;
    return allocation.priority > 0 ? allocation.priority : Number.MAX_SAFE_INTEGER;
  };
  return pools
    .filter((pool) => pool.autoAssign && admits(pool, applicant))
    .sort((a, b) => compare(rank(a), rank(b)) || compare(a.name, b.name) || compare(poolId(a), poolId(b)));
}

function compare<T extends number | string>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** How many addresses of a family a pool can give in all. */
export function capacity({ ranges, avoidBuggyIPs }: Pick<Pool, 'ranges' | 'avoidBuggyIPs'>, family: Family): bigint {
  let total = 0n;
  for (const { family: of, first, last } of ranges) {
    if (of !== family) continue;
    total += last - first + 1n;
    if (!avoidBuggyIPs || family === 6) continue;
    // Multiples of 256, and those one below.
    total -= multiples(first, last) + multiples(first + 1n, last + 1n);
  }
  return total;
}

function multiples(first: bigint, last: bigint): bigint {
  return last / 256n - (first + 255n) / 256n + 1n;
}
