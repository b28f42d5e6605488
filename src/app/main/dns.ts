// The cluster's DNS server in this process: at the address that pods ask, fed with names, and told of by objects.
// Knows the server and the feed by their doors; where nothing can listen there is no DNS, and the log says why.
import ipaddr from 'ipaddr.js';
import type { DnsFeed } from '#control/controllers/traffic/dns-feed.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import type { DnsServer } from '#traffic/dns/dns-server.ts';
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import type { UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import { codeOf, messageOf } from '../failure.ts';
import type { DnsConfig } from './dns-config/dns-config.ts';
import { DNS_PORT, ensureDnsObjects, METRICS_PORT } from './dns-objects.ts';
import { serveMetrics } from './metrics-endpoint.ts';
import type { Shutdown } from './shutdown.ts';

export const CLUSTER_DOMAIN = 'cluster.local';

const HOST_FILE = '/etc/resolv.conf';

interface DnsOptions {
  /** One range, or one of each family after a comma. */
  readonly serviceCidr: string;
  readonly podCidr: string;
  readonly client: Client;
  readonly informers: Informers;
  /** Left out: what ConfigMaps say, else what the machine's own /etc/resolv.conf names. */
  readonly upstreams?: readonly UpstreamAddress[];
  /** Zones with resolvers of their own. */
  readonly stubs?: readonly StubDomain[];
  /** Whether the server searches in place of pods. */
  readonly autopath?: boolean;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface ClusterDns {
  /** Where pods ask; none where the server could not listen. */
  readonly addresses: readonly string[];
  readonly feed: DnsFeed | undefined;
  metricsText(format?: MetricFormat): string;
}

/** The tenth address of each Service range, by convention. */
export function dnsAddresses(serviceCidr: string): string[] {
  return serviceCidr.split(',').map((cidr) => {
    const [address, bits] = ipaddr.parseCIDR(cidr.trim());
    const isV4 = address.kind() === 'ipv4';
    const network = (isV4 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(`${address}/${bits}`).toByteArray();
    network[network.length - 1] = (network.at(-1) ?? 0) + 10;
    return ipaddr.fromByteArray(network).toString();
  });
}

/** Resolves when every name there is can be asked for. */
export async function startDns(options: DnsOptions, shutdown: Shutdown): Promise<ClusterDns> {
  const { client, informers, clock, log } = options;
  const addresses = dnsAddresses(options.serviceCidr);
  const [{ DnsConfig }, { nameserversOf, resolvConf }] = await Promise.all([
    import('./dns-config/dns-config.ts'),
    import('#traffic/dns/forward/upstream-address.ts'),
  ]);
  const config = new DnsConfig({
    upstreams: options.upstreams,
    stubs: options.stubs ?? [],
    ownUpstreams: resolvConf(HOST_FILE, clock, nameserversOf),
    client,
    informers,
    clock,
    log,
  });
  const server = await listenWhereItCan(options, config, addresses);
  if (server !== undefined) shutdown.add('dns', () => server.close());
  const served = server?.endpoints.map(({ address }) => address) ?? [];
  const told = await tellOf(served, addresses, client, log);
  if (server === undefined || !told) return { addresses: [], feed: undefined, metricsText: () => '' };
  const metrics = await serveMetrics(served, METRICS_PORT, (format) => server.metricsText(format), log);
  shutdown.add('dns metrics', () => metrics.close());
  const { DnsFeed } = await import('#control/controllers/traffic/dns-feed.ts');
  const feed = new DnsFeed({ informers, sink: server, domain: CLUSTER_DOMAIN, podNames: false, clock, log });
  shutdown.add('dns names', () => feed.stop());
  config.start(() => server.forwardingChanged());
  shutdown.add('dns resolvers', () => config.stop());
  await feed.start();
  return { addresses: served, feed, metricsText: (format) => server.metricsText(format) };
}

/** False when the objects could not be written: their address may be another Service's. */
async function tellOf(
  served: readonly string[],
  addresses: readonly string[],
  client: Client,
  log: Logger,
): Promise<boolean> {
  try {
    await ensureDnsObjects(client, addresses, served);
    return true;
  } catch (error) {
    log.warn({ addresses, error: messageOf(error) }, 'No cluster DNS: its Service cannot be had');
    return false;
  }
}

/** At all addresses, or at the first that can be had: a machine may be without IPv6. */
async function listenWhereItCan(
  options: DnsOptions,
  config: DnsConfig,
  addresses: readonly string[],
): Promise<DnsServer | undefined> {
  const all = await listen(options, config, addresses);
  if (all !== undefined || addresses.length === 1) return all;
  for (const address of addresses) {
    const one = await listen(options, config, [address]);
    if (one !== undefined) return one;
  }
  return undefined;
}

async function listen(
  options: DnsOptions,
  config: DnsConfig,
  addresses: readonly string[],
): Promise<DnsServer | undefined> {
  const { clock, log } = options;
  const [{ startDnsServer }, { resolvConf, searchesOf }] = await Promise.all([
    import('#traffic/dns/dns-server.ts'),
    import('#traffic/dns/forward/upstream-address.ts'),
  ]);
  try {
    return await startDnsServer({
      listen: addresses.map((address) => ({ address, port: DNS_PORT })),
      domain: CLUSTER_DOMAIN,
      ranges: `${options.serviceCidr},${options.podCidr}`.split(',').map((range) => range.trim()),
      upstreams: () => config.upstreams(),
      stubs: () => config.stubs(),
      // As the specification wants it, and as kubeadm sets up CoreDNS.
      anyPodAddress: true,
      ...(options.autopath === true ? { autopath: resolvConf(HOST_FILE, clock, searchesOf) } : {}),
      clock,
      log,
    });
  } catch (error) {
    log.warn(
      { addresses, port: DNS_PORT, error: messageOf(error) },
      codeOf(error) === 'EACCES'
        ? 'Cannot serve cluster DNS there: port 53 needs privileges; run as root to have it'
        : 'Cannot serve cluster DNS there: this machine has no such address, or somebody listens at it',
    );
    return undefined;
  }
}
