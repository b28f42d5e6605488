// `evenkeel node`: the nodes of a running cluster, and what may befall them: shut down, power lost, started again.
// Knows the admin server's paths; the cluster does it.
import { Command } from 'commander';
import type { NodeReport } from '../../admin/node-control.ts';
import { Failure, messageOf } from '../../failure.ts';
import { dataDirAt } from '../../main/data-dir.ts';
import { isAlive, readInstance } from '../../main/instance-lock.ts';

interface Options {
  readonly data?: string;
}

const VERBS = {
  stop: 'shut a node down: its pods end in order, and it stays away until it is started',
  kill: 'cut the power of a node: it and everything on it is gone at once, and nobody is told',
  start: 'start a node that was stopped or killed; it cleans up what it finds, and joins again',
} as const;

export function nodeCommand(): Command {
  const command = new Command('node')
    .summary('see the nodes of a cluster of up, stop them, kill them, start them')
    .description(
      'Handles the nodes of a cluster that "evenkeel up" runs with --nodes or --network netns. A node that dies by itself is started again; one that is stopped or killed here stays away.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ evenkeel node list\n  $ evenkeel node kill node-2      # and watch: kubectl get nodes,pods -o wide -w\n  $ evenkeel node start node-2',
    );
  command
    .command('list')
    .summary('the nodes, and how they are')
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .option('-o, --output <format>', 'json for programs')
    .action(async (options: Options & { output?: string }) => {
      const nodes = JSON.parse(await ask(options, 'GET', '/nodes')) as NodeReport[];
      process.stdout.write(options.output === 'json' ? `${JSON.stringify(nodes, null, 2)}\n` : table(nodes));
    });
  for (const [verb, summary] of Object.entries(VERBS)) {
    command
      .command(verb)
      .summary(summary.split(':')[0] ?? '')
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .argument('<name...>', 'names of nodes')
      .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
      .action(async (names: readonly string[], options: Options) => {
        for (const name of names) {
          process.stdout.write(await ask(options, 'POST', `/nodes/${encodeURIComponent(name)}/${verb}`));
        }
      });
  }
  return command;
}

function table(nodes: readonly NodeReport[]): string {
  if (nodes.length === 0) return 'The only node is the process of the cluster itself\n';
  const rows = [
    ['NAME', 'STATE', 'PID', 'RESTARTS', 'ADDRESSES', 'PODS'],
    ...nodes.map(({ name, state, pid, restarts, addresses, podCidrs }) => [
      name,
      state,
      String(pid ?? '-'),
      String(restarts),
      addresses.join(','),
      podCidrs.join(','),
    ]),
  ];
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

async function ask({ data }: Options, method: 'GET' | 'POST', path: string): Promise<string> {
  const dir = dataDirAt(data);
  const instance = readInstance(dir.lock);
  if (instance?.adminUrl === undefined || !isAlive(instance)) {
    throw new Failure(
      `No cluster runs on "${dir.root}"`,
      'Start one with "evenkeel up --nodes 3", or name its directory with --data',
    );
  }
  let answer: Response;
  try {
    answer = await fetch(`${instance.adminUrl}${path}`, { method });
  } catch (error) {
    throw new Failure(`The cluster of ${dir.root} does not answer: ${messageOf(error)}`, 'Look at its log', {
      cause: error,
    });
  }
  const text = await answer.text();
  if (answer.ok) return text;
  const [message = '', ...remedy] = text.trim().split(/(?<=[^.])\. /);
  throw new Failure(message, remedy.join('. ') || 'See "evenkeel node list"');
}
