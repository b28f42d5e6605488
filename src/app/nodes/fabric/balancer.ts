// Which addresses LoadBalancer Services of a cluster get: a part of the fabric's range, or what --lb-pool says.
// Pure: from a plan to ranges; the pool that holds them is made elsewhere.
import { UsageFailure } from '../../failure.ts';
import { addressAt, type Cidr, contains, count, formatCidr, overlaps, parseCidr, subnet } from './cidr.ts';
import type { FabricPlan } from './plan.ts';
import { checkDisjoint, checkUsable, type FlaggedRange, rangeFlags, readRanges } from './ranges.ts';

const LB_FLAG = rangeFlags.balancer;
/** Outside of every other default, for those who want more than a share of the fabric. */
export const EXAMPLE_BALANCER = '10.250.0.0/24';

/** As `--lb-pool none` reads. */
export const NO_POOL = 'none';

/** The last eighth of the fabric's IPv4 range; of IPv6 the 4,096 addresses from f000 on, where few nodes come to be. */
const SHARE_BITS = 3;
const SHARE_OF_IPV6 = { place: 0xf000n, bits: 116 } as const;
/** The first and the last are not given out. */
const LEAST = 4n;

/**
 * At most one range a family, IPv4 first; none where the fabric has no room, or for `none`. Throws a `UsageFailure` when
 * what is asked for meets an address of something else.
 */
export function planBalancer(plan: FabricPlan, asked?: string): readonly string[] {
  if (asked === NO_POOL) return [];
  const taken = [...plan.machine, ...plan.nodes.flatMap(({ addresses }) => addresses)];
  const meets = (range: Cidr): string | undefined =>
    taken.find((address) => {
      const one = parseCidr(`${address}/${address.includes(':') ? 128 : 32}`);
      return one !== undefined && overlaps(one, range);
    });
  if (asked === undefined) {
    const shares = plan.fabricCidrs.flatMap((text) => parseCidr(text) ?? []).flatMap((range) => shareOf(range) ?? []);
    return shares.filter((range) => meets(range) === undefined).map(formatCidr);
  }
  const ranges = readRanges(asked, LB_FLAG, EXAMPLE_BALANCER).filter(
    ({ family }) => family === 4 || plan.machine.length > 1,
  );
  checkFamilies(ranges, asked);
  checkUsable(ranges, LB_FLAG, EXAMPLE_BALANCER);
  const others = [...flagged(plan.podCidrs, rangeFlags.pods), ...flagged(plan.serviceCidrs, rangeFlags.services)];
  const fabric = flagged(plan.fabricCidrs, rangeFlags.fabric);
  for (const cidr of ranges) {
    // Within the fabric it is where layer 2 announces it; a range that reaches beyond it would be cut in two.
    const within = fabric.some((one) => contains(one.cidr, cidr));
    checkDisjoint([{ cidr, flag: LB_FLAG }, ...others, ...(within ? [] : fabric)]);
    const address = meets(cidr);
    if (address === undefined) continue;
    throw new UsageFailure(
      `${LB_FLAG} ${formatCidr(cidr)} holds ${address}, the address of a node or of the machine`,
      `Give ${LB_FLAG} another range, e.g. ${EXAMPLE_BALANCER}`,
    );
  }
  return ranges.map(formatCidr);
}

export function checkFamilies(ranges: readonly Cidr[], text: string): void {
  const small = ranges.some((range) => count(range) < LEAST);
  if (!small && new Set(ranges.map(({ family }) => family)).size === ranges.length) return;
  throw new UsageFailure(
    `${LB_FLAG} "${text}" is not one range of each family, with 4 addresses or more`,
    `Give ${LB_FLAG} e.g. ${EXAMPLE_BALANCER}; further ranges go into an AddressPool`,
  );
}

function shareOf(range: Cidr): Cidr | undefined {
  if (range.family === 6) {
    if (range.bits >= SHARE_OF_IPV6.bits - 4) return undefined;
    return { family: 6, base: range.base + SHARE_OF_IPV6.place, bits: SHARE_OF_IPV6.bits };
  }
  const bits = range.bits + SHARE_BITS;
  return bits > 30 ? undefined : subnet(range, bits, 2 ** SHARE_BITS - 1);
}

function flagged(texts: readonly string[], flag: string): FlaggedRange[] {
  return texts.flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr === undefined ? [] : [{ cidr, flag }];
  });
}

/** As a pool has it: without the first and the last of IPv4, which may stand for the network and for everyone in it. */
export function poolAddresses(cidr: string): string {
  const range = parseCidr(cidr);
  if (range === undefined || range.family === 6) return cidr;
  return `${addressAt(range, 1n)}-${addressAt(range, count(range) - 2n)}`;
}
