// `evenkeel service-proxy`: Services at layer 4 on one node of any cluster, in place of kube-proxy.
// Knows options and signals; what a proxy does is app/service-proxy.
import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { type Scheduler, schedulers } from '#traffic/kernel/ipvs/table.ts';
import { UsageFailure } from '../../failure.ts';
import { openLog } from '../../main/file-log.ts';
import type { Bind } from '../../main/pages.ts';
import { MODES, type Mode } from '../../service-proxy/drivers.ts';
import type { ServiceProxySettings } from '../../service-proxy/run.ts';
import { SilenceBoard } from '../../service-proxy/silence.ts';
import type { BesideProxy } from '../../speaker/beside-proxy.ts';
import { bindParser } from '../bind-option.ts';
import { checkLocalMode, checkRanges } from '../checks.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { addConntrackOptions, type ConntrackOptions, conntrackOf } from '../conntrack-options.ts';
import { isNodeLivenessOn, type NodeLiveness, nodeLivenessOption } from '../node-liveness-option.ts';
import { nodeName } from '../node-name.ts';
import { signalled } from '../signals.ts';
import { parseCount, parseDuration, parseList } from '../values.ts';

interface Options extends ConnectOptions, ConntrackOptions {
  readonly mode: Mode;
  readonly proxyMode?: Mode;
  readonly ipvsScheduler?: Scheduler;
  readonly cgroup?: string;
  readonly hostnameOverride?: string;
  readonly clusterCidr: readonly string[];
  readonly serviceCidr: readonly string[];
  readonly detectLocalMode?: 'ClusterCIDR' | 'NodeCIDR' | 'None';
  readonly nodeportAddresses: readonly string[];
  readonly masqueradeAll: boolean;
  readonly tcpDrainTimeout: number;
  readonly healthzBindAddress: readonly Bind[];
  readonly metricsBindAddress: readonly Bind[];
  readonly announce?: readonly string[];
  readonly nodeLiveness?: NodeLiveness;
  readonly mesh: boolean;
  readonly meshWorkers: number;
  readonly keepRules: boolean;
  readonly verifyInterval: number;
  readonly cleanup: boolean;
  readonly verbose: boolean;
}

export function serviceProxyCommand(): Command {
  const command = new Command('service-proxy')
    .summary('serve Services on this node, in place of kube-proxy')
    .description(
      'Keeps the rules by which the kernel of this machine leads Services to their endpoints: ClusterIPs, node ports, load-balancer addresses and external IPs, TCP, UDP and SCTP, IPv4 and IPv6. It reads Services, EndpointSlices and its own Node, as kube-proxy does; flags that kube-proxy has too mean the same.',
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .addOption(new Option('--mode <mode>', 'how rules are enforced').choices(MODES).default('auto'))
    .addOption(new Option('--proxy-mode <mode>', 'the same').choices(MODES).hideHelp())
    .addOption(
      new Option(
        '--ipvs-scheduler <name>',
        'with --mode ipvs: how endpoints are picked (default: rr, wrr with weights)',
      ).choices(schedulers),
    )
    .option(
      '--cgroup <dir>',
      'with --mode ebpf: serve the sockets of this control group of version 2 (default: the root)',
    )
    .option('--hostname-override <name>', 'name of the Node (default: that of the machine)')
    .addOption(
      new Option(
        '--cluster-cidr <range,...>',
        'addresses of all pods: whoever has another is masqueraded to ClusterIPs',
      )
        .argParser(parseList)
        .default([], 'none'),
    )
    .addOption(
      new Option('--service-cidr <range,...>', 'addresses of Services: those that none has are dropped')
        .argParser(parseList)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--detect-local-mode <mode>',
        'who counts as a pod: any of --cluster-cidr, those of this node, nobody (default: ClusterCIDR with --cluster-cidr, else NodeCIDR)',
      ).choices(['ClusterCIDR', 'NodeCIDR', 'None']),
    )
    .addOption(
      new Option('--nodeport-addresses <range,...>', "where node ports are served: ranges of the node's addresses")
        .argParser(parseList)
        .default(['primary'], 'primary, its first address of each family'),
    )
    .addOption(
      new Option(
        '--tcp-drain-timeout <duration>',
        'end TCP connections to an endpoint this long after it has gone; a Service\'s annotation evenkeel.dev/drain-timeout counts before it; "off" leaves them alone',
      )
        .argParser(parseDrain)
        .default(0, 'off'),
    )
    .option('--masquerade-all', 'masquerade everybody who uses a ClusterIP', false)
    .addOption(
      new Option('--healthz-bind-address <address>', 'where to serve /healthz and /livez; "off" for nowhere')
        .argParser(bindParser(10_256))
        .default([{ address: '0.0.0.0', port: 10_256 }], '0.0.0.0:10256'),
    )
    .addOption(
      new Option('--metrics-bind-address <address>', 'where to serve /metrics; "off" for nowhere')
        .argParser(bindParser(10_249))
        .default([{ address: '127.0.0.1', port: 10_249 }], '127.0.0.1:10249'),
    )
    .addOption(
      new Option(
        '--announce <interface,...>',
        'announce load-balancer addresses as well, as evenkeel speaker does: on these interfaces, or "auto"',
      ).argParser(parseList),
    )
    .addOption(nodeLivenessOption('default: on with --announce'))
    .option(
      '--mesh',
      'serve routes of the Gateway API whose parent is a Service: requests of pods to it go by a proxy on the node',
      false,
    )
    .addOption(
      new Option('--mesh-workers <number>', 'with --mesh: threads of that proxy').argParser(parseCount).default(2),
    )
    .option('--keep-rules', 'leave the rules in force at the end, for the next proxy to take over without a gap', false)
    .addOption(
      new Option('--verify-interval <duration>', 'between comparisons with what the kernel has')
        .argParser(parseDuration)
        .default(600_000, '10m'),
    )
    .option('--cleanup', 'remove the rules that an earlier proxy left, and end', false)
    .option('--verbose', 'log in detail', false)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel service-proxy --kubeconfig /var/lib/kube-proxy/kubeconfig --cluster-cidr 10.244.0.0/16
  $ evenkeel service-proxy --kubeconfig F --hostname-override n1 --keep-rules
  $ evenkeel service-proxy --kubeconfig F --tcp-drain-timeout 30s
  $ evenkeel service-proxy --kubeconfig F --mode ebpf
  $ evenkeel service-proxy --kubeconfig F --mode ipvs --ipvs-scheduler wlc
  $ evenkeel service-proxy --kubeconfig F --mesh
  $ evenkeel service-proxy --cleanup`,
    )
    .action(run);
  return addConntrackOptions(command);
}

async function run(options: Options): Promise<void> {
  // What is left is removed whatever the machine is called, so that no name of a Node is asked for.
  const settings = options.cleanup ? undefined : settingsOf(options);
  const log = await openLog(options.verbose ? { verbose: true } : { stderr: 'warn' });
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  // Timers of the clock keep no process alive, and before the API answers there may be nothing else to do so.
  const awake = setInterval(() => {}, 60_000);
  try {
    if (settings === undefined) {
      const { cleanUp } = await import('../../service-proxy/clean-up.ts');
      await cleanUp(options.proxyMode ?? options.mode, { warn: (message) => log.warn({}, message), tell });
      return;
    }
    const signal = signalled(['SIGINT', 'SIGTERM'], () => process.stderr.write('Stopping.\n'));
    const [{ client }, { runServiceProxy }] = await Promise.all([
      connect(options),
      import('../../service-proxy/run.ts'),
    ]);
    const ending = new AbortController();
    const silence = new SilenceBoard();
    const onSilence = (silent: ReadonlySet<string>): void => silence.tell(silent);
    const beside = { client, clock: systemClock, log, tell, onSilence };
    const speaker = await speakerBeside(options, settings.node.name, beside);
    const end = (): void => void (speaker?.leave() ?? Promise.resolve()).then(() => ending.abort());
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    try {
      const onReady = (): void => speaker?.proxyReady();
      const deps = { client, clock: systemClock, log, signal: ending.signal, tell, onReady, silence };
      await runServiceProxy(settings, deps);
    } finally {
      await speaker?.leave();
      await client.close();
    }
  } finally {
    clearInterval(awake);
    log.flush();
  }
}

async function speakerBeside(
  { announce, nodeLiveness }: Options,
  nodeName: string,
  deps: ConstructorParameters<typeof BesideProxy>[1],
): Promise<BesideProxy | undefined> {
  if (announce === undefined) return undefined;
  const { BesideProxy, speakerOf } = await import('../../speaker/beside-proxy.ts');
  const interfaces = announce.filter((name) => name !== 'auto');
  return new BesideProxy(speakerOf(nodeName, interfaces, isNodeLivenessOn(nodeLiveness, true)), deps);
}

function settingsOf(options: Options): ServiceProxySettings {
  const { clusterCidr, serviceCidr, nodeportAddresses: addresses } = options;
  isNodeLivenessOn(options.nodeLiveness, options.announce !== undefined);
  const primary = addresses.length === 1 && addresses[0] === 'primary';
  checkRanges('--cluster-cidr', clusterCidr, '10.244.0.0/16');
  checkRanges('--service-cidr', serviceCidr, '10.96.0.0/16');
  if (!primary) checkRanges('--nodeport-addresses', addresses, '192.0.2.0/24, or primary');
  const mode = options.proxyMode ?? options.mode;
  onlyWith('--ipvs-scheduler', options.ipvsScheduler, 'ipvs', mode);
  onlyWith('--cgroup', options.cgroup, 'ebpf', mode);
  checkLocalMode(options.detectLocalMode ?? '', clusterCidr);
  const [healthz] = options.healthzBindAddress;
  const [metrics] = options.metricsBindAddress;
  return {
    mode,
    node: {
      // As upstream: names of machines may have capitals, those of Nodes have none.
      name: nodeName((options.hostnameOverride ?? hostname()).trim().toLowerCase(), '--hostname-override'),
      clusterCidrs: clusterCidr,
      detectLocal: options.detectLocalMode ?? (clusterCidr.length > 0 ? 'ClusterCIDR' : 'NodeCIDR'),
      serviceCidrs: serviceCidr,
      nodePortAddresses: primary ? 'primary' : addresses,
      masqueradeAll: options.masqueradeAll,
      drainMs: options.tcpDrainTimeout,
    },
    ...(options.ipvsScheduler === undefined ? {} : { scheduler: options.ipvsScheduler }),
    ...(options.cgroup === undefined ? {} : { cgroup: options.cgroup }),
    healthz,
    metrics,
    ...(options.mesh ? { mesh: { workers: options.meshWorkers } } : {}),
    keepRules: options.keepRules,
    verifyMs: options.verifyInterval,
    conntrack: conntrackOf(options),
  };
}

function onlyWith(flag: string, given: string | undefined, wanted: Mode, mode: Mode): void {
  if (given === undefined || mode === wanted) return;
  throw new UsageFailure(`${flag} means nothing to --mode ${mode}`, `Give --mode ${wanted}, or leave it out`);
}

/** Milliseconds; 0 for `off`. */
function parseDrain(text: string): number {
  return text === 'off' ? 0 : parseDuration(text);
}
