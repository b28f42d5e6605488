// The node that a service proxy works for, as its Node object and the machine say.
// Knows what kube-proxy asks of a Node; a proxy without one (outside of a cluster's nodes) has none of this.
import { networkInterfaces } from 'node:os';
import type { Node } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { ServiceCidr } from '#kube/api/service-ranges.ts';
import { canonicalIp, inAnyOf } from '#lib/ip.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import { contains, formatCidr, parseCidr, without } from '../nodes/fabric/cidr.ts';
import type { NodePlace } from './mesh/fronts.ts';

export interface NodeSettings {
  readonly name: string;
  /** CIDRs of all pods; empty when not known. */
  readonly clusterCidrs: readonly string[];
  /** Whose addresses count as those of pods: any of the cluster, those of this node, or nobody's. */
  readonly detectLocal: 'ClusterCIDR' | 'NodeCIDR' | 'None';
  /** Beside those that ServiceCIDRs of the cluster name. */
  readonly serviceCidrs: readonly string[];
  /** Addresses of the Services' ranges that somebody else answers for, such as a name server: they are let pass. */
  readonly apart?: readonly string[];
  /** `primary`: the node's own first address of each family. Else CIDRs that its addresses have to be in. */
  readonly nodePortAddresses: 'primary' | readonly string[];
  readonly masqueradeAll: boolean;
  /** Milliseconds, for Services that do not say; 0: TCP connections to endpoints that have gone are left alone. */
  readonly drainMs: number;
}

const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** Of the autoscaler: the node is about to go (KEP-3836). */
const LEAVING_TAINT = 'ToBeDeletedByClusterAutoscaler';

/** `machine` are the addresses that the network namespace has now; `ranges` what ServiceCIDRs say. */
export function nodeFactsOf(
  settings: NodeSettings,
  node: (Node & KubeObject) | undefined,
  machine: readonly string[],
  ranges: readonly string[] = [],
): NodeFacts {
  const reported = (node?.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .flatMap(({ address }) => canonicalIp(address) ?? []);
  const {
    name,
    clusterCidrs,
    detectLocal,
    serviceCidrs,
    apart = [],
    nodePortAddresses,
    masqueradeAll,
    drainMs,
  } = settings;
  const ownCidrs = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
  return {
    name,
    zone: node?.metadata?.labels?.[ZONE_LABEL] ?? '',
    addresses: [...new Set([...reported, ...machine])],
    nodePortAddresses:
      nodePortAddresses === 'primary'
        ? firstOfEachFamily(reported.length > 0 ? reported : machine.filter(isWide))
        : [...new Set([...reported, ...machine])].filter(isWide).filter(inAnyOf(nodePortAddresses)),
    podRanges: detectLocal === 'None' ? [] : detectLocal === 'NodeCIDR' ? ownCidrs : clusterCidrs,
    serviceRanges: rangesWithout([...new Set([...serviceCidrs, ...ranges])], apart),
    masqueradeAll,
    drainMs,
  };
}

/** Where a proxy of the node's own listens, and for whom: pods of the node, and what the machine itself asks. */
export function meshPlaceOf(
  settings: NodeSettings,
  node: (Node & KubeObject) | undefined,
  machine: readonly string[],
): NodePlace {
  const { podRanges, nodePortAddresses } = nodeFactsOf(
    { ...settings, detectLocal: 'NodeCIDR', nodePortAddresses: 'primary' },
    node,
    machine,
  );
  const pods = podRanges.length > 0 ? podRanges : settings.clusterCidrs;
  return {
    addresses: nodePortAddresses.filter((address) => machine.includes(address)),
    clients: pods.length === 0 ? undefined : [...pods, ...machine],
  };
}

/** Load balancers should send it nothing new: it is being deleted, or about to be. */
export function isLeaving(node: (Node & KubeObject) | undefined): boolean {
  if (node === undefined) return false;
  return (
    node.metadata?.deletionTimestamp !== undefined || (node.spec?.taints ?? []).some(({ key }) => key === LEAVING_TAINT)
  );
}

/** Addresses of this network namespace, link-local ones left out. */
export function machineAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.flatMap(({ address, scopeid }) => ((scopeid ?? 0) === 0 ? (canonicalIp(address) ?? []) : []));
}

/** Node ports are not served on loopback: the kernel drops what leaves the machine with such a source. */
function isWide(address: string): boolean {
  return !address.startsWith('127.') && address !== '::1';
}

function firstOfEachFamily(addresses: readonly string[]): string[] {
  const found = [addresses.find((one) => !one.includes(':')), addresses.find((one) => one.includes(':'))];
  return found.filter((one) => one !== undefined);
}

/** Of which Services have addresses, as the cluster says; also while it is on its way out, as long as it is there. */
export function rangesOf(objects: readonly ServiceCidr[]): string[] {
  return [...new Set(objects.flatMap(({ spec }) => spec?.cidrs ?? []))].sort();
}

/** Addresses of the ranges but these; a range within another one is not said twice. */
export function rangesWithout(ranges: readonly string[], addresses: readonly string[]): string[] {
  const all = ranges.flatMap((text) => parseCidr(text) ?? []);
  const widest = all.filter((one, at) =>
    all.every((other, place) => at === place || !contains(other, one) || (other.bits === one.bits && at < place)),
  );
  return addresses
    .flatMap((address) => parseCidr(`${address}/${address.includes(':') ? 128 : 32}`) ?? [])
    .reduce((cidrs, address) => cidrs.flatMap((cidr) => without(cidr, address)), widest)
    .map(formatCidr);
}
