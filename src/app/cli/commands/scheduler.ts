// `evenkeel scheduler`: the scheduler alone, for the pods of any Kubernetes API server.
// Knows its options; what decides is the controller.
import { Command } from 'commander';
import type { ConnectOptions } from '../connect.ts';
import { addLeaderOptions, type LeaderFlags } from '../leader-options.ts';
import { runControllers } from '../run-controllers.ts';

export function schedulerCommand(): Command {
  const command = new Command('scheduler')
    .summary('give the pods of any cluster their nodes')
    .description(
      'Runs the scheduler alone against an API server: pods whose schedulerName is default-scheduler get a node. Several may run: one holds the lease and works, and another takes over when it ends. The lease is that of kube-scheduler, so the two never work at once.',
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .option('--verbose', 'log in detail', false);
  return addLeaderOptions(command, 'kube-scheduler')
    .addHelpText('after', '\nExamples:\n  $ evenkeel scheduler --kubeconfig ~/.kube/config')
    .action((options: ConnectOptions & LeaderFlags & { verbose: boolean }) =>
      runControllers({ only: ['scheduler'], started: 'Scheduling pods.' }, options),
    );
}
