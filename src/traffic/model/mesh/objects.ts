// What the translation of the mesh reads: routes that may be attached to Services, and what they refer to.
// Types only; whoever calls it has informers or a test's objects behind it.

import type { Condition, ObjectRef } from '#kube/api/gateway/types.ts';
import type { KubeObject } from '#kube/api/object.ts';
import type { GatewayObjects } from '../gateway/objects.ts';

export type MeshObjects = Pick<
  GatewayObjects,
  | 'httpRoutes'
  | 'grpcRoutes'
  | 'tlsRoutes'
  | 'tcpRoutes'
  | 'udpRoutes'
  | 'tlsPolicies'
  | 'policies'
  | 'service'
  | 'configMap'
> & {
  readonly meshes: readonly XMesh[];
};

/** The mesh as a whole, in the experimental group of the Gateway API. */
export interface XMesh extends KubeObject {
  readonly spec?: { readonly controllerName?: string; readonly parametersRef?: ObjectRef };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly supportedFeatures?: readonly { readonly name: string }[];
  };
}
