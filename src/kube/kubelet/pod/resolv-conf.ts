// What a pod's resolv.conf says: the cluster's name server, the node's own, or what the pod itself asks for.
// Pure; the node's file is handed in as text.
import type { Pod } from 'kubernetes-types/core/v1.js';

/** The limits of common resolvers. (Upstream: pkg/apis/core/validation, MaxDNSNameservers and MaxDNSSearchPaths.) */
const MAX_SERVERS = 3;
const MAX_SEARCHES = 32;

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ClusterDns {
  /** Addresses of the cluster's name server; empty when it has none. */
  readonly servers: readonly string[];
  /** E.g. `cluster.local`. */
  readonly domain: string;
}

export function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) servers.push(rest[0]);
    // Of these the last one counts.
    else if (word === 'search' || word === 'domain') searches = rest.map((one) => one.replace(/(?<=.)\.$/, ''));
    else if (word === 'options') options = rest;
  }
  return { servers, searches, options };
}

/** A later option replaces an earlier one of its name. */
function mergeOptions(base: readonly string[], more: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const option of [...base, ...more]) byName.set(option.split(':')[0] ?? '', option);
  return [...byName.values()];
}

function ofPod(pod: Pod): DnsConfig {
  const { nameservers = [], searches = [], options = [] } = pod.spec?.dnsConfig ?? {};
  const written = options.map(({ name = '', value }) =>
    value === undefined || value === '' ? name : `${name}:${value}`,
  );
  return { servers: nameservers, searches, options: written };
}

/** (Upstream: pkg/kubelet/network/dns/dns.go GetPodDNS.) */
export function podDns(pod: Pod, cluster: ClusterDns, host: DnsConfig): DnsConfig {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false } = pod.spec ?? {};
  const first = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  let base: DnsConfig = host;
  if (dnsPolicy === 'None') base = { servers: [], searches: [], options: [] };
  else if (first && cluster.servers.length > 0) {
    const { domain } = cluster;
    const own = [`${pod.metadata?.namespace}.svc.${domain}`, `svc.${domain}`, domain];
    base = { servers: cluster.servers, searches: [...own, ...host.searches], options: ['ndots:5'] };
  }
  const more = ofPod(pod);
  return {
    servers: [...new Set([...base.servers, ...more.servers])].slice(0, MAX_SERVERS),
    searches: [...new Set([...base.searches, ...more.searches])].slice(0, MAX_SEARCHES),
    options: mergeOptions(base.options, more.options),
  };
}

export function formatResolvConf({ servers, searches, options }: DnsConfig): string {
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
    '',
  ].join('\n');
}
