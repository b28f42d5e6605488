// The kinds of the Gateway API, and how they are addressed.
// Knows definitions; nothing of what the resources mean.
import type { ResourceDefinition } from '../resources.ts';
import { backendTrafficPolicyDefinition } from './backend-traffic-policy.ts';
import { gatewayClassDefinition, gatewayDefinition, listenerSetDefinition } from './gateway-definitions.ts';
import { backendTlsPolicyDefinition, referenceGrantDefinition } from './grant-and-policy.ts';
import { grpcRouteDefinition } from './grpc-route.ts';
import { httpRouteDefinition } from './http-route.ts';
import { tcpRouteDefinition, tlsRouteDefinition, udpRouteDefinition } from './layer4-routes.ts';
import { meshDefinition } from './mesh-definition.ts';
import { type Definition, GATEWAY_GROUP, MESH_GROUP } from './schema-parts.ts';

export { GATEWAY_GROUP, MESH_GROUP };

export type GatewayResource = Pick<ResourceDefinition, 'group' | 'version' | 'resource' | 'kind' | 'namespaced'>;

export const gatewayDefinitions: readonly Definition[] = [
  gatewayClassDefinition,
  gatewayDefinition,
  listenerSetDefinition,
  httpRouteDefinition,
  grpcRouteDefinition,
  tlsRouteDefinition,
  tcpRouteDefinition,
  udpRouteDefinition,
  referenceGrantDefinition,
  backendTlsPolicyDefinition,
  meshDefinition,
  backendTrafficPolicyDefinition,
];

/** In version v1, or the first of those there are. Throws for a kind that is none of the Gateway API. */
export function gatewayResource(kind: string): GatewayResource {
  const spec = gatewayDefinitions.find((definition) => definition.spec.names.kind === kind)?.spec;
  if (spec === undefined) throw new Error(`No resource of the Gateway API is of kind ${kind}`);
  const { group, names, scope, versions } = spec;
  const version = versions.find(({ name }) => name === 'v1')?.name ?? versions[0]?.name ?? 'v1';
  return { group, version, resource: names.plural, kind, namespaced: scope === 'Namespaced' };
}
