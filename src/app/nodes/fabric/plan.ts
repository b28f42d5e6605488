// Which addresses a cluster of several nodes has: of the machine, of each node, of pods and of Services.
// Pure: from a few ranges to a plan; makes nothing and asks no machine.
import { UsageFailure } from '../../failure.ts';
import { addressAt, type Cidr, formatCidr, subnet } from './cidr.ts';
import { checkDisjoint, checkRoom, checkUsable, rangeFlags as FLAGS, readRanges } from './ranges.ts';

/** Ranges as they are written: `IPv4`, or `IPv4,IPv6`. */
export interface Ranges {
  readonly fabric: string;
  readonly pods: string;
  readonly services: string;
}

export const defaultRanges: Ranges = {
  fabric: '10.240.0.0/24,fd00:10:240::/64',
  pods: '10.244.0.0/16,fd00:10:244::/48',
  services: '10.96.0.0/16,fd00:10:96::/112',
};

/** One range, and the flag that changes it. */
export interface PlannedRange {
  readonly cidr: string;
  readonly flag: string;
}

export interface PlannedNode {
  readonly name: string;
  /** At most one a family, IPv4 first. */
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
}

export interface FabricPlan {
  /** Begins the name of everything that is made for this cluster, e.g. `ek-1f3a5b`. */
  readonly owner: string;
  /** Addresses of the machine on the fabric, IPv4 first; `prefixes` are their lengths. */
  readonly machine: readonly string[];
  readonly prefixes: readonly number[];
  readonly fabricCidrs: readonly string[];
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** Of ServiceCIDRs that came while the cluster ran. */
  readonly moreServiceCidrs?: readonly string[];
  /** Addresses of Services that the machine answers for itself: the name server's. */
  readonly resolvers?: readonly string[];
  readonly nodes: readonly PlannedNode[];
  /** Of LoadBalancer Services; at most one a family, IPv4 first. */
  readonly balancerCidrs?: readonly string[];
  /** Nodes answer for them on the fabric; when left out the machine is led to them as to other Services. */
  readonly announced?: boolean;
  /** Families in which nodes and pods reach the world outside of the machine; none when left out. */
  readonly egress?: ReadonlyArray<4 | 6>;
}

/** Sizes of a node's range where the cluster's has room for it. */
const NODE_BITS = { 4: 24, 6: 64 } as const;
/** The smallest part that a node is given: room for some sixty pods. */
const LONGEST_NODE_BITS = { 4: 26, 6: 122 } as const;
/** The API server has the first, the name server the tenth. */
export const LEAST_SERVICES = 16n;
const RESOLVER = 10n;
/** Of a node on the fabric; the machine is at 1. */
const FIRST_NODE = 10n;

/** `node-1` and on. */
export function nodeNames(nodes: number): string[] {
  return Array.from({ length: nodes }, (_, at) => `node-${at + 1}`);
}

/**
 * IPv6 takes part where `ipv6` says that the machine speaks it and every range has one. Throws a `UsageFailure` for a
 * range that is none, is too small, or meets another.
 */
export function planFabric(owner: string, ranges: Ranges, nodes: number, ipv6: boolean): FabricPlan {
  const parsed = {
    fabric: netnsRanges(ranges, 'fabric'),
    pods: netnsRanges(ranges, 'pods'),
    services: netnsRanges(ranges, 'services'),
  };
  const dual = ipv6 && Object.values(parsed).every((list) => list.length === 2);
  const families = dual ? [0, 1] : [0];
  const of = (list: readonly Cidr[]): Cidr[] => families.flatMap((at) => list[at] ?? []);
  const [fabric, pods, services] = [of(parsed.fabric), of(parsed.pods), of(parsed.services)];
  const flagged = (list: readonly Cidr[], flag: string) => list.map((cidr) => ({ cidr, flag }));
  checkDisjoint([...flagged(fabric, FLAGS.fabric), ...flagged(pods, FLAGS.pods), ...flagged(services, FLAGS.services)]);
  for (const range of flagged(fabric, FLAGS.fabric)) {
    checkRoom(range, FIRST_NODE + BigInt(nodes) + 2n, `the machine and ${nodes} nodes need`);
  }
  for (const range of flagged(services, FLAGS.services)) checkRoom(range, LEAST_SERVICES, 'Services need');
  const split = pods.map((range) => splitPods(range, nodes));
  return {
    owner,
    machine: fabric.map((range) => addressAt(range, 1n)),
    prefixes: fabric.map(({ bits }) => bits),
    fabricCidrs: fabric.map(formatCidr),
    podCidrs: pods.map(formatCidr),
    serviceCidrs: services.map(formatCidr),
    resolvers: services.map((range) => addressAt(range, RESOLVER)),
    nodes: nodeNames(nodes).map((name, at) => ({
      name,
      addresses: fabric.map((range) => addressAt(range, FIRST_NODE + BigInt(at + 1))),
      podCidrs: split.map((list) => list[at] ?? ''),
    })),
  };
}

/** Every range of a plan with the flag that moves it. */
export function plannedRanges({ fabricCidrs, podCidrs, serviceCidrs, balancerCidrs = [] }: FabricPlan): PlannedRange[] {
  const list = (cidrs: readonly string[], flag: string): PlannedRange[] => cidrs.map((cidr) => ({ cidr, flag }));
  return [
    ...list(fabricCidrs, FLAGS.fabric),
    ...list(podCidrs, FLAGS.pods),
    ...list(serviceCidrs, FLAGS.services),
    ...list(balancerCidrs, FLAGS.balancer),
  ];
}

/** A range for each node: number i has the ith part, so that its number can be read in every pod's address. */
export function splitPods(range: Cidr, nodes: number): string[] {
  const preferred = NODE_BITS[range.family];
  const whole = nodes === 1 && range.bits >= preferred;
  const parts = BigInt(nodes + 1);
  // A range no larger than one node's belongs to the only node whole.
  const bits = whole ? range.bits : Math.max(preferred, range.bits + (parts - 1n).toString(2).length);
  if (bits > LONGEST_NODE_BITS[range.family]) {
    const least = LONGEST_NODE_BITS[range.family] - (nodes === 1 ? 0 : (parts - 1n).toString(2).length);
    throw new UsageFailure(
      `${FLAGS.pods} ${formatCidr(range)} is too small for ${nodes} ${nodes === 1 ? 'node' : 'nodes'}: each needs a /${LONGEST_NODE_BITS[range.family]} of it, or a wider one`,
      `Give ${FLAGS.pods} a /${least} or a wider one, e.g. a /${Math.min(least, range.family === 4 ? 16 : 48)}`,
    );
  }
  return whole
    ? [formatCidr(range)]
    : Array.from({ length: nodes }, (_, at) => formatCidr(subnet(range, bits, at + 1)));
}

/** One IPv4 range, and at most one of IPv6 after it, of addresses that a network can have. */
function netnsRanges(ranges: Ranges, name: keyof Ranges): Cidr[] {
  const [text, flag, example] = [ranges[name], FLAGS[name], defaultRanges[name]];
  const list = readRanges(text, flag, example);
  if (list[0]?.family !== 4 || list.length > 2 || (list[1] !== undefined && list[1].family !== 6)) {
    throw new UsageFailure(
      `${flag} "${text}" is not one IPv4 range, and at most one IPv6 range after it`,
      `Give ${flag} e.g. ${example}`,
    );
  }
  checkUsable(list, flag, example);
  return list;
}
