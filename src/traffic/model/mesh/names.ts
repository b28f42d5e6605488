// The names under which parts of the model that come from routes of Services refer to each other.
// Pure text; everything that makes or reads such a name does it here.

import type { ServicePort } from 'kubernetes-types/core/v1.js';
import { servicePortName } from '../names.ts';

/** Name of this controller in XMeshes and in statuses of routes, for parents that are Services. */
export const MESH_CONTROLLER = 'evenkeel.dev/mesh-controller';

/** `mesh/namespace/service:port`: in front of a port of a Service. */
export function frontName(service: string, port: ServicePort): string {
  return `mesh/${servicePortName(service, port)}`;
}

/** The hosts of clients of a namespace; empty for those of everybody. */
export function hostsName(front: string, group: string): string {
  return group === '' ? front : `${front}/from/${group}`;
}
