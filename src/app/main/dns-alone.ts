// The DNS server as a process of its own, for whatever cluster the client leads to.
// Knows no command line; it ends when it is told to.
import { DnsFeed } from '#control/controllers/traffic/dns-feed.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { processMetrics } from '#telemetry/process-metrics.ts';
import { type DnsServer, startDnsServer } from '#traffic/dns/dns-server.ts';
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import {
  nameserversOf,
  resolvConf,
  searchesOf,
  type UpstreamAddress,
  upstreamName,
} from '#traffic/dns/forward/upstream-address.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { DnsConfig } from './dns-config/dns-config.ts';
import { serveMetrics } from './metrics-endpoint.ts';

/** Which names pods have by their addresses: every address one, those that pods have, or none. */
export const POD_NAMES = ['insecure', 'verified', 'disabled'] as const;
export type PodNames = (typeof POD_NAMES)[number];

const HOST_FILE = '/etc/resolv.conf';

interface DnsAloneOptions {
  readonly client: Client;
  readonly listen: readonly UpstreamAddress[];
  readonly metrics: readonly UpstreamAddress[];
  readonly domain: string;
  readonly ranges: readonly string[];
  /** Left out: what ConfigMaps say, else what /etc/resolv.conf names. */
  readonly upstreams?: readonly UpstreamAddress[];
  readonly stubs: readonly StubDomain[];
  readonly pods: PodNames;
  /** Whether the server searches in place of pods. */
  readonly autopath: boolean;
  /** Seconds. */
  readonly ttl: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stop: AbortSignal;
  readonly say: (line: string) => void;
}

/** Resolves once it has been stopped. Throws `Failure` when it cannot listen. */
export async function runDns(options: DnsAloneOptions): Promise<void> {
  const { client, domain, clock, log, stop } = options;
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve());
  });
  const informers = createInformers(client, { clock, log });
  const { upstreams, stubs } = options;
  const ownUpstreams = resolvConf(HOST_FILE, clock, nameserversOf);
  const config = new DnsConfig({ upstreams, stubs, ownUpstreams, client, informers, clock, log });
  const server = await listen(options, config);
  const text = (format: MetricFormat): string => `${server.metricsText(format)}${processMetrics(format)}`;
  const metrics = await Promise.all(
    options.metrics.map(({ address, port }) => serveMetrics([address], port, text, log)),
  );
  const feed = new DnsFeed({ informers, sink: server, domain, podNames: options.pods === 'verified', clock, log });
  try {
    config.start(() => server.forwardingChanged());
    informers.start();
    const names = feed.start().then(() => {
      options.say(`Serving ${domain} at ${server.endpoints.map(upstreamName).join(' ')}`);
    });
    // The API may not be there yet, or never; a signal ends the waiting too.
    names.catch(() => {});
    await Promise.race([stopped, names]);
    await stopped;
  } finally {
    feed.stop();
    await config.stop();
    await informers.stop();
    await Promise.all(metrics.map((page) => page.close()));
    await server.close();
  }
}

async function listen(options: DnsAloneOptions, config: DnsConfig): Promise<DnsServer> {
  const { listen, domain, ranges, ttl, clock, log } = options;
  try {
    return await startDnsServer({
      listen,
      domain,
      ranges,
      ttl,
      upstreams: () => config.upstreams(),
      stubs: () => config.stubs(),
      anyPodAddress: options.pods === 'insecure',
      ...(options.autopath ? { autopath: resolvConf(HOST_FILE, clock, searchesOf) } : {}),
      clock,
      log,
    });
  } catch (error) {
    const where = listen.map(upstreamName).join(' ');
    const remedy =
      codeOf(error) === 'EACCES'
        ? 'Ports below 1024 need privileges: run as root, or give --listen another port'
        : 'Give --listen an address of this machine and a port that is free';
    throw new Failure(`Cannot serve DNS at ${where}: ${messageOf(error)}`, remedy, { cause: error });
  }
}
