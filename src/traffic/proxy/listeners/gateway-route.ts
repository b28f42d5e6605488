// A layer-4 route of the gateway: clusters by weight, endpoints by the cluster's policy.
// Knows nothing of sockets.

import type { Layer4Route } from '#traffic/snapshot/index.ts';
import { type FlowContext, type FlowRoute, pickTarget } from '../layer4/context.ts';

/** Milliseconds, where the cluster says nothing. */
const SESSION_TIMEOUT = 60_000;

export function gatewayRoute({ name, pickCluster }: Layer4Route): FlowRoute {
  return { name, sessionTimeout: SESSION_TIMEOUT, pickCluster, choose: pickTarget };
}

/** The route that a listener has when a session begins, which may be another then. */
export function listenerRoute(context: FlowContext, listener: string): FlowRoute {
  return {
    name: listener,
    sessionTimeout: SESSION_TIMEOUT,
    pickCluster: () => context.snapshot().layer4Route(listener, '')?.pickCluster(),
    choose: pickTarget,
  };
}
