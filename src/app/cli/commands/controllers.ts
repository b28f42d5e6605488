// `evenkeel controllers`: what makes the cluster be what its objects say, beside any Kubernetes API server.
// Knows its options; what decides are the controllers.
import { Command, Option } from 'commander';
import { defaultAutoscaling } from '#control/controllers/settings.ts';
import { UsageFailure } from '../../failure.ts';
import { type AutoscalingFlags, addAutoscalingOptions, autoscalingOf } from '../autoscaling-options.ts';
import { addLeaderOptions, parseBoolean } from '../leader-options.ts';
import { addNodeCidrOptions, type NodeCidrFlags, nodeCidrsOf } from '../node-cidr-options.ts';
import { type ControllersFlags, metricsOption, runControllers } from '../run-controllers.ts';
import { addSigningOptions, type SigningFlags, signerOf } from '../signing-options.ts';
import { parseList } from '../values.ts';

interface Options extends ControllersFlags, NodeCidrFlags, SigningFlags, AutoscalingFlags {
  readonly only?: readonly string[];
  readonly defaultLoadBalancer: boolean;
}

const LEASE = 'kube-controller-manager';

export function controllersCommand(): Command {
  const command = new Command('controllers')
    .summary('run the controllers of any cluster, but the scheduler')
    .description(
      'Runs the controllers alone against an API server: Deployments get their pods, Services their endpoints, Jobs their ends. Several may run: one holds the lease and works, and another takes over when it ends. The lease is that of kube-controller-manager, so the two never work at once. With --only some work beside it, under a lease of their own.',
    )
    .addOption(
      new Option('--only <name,...>', 'only these, e.g. ipam for addresses of LoadBalancer Services').argParser(
        parseList,
      ),
    )
    .addOption(
      new Option('--default-load-balancer <boolean>', 'give addresses also to LoadBalancer Services without a class')
        .argParser(parseBoolean)
        .default(true),
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .addOption(metricsOption(10_257))
    .option('--verbose', 'log in detail', false);
  const grown = addAutoscalingOptions(addSigningOptions(addNodeCidrOptions(command)), defaultAutoscaling);
  return addLeaderOptions(grown, LEASE)
    .addHelpText(
      'after',
      `
With --only, the lease is named evenkeel- and the names, unless --leader-elect-resource-name says otherwise.

Examples:
  $ evenkeel controllers --kubeconfig ~/.kube/config
  $ evenkeel controllers --kubeconfig ~/.kube/config --cluster-cidr 10.244.0.0/16
  $ evenkeel controllers --only ipam --kubeconfig ~/.kube/config`,
    )
    .action(async (options: Options, self: Command) => {
      const { controllers } = await import('#control/controllers/manager.ts');
      const all = controllers.map(({ name }) => name).filter((name) => name !== 'scheduler');
      const { only = all } = options;
      const unknown = only.find((name) => !all.includes(name));
      if (unknown !== undefined) {
        throw new UsageFailure(`No controller is named "${unknown}"`, `Give --only any of ${all.join(', ')}`);
      }
      const isNamed = self.getOptionValueSource('leaderElectResourceName') !== 'default';
      const lease = options.only === undefined || isNamed ? {} : { leaderElectResourceName: leaseOf(only) };
      await runControllers(
        {
          only,
          measuresObjects: options.only === undefined,
          started: options.only === undefined ? 'Controllers work.' : `Working: ${only.join(', ')}.`,
          settings: {
            defaultLoadBalancer: options.defaultLoadBalancer,
            nodeCidrs: nodeCidrsOf(options),
            signCertificate: signerOf(options),
            autoscaling: autoscalingOf(options),
          },
        },
        { ...options, ...lease },
      );
    });
}

/** The same for the same controllers, in whatever order they are named. */
function leaseOf(only: readonly string[]): string {
  return `evenkeel-${[...new Set(only)].sort().join('-')}`.slice(0, 200);
}
