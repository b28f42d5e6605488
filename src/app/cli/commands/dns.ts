// `evenkeel dns`: the DNS server of any cluster, fed by its API.
// Knows options and signals.
import { Command, InvalidArgumentError, Option } from 'commander';
import ipaddr from 'ipaddr.js';
import { systemClock } from '#lib/clock.ts';
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import type { UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import { UsageFailure } from '../../failure.ts';
import { CLUSTER_DOMAIN } from '../../main/dns.ts';
import { POD_NAMES, type PodNames, runDns } from '../../main/dns-alone.ts';
import { openLog } from '../../main/file-log.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { parseDnsStub, parseDnsUpstream, parseListen } from '../dns-option.ts';
import { signalled } from '../signals.ts';
import { collect } from '../values.ts';

interface Options extends ConnectOptions {
  readonly listen?: readonly UpstreamAddress[];
  readonly metrics?: readonly UpstreamAddress[];
  readonly domain: string;
  readonly range: readonly string[];
  readonly dnsUpstream?: readonly UpstreamAddress[];
  readonly dnsStubDomain?: readonly StubDomain[];
  readonly pods: PodNames;
  readonly autopath: boolean;
  readonly ttl: number;
  readonly verbose: boolean;
}

export function dnsCommand(): Command {
  return new Command('dns')
    .summary('serve the names of a cluster: its DNS server alone')
    .description(
      'Serves the names of a cluster\'s Services, endpoints and pods as the Kubernetes DNS specification has them, and asks upstream resolvers for all others. It reads Services, EndpointSlices and Namespaces of the cluster it is pointed at, and Pods for --autopath and --pods verified; "evenkeel up" has one of its own.',
    )
    .option('--kubeconfig <file>', 'cluster to serve (default: the embedded one, or as kubectl finds it)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--data <dir>', 'data directory of the embedded cluster (default: ~/.evenkeel)')
    .addOption(
      new Option(
        '--listen <address>',
        'where to serve UDP and TCP (repeatable), e.g. 0.0.0.0:53 (default: 127.0.0.1:5300)',
      ).argParser(parseListen),
    )
    .addOption(new Option('--metrics <address>', 'where to serve /metrics, e.g. 0.0.0.0:9153').argParser(parseListen))
    .option('--domain <name>', "the cluster's domain", CLUSTER_DOMAIN)
    .addOption(
      new Option('--range <cidr>', 'addresses of pods or Services (repeatable): nobody else is asked for their names')
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--dns-upstream <address>',
        'resolver for other names (repeatable), e.g. 1.1.1.1 or 10.0.0.2:5353 (default: those of the ConfigMaps kube-dns and coredns, else of /etc/resolv.conf)',
      ).argParser(parseDnsUpstream),
    )
    .addOption(
      new Option(
        '--dns-stub-domain <zone=address,...>',
        'ask these resolvers, and no others, for names of a zone (repeatable), e.g. corp.example=10.0.0.2,10.0.0.3:5353',
      ).argParser(parseDnsStub),
    )
    .addOption(
      new Option(
        '--pods <mode>',
        'names of pods by address, e.g. 10-244-1-2.shop.pod.cluster.local: insecure answers for any address, as the specification wants; verified for addresses that a pod of that namespace has; disabled for none',
      )
        .choices(POD_NAMES)
        .default('insecure'),
    )
    .option(
      '--autopath',
      "search in place of pods: one question for a short name instead of one for each domain of the pod's resolv.conf",
      false,
    )
    .addOption(
      new Option('--ttl <seconds>', 'how long answers about the cluster may be kept, 0 to 3600')
        .argParser(parseTtl)
        .default(5),
    )
    .option('--verbose', 'log in detail', false)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel dns --kubeconfig ~/.kube/config --listen 127.0.0.1:5300
  $ dig @127.0.0.1 -p 5300 kubernetes.default.svc.cluster.local
  $ dig @127.0.0.1 -p 5300 _https._tcp.kubernetes.default.svc.cluster.local SRV

In place of CoreDNS, on a node: listen at the address of the Service kube-dns that the kubelets hand to pods
(ip address add 10.96.0.10/32 dev lo), say whose addresses it answers for, and which metrics page to scrape.
  $ evenkeel dns --kubeconfig F --listen 10.96.0.10:53 --metrics 10.96.0.10:9153 \\
      --range 10.96.0.0/16 --range 10.244.0.0/16 --dns-upstream 1.1.1.1 --autopath`,
    )
    .action(async (options: Options) => {
      await run(options);
    });
}

function parseTtl(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > 3600) throw new InvalidArgumentError('Give whole seconds from 0 to 3600.');
  return seconds;
}

async function run(options: Options): Promise<void> {
  const wrong = options.range.find((range) => !ipaddr.isValidCIDR(range));
  if (wrong !== undefined) throw new UsageFailure(`"${wrong}" is no range`, 'Give --range e.g. 10.96.0.0/16');
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(options.domain)) {
    throw new UsageFailure(`"${options.domain}" is no domain`, 'Give --domain in lower case, e.g. cluster.local');
  }
  const { client } = await connect(options);
  const log = await openLog(options.verbose ? { verbose: true } : { stderr: 'warn' });
  const stop = signalled(['SIGINT', 'SIGTERM'], () => {});
  try {
    await runDns({
      client,
      listen: options.listen ?? [{ address: '127.0.0.1', port: 5300 }],
      metrics: options.metrics ?? [],
      domain: options.domain,
      ranges: options.range,
      pods: options.pods,
      autopath: options.autopath,
      ttl: options.ttl,
      ...(options.dnsUpstream === undefined ? {} : { upstreams: options.dnsUpstream }),
      stubs: options.dnsStubDomain ?? [],
      clock: systemClock,
      log,
      stop,
      say: (line) => void process.stdout.write(`${line}\n`),
    });
  } finally {
    await client.close();
    log.flush();
    // Whatever a part left open must not keep a finished process alive.
    setTimeout(() => process.exit(), 250).unref();
  }
}
