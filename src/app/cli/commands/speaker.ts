// `evenkeel speaker`: makes the addresses of LoadBalancer Services known from one node of any cluster.
// Knows options and signals; what a speaker does is app/speaker.
import { isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { UsageFailure } from '../../failure.ts';
import { openLog } from '../../main/file-log.ts';
import type { Bind } from '../../main/pages.ts';
import { DEFAULT_HEARTBEAT_PORT, DEFAULT_SECRET, type SpeakerSettings } from '../../speaker/settings.ts';
import { bindParser } from '../bind-option.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { nodeName } from '../node-name.ts';
import { signalled } from '../signals.ts';
import { parseList, parsePort } from '../values.ts';

type Switch = 'on' | 'off';

interface Options extends ConnectOptions {
  readonly nodeName: string;
  readonly l2: Switch;
  readonly bgp: Switch;
  readonly interfaces: readonly string[];
  readonly heartbeatPort: number;
  readonly secret: string;
  readonly defaultLoadBalancer: Switch;
  readonly routerId?: string;
  readonly metricsBindAddress: readonly Bind[];
  readonly verbose: boolean;
}

export function speakerCommand(): Command {
  return new Command('speaker')
    .summary('make load-balancer addresses known from this node, in place of MetalLB’s speaker')
    .description(
      'Answers ARP and NDP for the addresses of LoadBalancer Services that this node is elected for, and announces them to routers by BGP, as AddressPools and MetalLB’s advertisements say. One runs on each node; they hear of each other by signed heartbeats, so that another takes over within a second when one dies.',
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .option('--node-name <name>', 'name of the Node (default: that of the machine)', hostname().toLowerCase())
    .addOption(new Option('--l2 <switch>', 'answer ARP and NDP').choices(['on', 'off']).default('on'))
    .addOption(new Option('--bgp <switch>', 'speak BGP with each BGPPeer').choices(['on', 'off']).default('on'))
    .addOption(
      new Option('--interfaces <name,...>', 'interfaces of layer 2')
        .argParser(parseList)
        .default([], 'all that lead to a network around the node'),
    )
    .addOption(
      new Option(
        '--heartbeat-port <port>',
        'UDP port by which speakers hear of each other, the same on all nodes; 0: Nodes alone say who is ready',
      )
        .argParser(parsePort)
        .default(DEFAULT_HEARTBEAT_PORT),
    )
    .option(
      '--secret <namespace/name>',
      'the Secret with the key of their heartbeats; made when it is not there',
      `${DEFAULT_SECRET.namespace}/${DEFAULT_SECRET.name}`,
    )
    .addOption(
      new Option('--default-load-balancer <switch>', 'announce Services without a class too')
        .choices(['on', 'off'])
        .default('on'),
    )
    .option('--router-id <address>', 'of BGP (default: what BGPPeers say, else the address of the node)')
    .addOption(
      new Option('--metrics-bind-address <address>', 'where to serve /metrics, /status and /healthz; "off" for nowhere')
        .argParser(bindParser(7472))
        .default([{ address: '127.0.0.1', port: 7472 }], '127.0.0.1:7472'),
    )
    .option('--verbose', 'log in detail', false)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel speaker --kubeconfig F --node-name n1
  $ evenkeel speaker --kubeconfig F --node-name n1 --interfaces eth0 --bgp off
  $ evenkeel speaker --kubeconfig F --node-name n1 --l2 off --router-id 192.0.2.1`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const settings = settingsOf(options);
  const log = await openLog(options.verbose ? { verbose: true } : { stderr: 'warn' });
  // Timers of the clock keep no process alive, and before the API answers there may be nothing else to do so.
  const awake = setInterval(() => {}, 60_000);
  try {
    const signal = signalled(['SIGINT', 'SIGTERM'], () => process.stderr.write('Stopping.\n'));
    const [{ client }, { runSpeaker }] = await Promise.all([connect(options), import('../../speaker/run.ts')]);
    try {
      const tell = (line: string): void => void process.stdout.write(`${line}\n`);
      await runSpeaker(settings, { client, clock: systemClock, log, signal, tell });
    } finally {
      await client.close();
    }
  } finally {
    clearInterval(awake);
    log.flush();
  }
}

function settingsOf(options: Options): SpeakerSettings {
  const { l2, bgp, secret, routerId } = options;
  if (l2 === 'off' && bgp === 'off') {
    throw new UsageFailure('Both --l2 and --bgp are off, so nothing would be announced', 'Leave one of them on');
  }
  const [namespace = '', name = '', ...rest] = secret.split('/');
  if (namespace === '' || name === '' || rest.length > 0) {
    throw new UsageFailure(
      `--secret "${secret}" is no NAMESPACE/NAME`,
      `Give e.g. ${DEFAULT_SECRET.namespace}/${DEFAULT_SECRET.name}`,
    );
  }
  if (routerId !== undefined && !isIPv4(routerId)) {
    throw new UsageFailure(`--router-id "${routerId}" is no IPv4 address`, 'Give e.g. 192.0.2.1, or leave it out');
  }
  return {
    nodeName: nodeName(options.nodeName, '--node-name'),
    l2: l2 === 'on',
    bgp: bgp === 'on',
    interfaces: options.interfaces,
    // Nobody beside it would act on it.
    nodeLiveness: false,
    heartbeatPort: options.heartbeatPort,
    secret: { namespace, name },
    defaultLoadBalancer: options.defaultLoadBalancer === 'on',
    ...(routerId === undefined ? {} : { routerId }),
    metrics: options.metricsBindAddress[0],
  };
}
