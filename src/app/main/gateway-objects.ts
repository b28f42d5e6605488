// What an embedded cluster has for Gateways: the definitions of the Gateway API and of our policies, a class, and addresses on this machine.
// Knows names; what a Gateway means is the traffic controller's matter.
import type { AddressHost } from '#control/controllers/traffic/gateways/address-claims.ts';
import { backendPolicyDefinition } from '#kube/api/backend-policy/definition.ts';
import { gatewayDefinitions, gatewayResource, MESH_GROUP } from '#kube/api/gateway/resources.ts';
import type { GatewayClass } from '#kube/api/gateway/types.ts';
import type { Client } from '#kube/client/client.ts';
import type { Clock } from '#lib/clock.ts';
import { GATEWAY_CONTROLLER } from '#traffic/model/gateway/conditions.ts';
import { MESH_CONTROLLER } from '#traffic/model/mesh/names.ts';
import type { XMesh } from '#traffic/model/mesh/objects.ts';
import type { Fabric } from '../nodes/fabric/fabric.ts';
import { ensureDefinition, ensureServed, ensureTheirDefinition } from './custom-objects.ts';

/** Name of the GatewayClass, and of the mesh, that are there from the start. */
export const GATEWAY_CLASS = 'evenkeel';

export async function ensureGatewayObjects(client: Client, clock: Clock): Promise<void> {
  await Promise.all([
    ensureDefinition(client, backendPolicyDefinition),
    ...gatewayDefinitions.map((definition) => ensureTheirDefinition(client, definition)),
  ]);
  const gatewayClass: GatewayClass = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: GATEWAY_CLASS },
    spec: { controllerName: GATEWAY_CONTROLLER },
  };
  const mesh: XMesh = {
    apiVersion: `${MESH_GROUP}/v1alpha1`,
    kind: 'XMesh',
    metadata: { name: GATEWAY_CLASS },
    spec: { controllerName: MESH_CONTROLLER },
  };
  await ensureServed(client, gatewayResource('GatewayClass'), gatewayClass, clock);
  await ensureServed(client, gatewayResource('XMesh'), mesh, clock);
}

/** On the loopback device all addresses are here anyway; on a fabric they are others' until the machine takes them. */
export function gatewayAddressHost(fabric: Fabric | undefined): AddressHost {
  if (fabric === undefined) return { hasServiceAddresses: true, claim: async () => {}, release: async () => {} };
  return {
    claim: (address) => fabric.holdAddress(address),
    release: (address) => fabric.dropAddress(address),
  };
}
