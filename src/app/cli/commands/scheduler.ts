// `evenkeel scheduler`: the scheduler alone, for the pods of any Kubernetes API server.
// Knows its options; what decides is the controller.
import { Command } from 'commander';
import { addLeaderOptions } from '../leader-options.ts';
import { type ControllersFlags, metricsOption, runControllers } from '../run-controllers.ts';

export function schedulerCommand(): Command {
  const command = new Command('scheduler')
    .summary('give the pods of any cluster their nodes')
    .description(
      'Runs the scheduler alone against an API server: pods whose schedulerName is default-scheduler get a node. Several may run: one holds the lease and works, and another takes over when it ends. The lease is that of kube-scheduler, so the two never work at once.',
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .addOption(metricsOption(10_259))
    .option('--verbose', 'log in detail', false);
  return addLeaderOptions(command, 'kube-scheduler')
    .addHelpText('after', '\nExamples:\n  $ evenkeel scheduler --kubeconfig ~/.kube/config')
    .action((options: ControllersFlags) =>
      runControllers({ only: ['scheduler'], started: 'Scheduling pods.' }, options),
    );
}
