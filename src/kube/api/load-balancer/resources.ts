// How the custom resources of load balancers are addressed, by what their definitions say.
// Knows definitions; nothing of what the resources mean.
import type { ResourceDefinition } from '../resources.ts';
import { addressPoolDefinition } from './address-pool-definition.ts';
import { metallbDefinitions } from './metallb-definitions.ts';
import type { Definition } from './schema-parts.ts';

type Ref = Pick<ResourceDefinition, 'group' | 'version' | 'resource' | 'kind' | 'namespaced'> & {
  /** Of the same shape: read where `version` is not served. */
  readonly otherVersions: readonly string[];
};

export type { Definition };

export const loadBalancerDefinitions: readonly Definition[] = [addressPoolDefinition, ...metallbDefinitions];

/** Throws for a kind that none of them defines. */
export function loadBalancerResource(kind: string): Ref {
  const spec = loadBalancerDefinitions.find((definition) => definition.spec.names.kind === kind)?.spec;
  if (spec === undefined) throw new Error(`No load balancer resource is of kind ${kind}`);
  const { group, versions, names, scope } = spec;
  const namespaced = scope === 'Namespaced';
  const [version = '', ...otherVersions] = versions.map(({ name }) => name);
  return { group, version, otherVersions, resource: names.plural, kind: names.kind, namespaced };
}
