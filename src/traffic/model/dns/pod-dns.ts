// The names of pods by their addresses (`10-244-1-2.shop.pod.cluster.local`), and those of namespaces.
// Only addresses that a pod of that namespace has: a name for any address would lend everybody a name of the cluster.
import type { Namespace, Pod } from 'kubernetes-types/core/v1.js';
import { addressRecord, dashedAddress } from './address-names.ts';
import type { DnsClients, DnsPart, DnsRecord, DnsSearch } from './ir-dns.ts';

/** Nothing for a pod that has ended: its addresses may be another's by now. */
export function podNames(pod: Pod, domain: string): DnsPart {
  const part = new Map<string, readonly DnsRecord[]>();
  for (const address of podAddresses(pod)) {
    part.set(`${dashedAddress(address)}.${pod.metadata?.namespace}.pod.${domain}`.toLowerCase(), [
      addressRecord(address),
    ]);
  }
  return part;
}

/**
 * Where the pod searches, by its addresses: as its resolv.conf says. Nobody for a pod whose address is its node's, since
 * others ask from there too, or that does not search in the cluster.
 */
export function podClients(pod: Pod, domain: string): DnsClients {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false, dnsConfig } = pod.spec ?? {};
  if (hostNetwork || dnsPolicy !== 'ClusterFirst') return new Map();
  const first = [`${pod.metadata?.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  const last = (dnsConfig?.searches ?? []).map((one) => one.replace(/\.$/, ''));
  const search: DnsSearch = {
    first: first.map((one) => one.toLowerCase()),
    last: last.map((one) => one.toLowerCase()),
  };
  return new Map(podAddresses(pod).map((address) => [address, search]));
}

/** Those it has; none once it has ended. */
function podAddresses(pod: Pod): string[] {
  const { phase, podIPs = [], podIP = '' } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return [];
  return [...new Set([...podIPs.map(({ ip = '' }) => ip), podIP])].filter((address) => address !== '');
}

/** A namespace is a name without data, also while nothing is in it. */
export function namespaceNames({ metadata }: Namespace, domain: string): DnsPart {
  return new Map(['svc', 'pod'].map((kind) => [`${metadata?.name}.${kind}.${domain}`.toLowerCase(), []]));
}
