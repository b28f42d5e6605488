// The cluster's DNS server: its names, the forwarder for all others, and the addresses it is asked at.
// Knows nothing of where names come from: they are published as data.

import { networkInterfaces } from 'node:os';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import type { DnsClientUpdate, DnsSink, DnsUpdate } from '#traffic/model/dns/ir-dns.ts';
import { Forwarder } from './forward/forwarder.ts';
import type { StubDomain } from './forward/stub-domain.ts';
import type { UpstreamAddress } from './forward/upstream-address.ts';
import { DnsMetrics } from './metrics.ts';
import type { Endpoint } from './server/endpoint.ts';
import { Responder } from './server/responder.ts';
import { SearchPaths } from './server/search-paths.ts';
import { listenTcp } from './server/tcp.ts';
import { listenUdp } from './server/udp.ts';
import { ClusterZone } from './zone/cluster-zone.ts';

export interface DnsServerOptions {
  /** The same port for UDP and TCP at each address; 0 takes a free one. `0.0.0.0` and `::` are all of a family. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** e.g. `cluster.local`. */
  readonly domain: string;
  /** Seconds that answers about the cluster may be kept; left out: 5. */
  readonly ttl?: number;
  /** Whether every address is a pod's name, not only those published; left out: false. */
  readonly anyPodAddress?: boolean;
  /** Searches in place of clients that are published; the domains that their nodes add. Left out: they do it themselves. */
  readonly autopath?: () => readonly string[];
  /** Ranges of pods and Services, whose addresses nobody else is asked about. */
  readonly ranges: readonly string[];
  readonly upstreams: () => readonly UpstreamAddress[];
  /** Zones whose names are asked of servers of their own. */
  readonly stubs?: () => readonly StubDomain[];
  /** Milliseconds for one upstream resolver to answer. */
  readonly attemptMs?: number;
  /** Questions to upstream resolvers at a time; left out: 1,000. */
  readonly maxForwards?: number;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface DnsServer extends DnsSink {
  /** Where it listens, for UDP and for TCP alike. */
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
  /** `upstreams` or `stubs` say something else from now on. */
  forwardingChanged(): void;
  metricsText(format?: MetricFormat): string;
  close(): Promise<void>;
}

const DEFAULT_TTL = 5;

/** Rejects with what binding threw, and listens nowhere then. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { listen, clock, log } = options;
  const metrics = new DnsMetrics();
  const listening: Endpoint[] = [];
  const zone = new ClusterZone({
    domain: options.domain,
    ttl: options.ttl ?? DEFAULT_TTL,
    addresses: listen.flatMap(({ address }) => (isAny(address) ? [] : [address])),
    ranges: options.ranges,
    anyPodAddress: options.anyPodAddress,
    clock,
  });
  const searchPaths = options.autopath && new SearchPaths(options.autopath);
  const forwarder = new Forwarder({
    upstreams: options.upstreams,
    ...(options.stubs === undefined ? {} : { stubs: options.stubs }),
    isSelf: ({ address, port }) =>
      listening.some(
        (own) => own.port === port && (own.address === address || (isAny(own.address) && isOfMachine(address))),
      ),
    metrics,
    clock,
    log,
    ...(options.attemptMs === undefined ? {} : { attemptMs: options.attemptMs }),
    ...(options.maxForwards === undefined ? {} : { maxPending: options.maxForwards }),
  });
  const responder = new Responder({ zone, forwarder, searchPaths, metrics, clock, log });
  const close = async (): Promise<void> => {
    await Promise.all(listening.splice(0).map((endpoint) => endpoint.close()));
  };
  const endpoints: { address: string; port: number }[] = [];
  try {
    for (const { address, port } of listen) {
      const tcp = await listenTcp(address, port, responder, metrics, clock);
      listening.push(tcp);
      listening.push(await listenUdp(address, tcp.port, { responder, metrics, clock, log }));
      endpoints.push({ address, port: tcp.port });
    }
  } catch (error) {
    await close();
    throw error;
  }
  forwarder.probe();
  return {
    endpoints,
    publish: (update: DnsUpdate) => zone.publish(update),
    ...(searchPaths && { publishClients: (update: DnsClientUpdate) => searchPaths.publish(update) }),
    forwardingChanged: () => forwarder.changed(),
    metricsText: (format) => metrics.text(zone.names, format),
    close,
  };
}

const isAny = (address: string): boolean => address === '0.0.0.0' || address === '::';

function isOfMachine(address: string): boolean {
  if (address.startsWith('127.')) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((own) => own.address === address));
}
