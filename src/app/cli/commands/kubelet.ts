// `evenkeel kubelet`: one node of a cluster, of ours or of anybody's.
// Knows options and signals; what a node does is nodes/agent.
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { UsageFailure } from '../../failure.ts';
import { asFailure } from '../../main/as-failure.ts';
import { createNodeDataDir, nodeDataDirAt } from '../../main/data-dir.ts';
import { openLog } from '../../main/file-log.ts';
import type { Images } from '../../main/images-file.ts';
import { acquireLock } from '../../main/instance-lock.ts';
import type { Bind } from '../../main/pages.ts';
import { runKubelet } from '../../nodes/agent/run.ts';
import type { KubeletNetwork, KubeletSettings } from '../../nodes/agent/settings.ts';
import { MODES, type Mode } from '../../service-proxy/drivers.ts';
import { bindParser } from '../bind-option.ts';
import { checkRanges, cniOf, networkOwner, nodeIps, podCidrs } from '../checks.ts';
import { parseImage } from '../image-option.ts';
import { isNodeLivenessOn, type NodeLiveness, nodeLivenessOption } from '../node-liveness-option.ts';
import { nodeName } from '../node-name.ts';
import { parseLabels, parseTaints } from '../node-options.ts';
import { signalled } from '../signals.ts';
import { collect, parseAddresses, parseCount, parseDuration, parseList, parsePort } from '../values.ts';

interface Options {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly nodeName: string;
  readonly nodeIp?: readonly string[];
  readonly podCidr?: readonly string[];
  readonly network: KubeletNetwork;
  readonly networkOwner?: string;
  readonly cniConf?: string;
  readonly cniBin?: readonly string[];
  readonly data?: string;
  readonly hide?: readonly string[];
  readonly nodeLabels?: KubeletSettings['labels'];
  readonly registerWithTaints?: KubeletSettings['taints'];
  readonly clusterDns?: readonly string[];
  readonly clusterDomain: string;
  readonly maxPods?: number;
  readonly podMaxPids?: number;
  readonly statsInterval?: number;
  readonly sharesMachine: boolean;
  readonly nodeLeaseDuration?: number;
  readonly nodeStatusFrequency?: number;
  readonly image?: Images;
  readonly images?: string;
  readonly stubImages: boolean;
  readonly engine?: string;
  readonly port: number;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly drainBy: KubeletSettings['drainBy'];
  readonly serviceProxy?: Mode;
  readonly mesh: boolean;
  readonly serviceCidr?: readonly string[];
  readonly healthzBindAddress: readonly Bind[];
  readonly metricsBindAddress: readonly Bind[];
  readonly announce?: readonly string[];
  readonly nodeLiveness?: NodeLiveness;
  readonly gracePeriod: number;
  readonly logFile?: string;
  readonly verbose: boolean;
  readonly untilInputEnds: boolean;
}

export function kubeletCommand(): Command {
  return new Command('kubelet')
    .summary('run a node of a cluster, at any Kubernetes API server')
    .description(
      'Registers this machine as a node, and runs the pods that are bound to it. SIGTERM, or Ctrl-C, ends its pods and then the node agent; its Node and its pods stay in the API, as with any kubelet.',
    )
    .option('--kubeconfig <file>', 'how to reach the API server (default: as kubectl does)')
    .option('--context <name>', 'context of the kubeconfig')
    .requiredOption('--node-name <name>', 'name of the Node')
    .addOption(
      new Option('--node-ip <address,...>', 'addresses of the node (default: that of the machine)').argParser(
        parseAddresses,
      ),
    )
    .addOption(
      new Option('--pod-cidr <range,...>', 'addresses of its pods (default: spec.podCIDRs of the Node)').argParser(
        parseList,
      ),
    )
    .addOption(
      new Option('--network <mode>', 'how pods are connected')
        .choices(['auto', 'loopback', 'bridge', 'cni'])
        .default('auto'),
    )
    .option('--network-owner <name>', 'what names of namespaces and links begin with, unique on this machine')
    .option('--cni-conf <dir>', 'directory of CNI network configurations')
    .addOption(new Option('--cni-bin <dir>', 'directory of CNI plugins (repeatable)').argParser(collect))
    .option('--data <dir>', 'where volumes, logs of containers and records are kept (default: ~/.evenkeel/nodes/NAME)')
    .addOption(new Option('--hide <dir>', 'directory that containers must not see (repeatable)').argParser(collect))
    .addOption(new Option('--node-labels <key=value,...>', 'added to the Node (repeatable)').argParser(parseLabels))
    .addOption(
      new Option('--register-with-taints <key=value:effect,...>', 'set on a Node that is new').argParser(parseTaints),
    )
    .addOption(
      new Option('--cluster-dns <address,...>', 'name servers of the pods (repeatable)').argParser(parseAddresses),
    )
    .option('--cluster-domain <name>', 'what names of the cluster end with', 'cluster.local')
    .addOption(new Option('--max-pods <n>', 'most pods that run here (default: 110)').argParser(parseCount))
    .addOption(
      new Option('--pod-max-pids <n>', 'most processes and threads of a pod (default: 4096)').argParser(parseCount),
    )
    .addOption(
      new Option('--stats-interval <duration>', 'between readings of what containers use (default: 10s)').argParser(
        parseDuration,
      ),
    )
    .option(
      '--shares-machine',
      'count as the use of the node that of its pods, since others run on this machine',
      false,
    )
    .addOption(
      new Option(
        '--node-lease-duration <duration>',
        'how long the node counts as alive without word (default: 40s)',
      ).argParser(parseDuration),
    )
    .addOption(
      new Option('--node-status-frequency <duration>', 'between full statuses (default: 5m)').argParser(parseDuration),
    )
    .addOption(
      new Option('--image <name=command>', 'what runs in place of an image (repeatable)').argParser(parseImage),
    )
    .option('--images <file>', 'an evenkeel.yaml that says what images run')
    .option('--stub-images', 'let the echo server stand in for images that are not here', false)
    .option('--engine <name>', 'run images that are not mapped in podman, docker, or the engine of a socket')
    .addOption(new Option('--port <port>', 'of logs and exec; 0 takes a free one').argParser(parsePort).default(10_250))
    .option('--tls-cert-file <file>', 'certificate to serve with (default: one of its own making)')
    .option('--tls-private-key-file <file>', 'its key')
    .option('--client-ca-file <file>', 'authority of those who may ask (default: that of the kubeconfig)')
    .addOption(
      new Option(
        '--drain-by <who>',
        'how an ending pod knows that its traffic has left: proxies say so, or nobody does',
      )
        .choices(['condition', 'slices'])
        .default('slices'),
    )
    .addOption(
      new Option('--service-proxy <mode>', 'serve Services on this node as well (see evenkeel service-proxy)').choices(
        MODES,
      ),
    )
    .option('--mesh', 'with --service-proxy: serve routes of the Gateway API whose parent is a Service', false)
    .addOption(
      new Option(
        '--service-cidr <range,...>',
        'with --service-proxy: addresses of Services: those that neither a Service nor a name server has are dropped',
      ).argParser(parseList),
    )
    .addOption(
      new Option(
        '--healthz-bind-address <address>',
        'with --service-proxy: where to serve its /healthz and /livez; "off" for nowhere',
      )
        .argParser(bindParser(10_256))
        .default([{ address: '0.0.0.0', port: 10_256 }], '0.0.0.0:10256'),
    )
    .addOption(
      new Option(
        '--metrics-bind-address <address>',
        'with --service-proxy: where to serve its /metrics; "off" for nowhere',
      )
        .argParser(bindParser(10_249))
        .default([{ address: '127.0.0.1', port: 10_249 }], '127.0.0.1:10249'),
    )
    .addOption(
      new Option(
        '--announce <interface,...>',
        'with --service-proxy: announce load-balancer addresses as evenkeel speaker does, on these interfaces, or "auto"',
      ).argParser(parseList),
    )
    .addOption(nodeLivenessOption('default: on with --announce'))
    .addOption(
      new Option('--grace-period <duration>', 'longest time for pods to end at the end')
        .argParser(parseDuration)
        .default(30_000, '30s'),
    )
    .option('--log-file <file>', 'write the log there (default: to standard error)')
    .option('--verbose', 'log to standard error as well, in detail', false)
    .addOption(new Option('--until-input-ends', 'end with the process that holds standard input').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel kubelet --kubeconfig ~/.kube/config --node-name n1
  $ evenkeel kubelet --kubeconfig F --node-name n1 --network cni --cni-conf /etc/cni/net.d --cni-bin /opt/cni/bin
  $ evenkeel kubelet --kubeconfig F --node-name n1 --node-labels zone=a --register-with-taints try=me:NoSchedule`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const settings = settingsOf(options);
  const log = await openLog({
    verbose: options.verbose,
    ...(options.logFile === undefined ? { stderr: 'warn' as const } : { file: resolve(options.logFile) }),
  });
  const stop = signalled(['SIGINT', 'SIGTERM', 'SIGHUP'], () => {});
  const signal = options.untilInputEnds === true ? AbortSignal.any([stop, inputEnded()]) : stop;
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.error({ error, event }, 'A part of the kubelet failed');
      process.exit(1);
    });
  }
  // Timers of the clock keep no process alive, and before it has joined there may be nothing else to do so.
  const awake = setInterval(() => {}, 60_000);
  try {
    await runLocked(settings, {
      clock: systemClock,
      log,
      signal,
      tell: (line) => void process.stdout.write(`${line}\n`),
    });
  } catch (error) {
    // A person is told in any case, where the log goes to the same place.
    if (options.logFile !== undefined) log.error({ error }, 'Ended with a failure');
    throw asFailure(error, options.logFile ?? 'the lines above');
  } finally {
    clearInterval(awake);
    log.flush();
    // Whatever a part left open must not keep a finished process alive.
    setTimeout(() => process.exit(), 250).unref();
  }
}

async function runLocked(settings: KubeletSettings, deps: Parameters<typeof runKubelet>[1]): Promise<void> {
  createNodeDataDir(settings.dataDir);
  const file = join(settings.dataDir, 'kubelet.json');
  const lock = acquireLock(file, settings.dataDir, ({ pid }) => `End that kubelet with "kill ${pid}"`);
  try {
    await runKubelet(settings, deps);
  } finally {
    lock.release();
  }
}

function inputEnded(): AbortSignal {
  const ended = new AbortController();
  process.stdin.on('end', () => ended.abort()).on('error', () => ended.abort());
  process.stdin.resume();
  return ended.signal;
}

function settingsOf(options: Options): KubeletSettings {
  const name = nodeName(options.nodeName, '--node-name');
  const { tlsCertFile, tlsPrivateKeyFile } = options;
  const cni = cniOf(options.cniConf, options.cniBin);
  if ((tlsCertFile === undefined) !== (tlsPrivateKeyFile === undefined)) {
    throw new UsageFailure('Only one of --tls-cert-file and --tls-private-key-file is given', 'Give both, or none');
  }
  if (options.announce !== undefined && options.serviceProxy === undefined) {
    throw new UsageFailure(
      '--announce leads packets here that nobody would serve',
      'Give --service-proxy as well, or run "evenkeel speaker" beside another proxy',
    );
  }
  if (options.mesh && options.serviceProxy === undefined) {
    throw new UsageFailure(
      '--mesh means nothing without --service-proxy',
      'Give --service-proxy as well, or leave it out',
    );
  }
  if (options.serviceCidr !== undefined && options.serviceProxy === undefined) {
    throw new UsageFailure(
      '--service-cidr says what a Service proxy drops, and none runs here',
      'Give --service-proxy as well, or leave it out',
    );
  }
  checkRanges('--service-cidr', options.serviceCidr ?? [], '10.96.0.0/16');
  return {
    nodeName: name,
    nodeIps: nodeIps(options.nodeIp ?? []),
    podCidrs: podCidrs(options.podCidr ?? []),
    network: options.network,
    dataDir: nodeDataDirAt(options.data, name),
    hidden: (options.hide ?? []).map((dir) => resolve(dir)),
    labels: options.nodeLabels ?? {},
    taints: options.registerWithTaints ?? [],
    clusterDns: options.clusterDns ?? [],
    clusterDomain: options.clusterDomain,
    images: options.image ?? {},
    stubImages: options.stubImages,
    port: options.port,
    nodeLiveness: isNodeLivenessOn(options.nodeLiveness, options.announce !== undefined),
    drainBy: options.drainBy,
    graceMs: options.gracePeriod,
    ...(options.serviceProxy === undefined
      ? {}
      : {
          serviceProxy: {
            mode: options.serviceProxy,
            mesh: options.mesh,
            serviceCidrs: options.serviceCidr ?? [],
            healthz: options.healthzBindAddress[0],
            metrics: options.metricsBindAddress[0],
          },
        }),
    ...optional(
      'announce',
      options.announce?.filter((name) => name !== 'auto'),
    ),
    ...optional('kubeconfig', options.kubeconfig),
    ...optional('context', options.context),
    ...(options.networkOwner === undefined ? {} : { networkOwner: networkOwner(options.networkOwner) }),
    sharesMachine: options.sharesMachine,
    ...optional('maxPods', options.maxPods),
    ...optional('podMaxPids', options.podMaxPids),
    ...optional('statsMs', options.statsInterval),
    ...optional('imagesFile', options.images),
    ...optional('engine', options.engine),
    ...optional('clientCaFile', options.clientCaFile),
    ...optional('statusMs', options.nodeStatusFrequency),
    ...(options.nodeLeaseDuration === undefined
      ? {}
      : { leaseSeconds: Math.max(1, Math.round(options.nodeLeaseDuration / 1000)) }),
    ...optional('cni', cni),
    ...(tlsCertFile === undefined || tlsPrivateKeyFile === undefined
      ? {}
      : { tls: { certFile: tlsCertFile, keyFile: tlsPrivateKeyFile } }),
  };
}

function optional<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}
