// The command line as a whole: its commands, each loaded when named, and how failures are told.
// Knows no command from the inside.
import { Command, CommanderError } from 'commander';
import { version } from '#lib/version.ts';
import { codeOf, Failure, messageOf, UsageFailure } from '../failure.ts';

/** In the order of the help. */
const commands: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  up: {
    summary: 'start a cluster on this machine and apply manifests',
    load: async () => (await import('./commands/up.ts')).upCommand(),
  },
  down: {
    summary: 'stop a cluster started with up',
    load: async () => (await import('./commands/down.ts')).downCommand(),
  },
  apply: {
    summary: 'apply manifests to a running cluster',
    load: async () => (await import('./commands/apply.ts')).applyCommand(),
  },
  backup: {
    summary: 'keep all that a cluster is in one file',
    load: async () => (await import('./commands/backup.ts')).backupCommand(),
  },
  restore: {
    summary: 'make a cluster what a backup holds',
    load: async () => (await import('./commands/restore.ts')).restoreCommand(),
  },
  get: {
    summary: 'show objects of a running cluster',
    load: async () => (await import('./commands/get.ts')).getCommand(),
  },
  load: {
    summary: 'drive requests, steadily or as a spike, and report latencies, failures and who answered',
    load: async () => (await import('./commands/load.ts')).loadCommand(),
  },
  top: {
    summary: 'watch Services live: rates, errors, latencies, replicas, and who is out',
    load: async () => (await import('./commands/top.ts')).topCommand(),
  },
  optimize: {
    summary: 'propose requests, limits, autoscalers and budgets from what was measured',
    load: async () => (await import('./commands/optimize.ts')).optimizeCommand(),
  },
  forecast: {
    summary: 'play recorded demand against the autoscaler, with and without a forecast',
    load: async () => (await import('./commands/forecast.ts')).forecastCommand(),
  },
  explain: {
    summary: 'say what would become of a request or a packet, and why',
    load: async () => (await import('./commands/explain.ts')).explainCommand(),
  },
  monitoring: {
    summary: 'write what Prometheus and Grafana need to show the running cluster',
    load: async () => (await import('./commands/monitoring.ts')).monitoringCommand(),
  },
  gateway: {
    summary: 'run the traffic engine from a configuration file, without Kubernetes',
    load: async () => (await import('./commands/gateway.ts')).gatewayCommand(),
  },
  dns: {
    summary: 'serve the names of a cluster: its DNS server alone',
    load: async () => (await import('./commands/dns.ts')).dnsCommand(),
  },
  apiserver: {
    summary: 'start the API server alone',
    load: async () => (await import('./commands/apiserver.ts')).apiserverCommand(),
  },
  scheduler: {
    summary: 'give the pods of any cluster their nodes',
    load: async () => (await import('./commands/scheduler.ts')).schedulerCommand(),
  },
  controllers: {
    summary: 'run the controllers of any cluster, but the scheduler',
    load: async () => (await import('./commands/controllers.ts')).controllersCommand(),
  },
  'metrics-server': {
    summary: 'serve metrics to autoscalers and kubectl top, in any cluster',
    load: async () => (await import('./commands/metrics-server.ts')).metricsServerCommand(),
  },
  node: {
    summary: 'see the nodes of a cluster of up, stop them, kill them, start them',
    load: async () => (await import('./commands/node.ts')).nodeCommand(),
  },
  kubelet: {
    summary: 'run a node of a cluster, at any Kubernetes API server',
    load: async () => (await import('./commands/kubelet.ts')).kubeletCommand(),
  },
  'service-proxy': {
    summary: 'serve Services on this node, in place of kube-proxy',
    load: async () => (await import('./commands/service-proxy.ts')).serviceProxyCommand(),
  },
  speaker: {
    summary: 'make load-balancer addresses known from this node, in place of MetalLB’s speaker',
    load: async () => (await import('./commands/speaker.ts')).speakerCommand(),
  },
  crds: {
    summary: 'print the definitions of custom resources, for kubectl apply',
    load: async () => (await import('./commands/crds.ts')).crdsCommand(),
  },
  version: {
    summary: 'show the version',
    load: async () => (await import('./commands/version.ts')).versionCommand(),
  },
};

/** Runs one command; sets `process.exitCode` to 0 (done), 1 (failed) or 2 (wrong usage). */
export async function runCli(argv: readonly string[]): Promise<void> {
  const program = new Command('evenkeel')
    .description('Kubernetes load balancing on one machine: a cluster, a gateway, and what you need to see it work.')
    .helpCommand('help [command]', 'show the help of a command')
    .version(version, '--version', 'show the version')
    .showSuggestionAfterError(true)
    .exitOverride();
  const wanted = argv.filter((argument) => !argument.startsWith('-'));
  for (const [name, { summary, load }] of Object.entries(commands)) {
    // The named command is loaded whole; of the others the help needs one line.
    const named = wanted[0] === name || (wanted[0] === 'help' && wanted[1] === name);
    program.addCommand((named ? await load() : new Command(name).summary(summary)).exitOverride());
  }
  program.addHelpText(
    'after',
    `
Examples:
  $ evenkeel up examples/shop
  $ evenkeel get pods -A
  $ evenkeel load http://127.0.0.1:8080/ --host shop.local --rate 500 --duration 20s`,
  );
  // A reader that has seen enough, as in `| head`, is no failure.
  process.stdout.on('error', (error) => process.exit(codeOf(error) === 'EPIPE' ? 0 : 1));
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return;
    }
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = tell(error);
  }
}

/** Says what went wrong on standard error; the exit code. */
function tell(error: unknown): number {
  // Commander has spoken already: help was asked for, or the usage was wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Failure) {
    process.stderr.write(`Error: ${error.message}\n${error.remedy}.\n`);
    return error instanceof UsageFailure ? 2 : 1;
  }
  process.stderr.write(`Error: ${messageOf(error)}\n`);
  if (codeOf((error as Error).cause) === 'ECONNREFUSED') {
    process.stderr.write(
      'Start the cluster with "evenkeel up", or point at another one with --data or --kubeconfig.\n',
    );
  }
  if (process.env.EVENKEEL_DEBUG === '1' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return 1;
}
