// From AddressPools and IPAddressPools to pools; what is wrong with one costs that one, and is told.
// Pure; knows nothing of Services. Upstream for IPAddressPools: internal/config of metallb.io.
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { AddressPool, IPAddressPool, PoolAnnouncement, ServiceAllocation } from '#kube/api/load-balancer/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { type LabelQuery, labelSelectorQuery } from '#kube/api/selector.ts';
import { type AddressRange, formatRange, overlap, parseRange } from '#lib/address-range.ts';
import { type Pool, type PoolKind, poolId } from './pool.ts';

export type PoolProblemReason = 'InvalidAddresses' | 'InvalidSelector' | 'NoAddresses' | 'OverlappingAddresses';

export interface PoolProblem {
  readonly kind: PoolKind;
  readonly key: string;
  readonly reason: PoolProblemReason;
  /** Path of the field that is to blame. */
  readonly field: string;
  /** Sentence case; names the value and the remedy. */
  readonly message: string;
}

export interface PoolsRead {
  /** Oldest first. */
  readonly pools: readonly Pool[];
  readonly problems: readonly PoolProblem[];
}

const EVERY_INTERFACE: readonly PoolAnnouncement[] = [{ protocol: 'l2' }];

/**
 * A range that overlaps one of an older pool is left out of the younger: a Service that has an address keeps it with the
 * pool that gave it, and no address is given out by two.
 */
export function readPools(addressPools: readonly AddressPool[], ipAddressPools: readonly IPAddressPool[]): PoolsRead {
  const problems: PoolProblem[] = [];
  const taken: { range: AddressRange; by: Pool }[] = [];
  const pools: Pool[] = [];
  const all: { kind: PoolKind; object: AddressPool | IPAddressPool }[] = [
    ...addressPools.map((object) => ({ kind: 'AddressPool' as const, object })),
    ...ipAddressPools.map((object) => ({ kind: 'IPAddressPool' as const, object })),
  ];
  all.sort((a, b) => (ageOf(a.kind, a.object) < ageOf(b.kind, b.object) ? -1 : 1));
  for (const { kind, object } of all) {
    const tell = (reason: PoolProblemReason, field: string, message: string): void => {
      problems.push({ kind, key: objectKey(object), reason, field, message });
    };
    const pool = readPool(kind, object, tell);
    if (pool === undefined) continue;
    const ranges = pool.ranges.filter((range) => {
      const met = taken.find((other) => overlap(other.range, range));
      if (met === undefined) return true;
      const message = `${formatRange(range)} overlaps ${formatRange(met.range)} of ${met.by.kind} "${met.by.key}", which is older and keeps it; take it out of one of the two`;
      tell('OverlappingAddresses', 'spec.addresses', message);
      return false;
    });
    for (const range of ranges) taken.push({ range, by: pool });
    pools.push({ ...pool, ranges });
  }
  return { pools, problems };
}

/** Sorts by age; objects of one second by what they are called. */
function ageOf(kind: PoolKind, object: KubeObject): string {
  return `${object.metadata?.creationTimestamp ?? ''}|${poolId({ kind, key: objectKey(object) })}`;
}

type Tell = (reason: PoolProblemReason, field: string, message: string) => void;

/** Undefined when nothing can be given out of it. */
function readPool(kind: PoolKind, object: AddressPool | IPAddressPool, tell: Tell): Pool | undefined {
  const { metadata = {}, spec = {} } = object;
  const ranges = rangesOf(spec.addresses ?? [], tell);
  if (ranges.length === 0) {
    const message = 'No address can be given out of this pool; list CIDR blocks or ranges, e.g. 192.0.2.0/24';
    tell('NoAddresses', 'spec.addresses', message);
    return undefined;
  }
  const [given, field] =
    kind === 'AddressPool'
      ? [(object as AddressPool).spec?.allocation, 'spec.allocation']
      : [(object as IPAddressPool).spec?.serviceAllocation, 'spec.serviceAllocation'];
  const allocation = given === undefined ? undefined : allocationOf(given, field, tell);
  return {
    name: metadata.name ?? '',
    kind,
    key: objectKey(object),
    labels: metadata.labels ?? {},
    ranges,
    autoAssign: spec.autoAssign ?? true,
    avoidBuggyIPs: spec.avoidBuggyIPs ?? false,
    ...(allocation === undefined ? {} : { allocation }),
    announce: kind === 'AddressPool' ? ((object as AddressPool).spec?.announce ?? EVERY_INTERFACE) : [],
  };
}

function rangesOf(texts: readonly string[], tell: Tell): AddressRange[] {
  const ranges: AddressRange[] = [];
  for (const [at, text] of texts.entries()) {
    const range = parseRange(text);
    const field = `spec.addresses[${at}]`;
    if (range === undefined) {
      const hint = `write a CIDR block (192.0.2.0/24; a single address is 192.0.2.7/32) or a range (192.0.2.10-192.0.2.20)`;
      tell('InvalidAddresses', field, `"${text}" is no range of addresses; ${hint}`);
    } else if (ranges.some((other) => overlap(other, range))) {
      tell('OverlappingAddresses', field, `"${text}" overlaps another range of this pool; take one of the two out`);
    } else ranges.push(range);
  }
  return ranges;
}

function allocationOf(given: ServiceAllocation, field: string, tell: Tell): NonNullable<Pool['allocation']> {
  const queries = (selectors: readonly LabelSelector[] | undefined, name: string): LabelQuery[] =>
    (selectors ?? []).map((selector, at) => {
      try {
        return labelSelectorQuery(selector);
      } catch (error) {
        tell('InvalidSelector', `${field}.${name}[${at}]`, `It selects nothing: ${(error as Error).message}`);
        // Left out, it would open the pool to everyone.
        return NOBODY;
      }
    });
  return {
    priority: given.priority ?? 0,
    namespaces: given.namespaces ?? [],
    namespaceSelectors: queries(given.namespaceSelectors, 'namespaceSelectors'),
    serviceSelectors: queries(given.serviceSelectors, 'serviceSelectors'),
  };
}

/** Asks for a label to be there and not to be there. */
const NOBODY = labelSelectorQuery({
  matchExpressions: [
    { key: 'evenkeel.dev/nobody', operator: 'Exists' },
    { key: 'evenkeel.dev/nobody', operator: 'DoesNotExist' },
  ],
});
