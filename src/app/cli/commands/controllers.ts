// `evenkeel controllers`: what makes the cluster be what its objects say, beside any Kubernetes API server.
// Knows its options; what decides are the controllers.
import { Command } from 'commander';
import type { ConnectOptions } from '../connect.ts';
import { addLeaderOptions, type LeaderFlags } from '../leader-options.ts';
import { runControllers } from '../run-controllers.ts';

export function controllersCommand(): Command {
  const command = new Command('controllers')
    .summary('run the controllers of any cluster, but the scheduler')
    .description(
      'Runs the controllers alone against an API server: Deployments get their pods, Services their endpoints, Jobs their ends. Several may run: one holds the lease and works, and another takes over when it ends. The lease is that of kube-controller-manager, so the two never work at once.',
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .option('--verbose', 'log in detail', false);
  return addLeaderOptions(command, 'kube-controller-manager')
    .addHelpText('after', '\nExamples:\n  $ evenkeel controllers --kubeconfig ~/.kube/config')
    .action(async (options: ConnectOptions & LeaderFlags & { verbose: boolean }) => {
      const { controllers } = await import('#control/controllers/manager.ts');
      const only = controllers.map(({ name }) => name).filter((name) => name !== 'scheduler');
      await runControllers({ only, started: 'Controllers work.' }, options);
    });
}
