// Which addresses a cluster of several nodes has: of the machine, of each node, of pods and of Services.
// Pure: from a few ranges to a plan; makes nothing and asks no machine.
import { UsageFailure } from '../../failure.ts';
import { addressAt, type Cidr, count, formatCidr, overlaps, parseCidr, subnet } from './cidr.ts';

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

const FLAGS: Readonly<Record<keyof Ranges, string>> = {
  fabric: '--fabric-cidr',
  pods: '--pod-cidr',
  services: '--service-cidr',
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
  readonly nodes: readonly PlannedNode[];
  /** What `net.ipv6.ip_nonlocal_bind` of the machine was before; absent where it was not changed. */
  readonly nonlocalBindBefore?: string;
}

/** Sizes of a node's range where the cluster's has room for it. */
const NODE_BITS = { 4: 24, 6: 64 } as const;
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
    fabric: readRanges(ranges.fabric, FLAGS.fabric),
    pods: readRanges(ranges.pods, FLAGS.pods),
    services: readRanges(ranges.services, FLAGS.services),
  };
  const dual = ipv6 && Object.values(parsed).every((list) => list.length === 2);
  const families = dual ? [0, 1] : [0];
  const of = (list: readonly Cidr[]): Cidr[] => families.flatMap((at) => list[at] ?? []);
  const [fabric, pods, services] = [of(parsed.fabric), of(parsed.pods), of(parsed.services)];
  checkDisjoint({ fabric, pods, services });
  for (const range of fabric) checkRoom(range, FIRST_NODE + BigInt(nodes) + 2n, FLAGS.fabric, nodes);
  for (const range of services) checkRoom(range, 16n, FLAGS.services, nodes);
  const split = pods.map((range) => splitPods(range, nodes));
  return {
    owner,
    machine: fabric.map((range) => addressAt(range, 1n)),
    prefixes: fabric.map(({ bits }) => bits),
    fabricCidrs: fabric.map(formatCidr),
    podCidrs: pods.map(formatCidr),
    serviceCidrs: services.map(formatCidr),
    nodes: nodeNames(nodes).map((name, at) => ({
      name,
      addresses: fabric.map((range) => addressAt(range, FIRST_NODE + BigInt(at + 1))),
      podCidrs: split.map((list) => list[at] ?? ''),
    })),
  };
}

/** Every range of a plan with the flag that moves it. */
export function plannedRanges({ fabricCidrs, podCidrs, serviceCidrs }: FabricPlan): PlannedRange[] {
  const list = (cidrs: readonly string[], flag: string): PlannedRange[] => cidrs.map((cidr) => ({ cidr, flag }));
  return [...list(fabricCidrs, FLAGS.fabric), ...list(podCidrs, FLAGS.pods), ...list(serviceCidrs, FLAGS.services)];
}

/** A range for each node: number i has the ith part, so that its number can be read in every pod's address. */
export function splitPods(range: Cidr, nodes: number): string[] {
  const preferred = NODE_BITS[range.family];
  // A range no larger than one node's belongs to the only node whole.
  if (nodes === 1 && range.bits >= preferred) return [formatCidr(range)];
  const parts = BigInt(nodes + 1);
  const bits = Math.max(preferred, range.bits + (parts - 1n).toString(2).length);
  const first = subnet(range, Math.min(bits, range.family === 4 ? 32 : 128), 1);
  if (bits > (range.family === 4 ? 29 : 125) || count(first) < 8n) {
    throw new UsageFailure(
      `Pod range "${formatCidr(range)}" is too small for ${nodes} nodes`,
      `Give ${FLAGS.pods} a larger one, e.g. ${defaultRanges.pods}`,
    );
  }
  return Array.from({ length: nodes }, (_, at) => formatCidr(subnet(range, bits, at + 1)));
}

function readRanges(text: string, flag: string): Cidr[] {
  const example = Object.entries(FLAGS).find(([, name]) => name === flag)?.[0] as keyof Ranges;
  const wrong = (problem: string): UsageFailure =>
    new UsageFailure(`"${text}" ${problem}`, `Give ${flag} e.g. ${defaultRanges[example]}`);
  const list = text.split(',').map((part) => parseCidr(part.trim()));
  const found = list.flatMap((cidr) => cidr ?? []);
  if (found.length !== list.length) throw wrong('is no range of addresses, or has bits set beyond its prefix');
  if (found[0]?.family !== 4 || found.length > 2 || (found[1] !== undefined && found[1].family !== 6)) {
    throw wrong('is not one IPv4 range, and at most one IPv6 range after it');
  }
  const special = found.find((cidr) => SPECIAL.some((other) => overlaps(cidr, other)));
  if (special !== undefined) throw wrong('holds addresses that cannot be those of a network (loopback, multicast)');
  return found;
}

const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/64', 'fe80::/10', 'ff00::/8'].flatMap(
  (text) => parseCidr(text) ?? [],
);

function checkRoom(range: Cidr, needed: bigint, flag: string, nodes: number): void {
  if (count(range) >= needed) return;
  throw new UsageFailure(`Range "${formatCidr(range)}" is too small for ${nodes} nodes`, `Give ${flag} a larger one`);
}

function checkDisjoint(all: Readonly<Record<keyof Ranges, readonly Cidr[]>>): void {
  const named = Object.entries(all).flatMap(([name, list]) =>
    list.map((cidr) => ({ cidr, flag: FLAGS[name as keyof Ranges] })),
  );
  for (const [at, one] of named.entries()) {
    const other = named.slice(at + 1).find(({ cidr }) => overlaps(cidr, one.cidr));
    if (other === undefined) continue;
    throw new UsageFailure(
      `Ranges "${formatCidr(one.cidr)}" and "${formatCidr(other.cidr)}" overlap`,
      `Give ${one.flag} or ${other.flag} another range`,
    );
  }
}
