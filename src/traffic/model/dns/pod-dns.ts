// The names of pods by their addresses (`10-244-1-2.shop.pod.cluster.local`), and those of namespaces.
// Only addresses that a pod of that namespace has: a name for any address would lend everybody a name of the cluster.
import type { Namespace, Pod } from 'kubernetes-types/core/v1.js';
import { addressRecord, dashedAddress } from './address-names.ts';
import type { DnsPart, DnsRecord } from './ir-dns.ts';

/** Nothing for a pod that has ended: its addresses may be another's by now. */
export function podNames(pod: Pod, domain: string): DnsPart {
  const part = new Map<string, readonly DnsRecord[]>();
  const { phase, podIPs = [], podIP } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return part;
  for (const address of new Set([...podIPs.map(({ ip }) => ip), podIP])) {
    if (address === undefined || address === '') continue;
    part.set(`${dashedAddress(address)}.${pod.metadata?.namespace}.pod.${domain}`.toLowerCase(), [
      addressRecord(address),
    ]);
  }
  return part;
}

/** A namespace is a name without data, also while nothing is in it. */
export function namespaceNames({ metadata }: Namespace, domain: string): DnsPart {
  return new Map(['svc', 'pod'].map((kind) => [`${metadata?.name}.${kind}.${domain}`.toLowerCase(), []]));
}
