// What stands in the status of a pool: how much of it is given out, and what is wrong with it.
// Pure; who has which address is the allocator's matter.
import type { AddressPool, IPAddressPool } from '#kube/api/load-balancer/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { Family } from '#lib/address-range.ts';
import { capacity, type Pool, type PoolKind, poolId } from '#traffic/model/pools/pool.ts';
import type { PoolProblem } from '#traffic/model/pools/read-pools.ts';
import type { Allocator } from './allocator.ts';

export interface PoolCounts {
  readonly assignedIPv4: number;
  readonly assignedIPv6: number;
  readonly availableIPv4: number;
  readonly availableIPv6: number;
}

/** By `poolId`. */
export function countPools(allocator: Allocator): Map<string, PoolCounts> {
  const used = new Map<string, Record<Family, number>>();
  for (const address of allocator.book.inUse()) {
    const pool = allocator.poolOf(address);
    if (pool === undefined) continue;
    const counts = used.get(poolId(pool)) ?? { 4: 0, 6: 0 };
    counts[address.family] += 1;
    used.set(poolId(pool), counts);
  }
  return new Map(
    allocator.pools.map((pool) => {
      const counts = used.get(poolId(pool)) ?? { 4: 0, 6: 0 };
      return [poolId(pool), { assignedIPv4: counts[4], assignedIPv6: counts[6], ...freeOf(pool, counts) }];
    }),
  );
}

function freeOf(pool: Pool, used: Record<Family, number>): Pick<PoolCounts, 'availableIPv4' | 'availableIPv6'> {
  const free = (family: Family): number => {
    const rest = capacity(pool, family) - BigInt(used[family]);
    if (rest < 0n) return 0;
    return rest > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(rest);
  };
  return { availableIPv4: free(4), availableIPv6: free(6) };
}

const NOTHING: PoolCounts = { assignedIPv4: 0, assignedIPv6: 0, availableIPv4: 0, availableIPv6: 0 };

/** The merge patch for the status subresource; undefined when all of it stands there. */
export function poolPatch(
  kind: PoolKind,
  object: (AddressPool | IPAddressPool) & KubeObject,
  counts: PoolCounts = NOTHING,
  problems: readonly PoolProblem[] = [],
  now: string,
): object | undefined {
  const before: Partial<PoolCounts> = object.status ?? {};
  const sameCounts = (Object.keys(NOTHING) as (keyof PoolCounts)[]).every((name) => before[name] === counts[name]);
  if (kind === 'IPAddressPool') return sameCounts ? undefined : { status: counts };
  const current = (object as AddressPool).status?.conditions?.find(({ type }) => type === 'Ready');
  const [first] = problems;
  const status = first === undefined ? 'True' : 'False';
  const reason = first?.reason ?? 'Valid';
  const message = problems.map((problem) => `${problem.field}: ${problem.message}`).join('\n');
  if (sameCounts && current?.status === status && current.reason === reason && current.message === message) {
    return undefined;
  }
  const lastTransitionTime = current?.status === status ? (current.lastTransitionTime ?? now) : now;
  const observedGeneration = object.metadata?.generation;
  const condition = {
    type: 'Ready',
    status,
    reason,
    message,
    lastTransitionTime,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
  return { status: { ...counts, conditions: [condition] } };
}

export function idOf(kind: PoolKind, object: KubeObject): string {
  return poolId({ kind, key: objectKey(object) });
}
