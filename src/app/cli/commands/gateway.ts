// `evenkeel gateway`: the engine alone, from a configuration file.
// Knows options, signals and output; the rest is gateway/.
import { Command, Option } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { UsageFailure } from '../../failure.ts';
import { isCidr } from '../../gateway/schema/values.ts';
import { openLog } from '../../main/file-log.ts';
import { INGRESS_CLASS } from '../../main/network.ts';
import { defaultWorkers } from '../../main/workers.ts';
import { formatProblem } from '../../manifests/format.ts';
import type { ConnectOptions } from '../connect.ts';
import { addLeaderOptions, type LeaderFlags } from '../leader-options.ts';
import { addReportingOptions, type ReportingFlags, reportingHelp, reportingOf } from '../reporting-options.ts';
import { signalled } from '../signals.ts';
import { collect, parseCount, parseDelay, parseDuration, parsePort } from '../values.ts';

interface Options extends ConnectOptions, LeaderFlags, ReportingFlags {
  readonly config?: string;
  readonly cluster: boolean;
  readonly address: string;
  readonly httpPort?: number;
  readonly httpsPort?: number;
  readonly ingressClass: string;
  readonly publishAddress?: string;
  readonly interface?: string;
  readonly mesh: boolean;
  readonly check: boolean;
  readonly workers: number;
  readonly adminPort: number;
  readonly watch: boolean;
  readonly drainDelay: number;
  readonly drainTimeout: number;
  readonly trustedProxies: readonly string[];
  readonly forwarded: boolean;
  readonly node: string;
  readonly zone: string;
  readonly verbose: boolean;
}

export function gatewayCommand(): Command {
  const command = new Command('gateway')
    .summary('run the traffic engine: from a configuration file, or as the gateway of any cluster')
    .description(
      'Serves what a YAML file says: listeners, virtual hosts with routes, clusters of endpoints. docs/gateway-config.md describes every field.\n\nThe file and the certificates that it names are watched: a valid change is taken in without dropping anything, an invalid one is reported and changes nothing. SIGHUP reads them again. SIGTERM and Ctrl-C let what is under way finish; a second one ends at once.\n\nWith --cluster, or a --kubeconfig, it serves the Gateways of a cluster (docs/gateway-api.md), and its Ingresses where --http-port or --https-port are given. Of several copies one works, and another takes over when it ends.',
    )
    .option('-c, --config <file>', 'the configuration')
    .option('--cluster', 'serve the Gateways and Ingresses of a cluster instead', false)
    .option('--kubeconfig <file>', 'that cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .option('--interface <name>', 'interface that addresses of Gateways are brought to; needs root and "ip"')
    .option('--address <address>', 'where Ingresses are served', '0.0.0.0')
    .addOption(new Option('--http-port <port>', 'serve Ingresses by HTTP there').argParser(parsePort))
    .addOption(new Option('--https-port <port>', 'serve Ingresses by HTTPS there').argParser(parsePort))
    .option('--ingress-class <name>', 'IngressClass that is ours even before it exists', INGRESS_CLASS)
    .option('--publish-address <address>', 'what stands in the status of Ingresses')
    .option('--mesh', 'tell routes whose parent is a Service what became of them (docs/mesh.md)', false)
    .option('--check', 'only say what is wrong with the file; exit code 0 when nothing is, else 1', false)
    .addOption(new Option('--workers <n>', 'threads').argParser(parseCount).default(defaultWorkers()))
    .addOption(
      new Option('--admin-port <port>', 'port of the admin page and of /metrics on 127.0.0.1; 0 takes a free one')
        .argParser(parsePort)
        .default(9901),
    )
    .option('--no-watch', 'read the files once, and again only on SIGHUP')
    .addOption(
      new Option('--drain-delay <time>', 'how long to go on as before, only not ready (/readyz), before draining')
        .argParser(parseDelay)
        .default(0, '0s'),
    )
    .addOption(
      new Option('--drain-timeout <time>', 'how long what is under way may take to finish')
        .argParser(parseDuration)
        .default(30_000, '30s'),
    )
    .addOption(
      new Option('--trusted-proxies <range>', 'clients whose X-Forwarded-* and Forwarded are believed; may be repeated')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--forwarded', 'tell backends of clients by Forwarded (RFC 7239) beside X-Forwarded-*', false)
    .option('--node <name>', 'the node it runs on, for clusters that prefer endpoints near by', '')
    .option('--zone <name>', 'the zone it runs in, for the same', '')
    .option('--verbose', 'log to standard error in detail', false);
  return addLeaderOptions(addReportingOptions(command), 'evenkeel-gateway')
    .addHelpText(
      'after',
      `
${reportingHelp()}

Examples:
  $ evenkeel gateway --config examples/gateway/gateway.yaml
  $ evenkeel gateway -c gateway.yaml --check
  $ evenkeel gateway -c gateway.yaml --workers 4 --access-log /var/log/evenkeel.jsonl --drain-delay 5s
  $ evenkeel gateway -c gateway.yaml --traces http://127.0.0.1:4318 --trace-ratio 1
  $ evenkeel explain http://127.0.0.1:8080/api --config gateway.yaml
  $ evenkeel gateway --kubeconfig ~/.kube/config --interface eth0 --http-port 80 --https-port 443

A small file:
  listeners:
    web: { address: 127.0.0.1, port: 8080 }
  virtualHosts:
    all: { hostname: '*', routes: [{ path: /, action: app }] }
  clusters:
    app: { endpoints: ['127.0.0.1:3000', '127.0.0.1:3001'] }`,
    )
    .action(async (options: Options) => {
      const ofCluster = options.cluster || options.kubeconfig !== undefined || options.context !== undefined;
      if ((options.config === undefined) === !ofCluster) {
        throw new UsageFailure(
          ofCluster ? '--config and a cluster were given' : 'Neither --config nor a cluster was given',
          'Give --config FILE, or --cluster (with --kubeconfig FILE where it is not the usual one)',
        );
      }
      const { config } = options;
      if (config === undefined) await serveCluster(options);
      else process.exitCode = options.check ? await check(config) : await run(config, options);
    });
}

async function check(path: string): Promise<number> {
  const { ConfigFile } = await import('../../gateway/config-file.ts');
  const { outcome } = new ConfigFile(path).read();
  if ('config' in outcome) {
    process.stdout.write(`${path} is valid\n`);
    return 0;
  }
  for (const problem of outcome.problems) process.stderr.write(`${formatProblem(problem)}\n`);
  return 1;
}

function trustedRanges(options: Options): readonly string[] {
  const ranges = options.trustedProxies.flatMap((text) => text.split(','));
  const wrong = ranges.find((range) => !isCidr(range));
  if (wrong === undefined) return ranges;
  throw new UsageFailure(`"${wrong}" is no address and no range`, 'Give --trusted-proxies e.g. 10.0.0.0/8');
}

async function serveCluster(options: Options): Promise<void> {
  const { serveClusterGateway } = await import('../gateway-of-cluster.ts');
  await serveClusterGateway(options, trustedRanges(options));
}

async function run(config: string, options: Options): Promise<number> {
  const ranges = trustedRanges(options);
  const reporting = reportingOf(options);
  const log = await openLog(options.verbose ? { verbose: true } : { stderr: 'warn' });
  const { runGateway } = await import('../../gateway/run.ts');
  const stop = signalled(['SIGINT', 'SIGTERM'], () => {});
  try {
    return await runGateway({
      config,
      workers: options.workers,
      adminPort: options.adminPort,
      ...reporting,
      watch: options.watch,
      drainDelay: options.drainDelay,
      drainTimeout: options.drainTimeout,
      trustedProxies: ranges,
      forwarded: options.forwarded,
      node: options.node,
      zone: options.zone,
      log,
      clock: systemClock,
      stop,
      onReloadAsked: (reload) => process.on('SIGHUP', reload),
      say: (line) => void process.stdout.write(`${line}\n`),
      warn: (line) => void process.stderr.write(`${line}\n`),
    });
  } finally {
    log.flush();
    // Whatever a part left open must not keep a finished process alive.
    setTimeout(() => process.exit(), 250).unref();
  }
}
