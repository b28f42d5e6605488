// `evenkeel optimize`: proposes requests, limits, autoscalers and budgets from what was measured, with the evidence.
// Knows options and printing; nothing is changed.
import { Command, Option } from 'commander';
import { defaultAdmin } from '../../explain/from-admin.ts';
import { Failure } from '../../failure.ts';
import { type Advice, advise } from '../../optimize/advise.ts';
import type { WorkloadFacts } from '../../optimize/facts.ts';
import { watchFacts } from '../../optimize/live.ts';
import { patchOf } from '../../optimize/patch.ts';
import { readHistory } from '../../optimize/prometheus.ts';
import { adminOf } from '../../top/admin.ts';
import { adminUrl, takeSample } from '../../top/sample.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { signalled } from '../signals.ts';
import { formatTable } from '../table.ts';
import { parseDuration } from '../values.ts';

interface Options extends ConnectOptions {
  readonly namespace?: string;
  readonly window?: number;
  readonly interval?: number;
  readonly prometheus?: string;
  readonly admin?: string;
  readonly output?: 'yaml' | 'json';
}

const LIVE_WINDOW_MS = 60_000;
const LIVE_INTERVAL_MS = 2000;
const HISTORY_INTERVAL_MS = 15_000;
const HISTORY_WINDOW_MS = 7 * 86_400_000;

export function optimizeCommand(): Command {
  return new Command('optimize')
    .summary('propose requests, limits, autoscalers and budgets from what was measured')
    .description(
      'Looks at what the pods of each workload use and at what the gateway counts, for a while, or asks a Prometheus for the past, and proposes what should change: CPU and memory requests and limits, bounds of autoscalers, autoscalers and PodDisruptionBudgets where there are none, and, from a running gateway, balancing policies and time-outs of Services. Each line has its evidence. Nothing is changed; -o yaml prints a patch that does.\n\nA look of a minute sees a minute: give it the load that counts, or a Prometheus that has seen a week.',
    )
    .option('-n, --namespace <name>', 'only workloads of this namespace (default: all but kube-*)')
    .addOption(
      new Option('--window <time>', 'how long it looks (default: 1m; with --prometheus 168h)').argParser(parseDuration),
    )
    .addOption(
      new Option(
        '--interval <time>',
        'from one look to the next (default: 2s; with --prometheus 15s or more)',
      ).argParser(parseDuration),
    )
    .option('--prometheus <url>', 'ask this Prometheus instead, e.g. http://127.0.0.1:9090')
    .option('--admin <url>', `admin page of the gateway (default: that of the cluster, else ${defaultAdmin})`)
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .option('--kubeconfig <file>', 'another cluster')
    .option('--context <name>', 'context of that kubeconfig')
    .addOption(new Option('-o, --output <format>', 'print a patch, or data').choices(['yaml', 'json']))
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel optimize -n shop --window 2m
  $ evenkeel optimize -n shop -o yaml > better.yaml
  $ kubectl apply --server-side --force-conflicts -f better.yaml
  $ evenkeel optimize --prometheus http://127.0.0.1:9090 --window 24h`,
    )
    .action(optimize);
}

async function optimize(options: Options): Promise<void> {
  const { client } = await connect(options);
  try {
    const facts = await factsOf(options, client);
    if (facts.length === 0) {
      const where = options.namespace === undefined ? 'the cluster' : `namespace "${options.namespace}"`;
      throw new Failure(`There are no workloads in ${where}`, 'Name another one with --namespace, or leave it out');
    }
    const advice = facts.flatMap(advise);
    if (options.output === 'yaml') process.stdout.write(patchOf(advice));
    else if (options.output === 'json') process.stdout.write(`${JSON.stringify(advice.map(asData), null, 2)}\n`);
    else process.stdout.write(textOf(facts, advice));
  } finally {
    await client.close();
  }
}

async function factsOf(
  options: Options,
  client: Awaited<ReturnType<typeof connect>>['client'],
): Promise<readonly WorkloadFacts[]> {
  const namespace = options.namespace === undefined ? {} : { namespace: options.namespace };
  if (options.prometheus !== undefined) {
    const prometheus = adminUrl(options.prometheus, '--prometheus http://127.0.0.1:9090');
    const windowMs = options.window ?? HISTORY_WINDOW_MS;
    const stepMs = options.interval ?? HISTORY_INTERVAL_MS;
    return readHistory({ client, prometheus, windowMs, stepMs, now: Date.now(), ...namespace });
  }
  const admin = adminUrl(options.admin ?? adminOf(options.data) ?? defaultAdmin);
  // Without a gateway there is still what pods use.
  const first = await takeSample(admin).catch(() => undefined);
  if (first === undefined && options.admin !== undefined) await takeSample(admin);
  if (first === undefined) {
    process.stderr.write(
      `No gateway answers at ${admin.origin}: what it would count is left out (name it with --admin).\n`,
    );
  }
  const live = process.stderr.isTTY === true;
  const stop = signalled(['SIGINT', 'SIGTERM'], () => {});
  const facts = await watchFacts({
    client,
    sample: first === undefined ? undefined : () => takeSample(admin),
    windowMs: options.window ?? LIVE_WINDOW_MS,
    everyMs: options.interval ?? LIVE_INTERVAL_MS,
    signal: stop,
    onLook: (done, of) => {
      if (live) process.stderr.write(`\r\x1b[2KLooks: ${done} of ${of}`);
    },
    ...namespace,
  });
  if (live) process.stderr.write('\r\x1b[2K');
  return facts;
}

function asData({ workload, change: _, ...rest }: Advice): object {
  const { kind, namespace, name } = workload;
  return { workload: { kind, namespace, name }, ...rest };
}

function textOf(facts: readonly WorkloadFacts[], advice: readonly Advice[]): string {
  const few = facts.filter(({ replicas }) => replicas.length < 5).length;
  const missed =
    few === 0 ? '' : `${few} of ${facts.length} workloads were seen too seldom to say anything: look for longer.\n`;
  if (advice.length === 0) return `${missed}Nothing to change in ${facts.length - few} workloads.\n`;
  const rows = advice.map(({ workload, field, from, to, evidence }) => [
    `${workload.namespace}/${workload.name}`,
    field,
    from === '' ? '-' : from,
    to,
    evidence,
  ]);
  return `${formatTable(['WORKLOAD', 'FIELD', 'NOW', 'PROPOSED', 'EVIDENCE'], rows)}\n${missed}Apply it: evenkeel optimize -o yaml | kubectl apply --server-side --force-conflicts -f -\n`;
}
