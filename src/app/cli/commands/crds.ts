// `evenkeel crds`: definitions of the custom resources that the controllers read, for clusters that are not ours.
// Prints and nothing else; an embedded cluster has them from the start.
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { backendPolicyDefinition } from '#kube/api/backend-policy/definition.ts';
import { GATEWAY_GROUP, gatewayDefinitions, MESH_GROUP } from '#kube/api/gateway/resources.ts';
import { loadBalancerDefinitions } from '#kube/api/load-balancer/resources.ts';

const GROUPS = ['evenkeel.dev', GATEWAY_GROUP, MESH_GROUP, 'metallb.io'] as const;

interface Options {
  readonly group: 'all' | (typeof GROUPS)[number];
}

export function crdsCommand(): Command {
  return new Command('crds')
    .summary('print the definitions of custom resources, for kubectl apply')
    .description(
      'Prints CustomResourceDefinitions as YAML: AddressPool and BackendPolicy of evenkeel.dev, the Gateway API (v1.6), and the resources of metallb.io for clusters that never had MetalLB. An embedded cluster has all of them from the start.',
    )
    .addOption(
      new Option(
        '--group <group>',
        'only those of a group; leave out metallb.io where MetalLB is or was installed, and gateway.networking.k8s.io where the Gateway API is',
      )
        .choices(['all', ...GROUPS])
        .default('all'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel crds | kubectl apply -f -
  $ evenkeel crds --group evenkeel.dev | kubectl apply -f -`,
    )
    .action(({ group }: Options) => {
      const chosen = [...loadBalancerDefinitions, backendPolicyDefinition, ...gatewayDefinitions].filter(
        ({ spec }) => group === 'all' || spec.group === group,
      );
      process.stdout.write(chosen.map((definition) => `---\n${stringify(definition)}`).join(''));
    });
}
