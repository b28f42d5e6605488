// Who is to be told what: statuses that have changed, to be worded once it is known what could be bound.
// Knows no client; what is taken is worded as things stood when it was taken, whatever comes meanwhile.
import type { AnyRoute, GatewayClass } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { attempt } from './attempt.ts';
import { classStatus, gatewayStatus, listenerSetStatus, type SocketFaults } from './gateway-status.ts';
import type { GatewayView, ListenerSetView } from './listener-view.ts';
import type { ObjectStatus } from './object-status.ts';
import type { RouteKindName } from './objects.ts';
import type { RouteCell } from './route-cell.ts';
import { partFault } from './route-outcome.ts';
import { ancestorStatuses, parentStatuses } from './route-status.ts';
import type { PolicyView } from './tls-policies.ts';

/** What an object is told; undefined when that cannot be said. */
export type Telling = (faults: SocketFaults) => ObjectStatus | undefined;

export function tellClass(gatewayClass: GatewayClass): Telling {
  return () =>
    attempt(() => ({ kind: 'GatewayClass', key: objectKey(gatewayClass), status: classStatus(gatewayClass) }));
}

export function tellGateway(view: GatewayView): Telling {
  const counts = countsOf(view.listeners.filter(({ owner }) => owner.kind === 'Gateway'));
  return (faults) => attempt(() => ({ kind: 'Gateway', key: view.key, status: gatewayStatus(view, faults, counts) }));
}

/** Holds nothing of the Gateway but where it is: there may be thousands of sets. */
export function tellListenerSet(set: ListenerSetView, view: GatewayView): Telling {
  const { key, acceptFault, addresses, listenAt, addressFault } = view;
  const place = { key, acceptFault, addresses, listenAt, addressFault };
  const counts = countsOf(set.listeners);
  return (faults) =>
    attempt(() => ({ kind: 'ListenerSet', key: set.key, status: listenerSetStatus(set, place, faults, counts) }));
}

/** As many as there are now. */
function countsOf(listeners: GatewayView['listeners']): ReadonlyMap<GatewayView['listeners'][number], number> {
  return new Map(listeners.map((listener) => [listener, listener.attached.size]));
}

export function tellRoute({ kind, key, route, parents, body }: RouteCell): Telling {
  const { outcome, whole } = body;
  const findings = { whole, part: partFault(outcome), refFaults: outcome.refFaults, policies: body.policies };
  const status = attempt(() => ({ kind, key, parents: parentStatuses(route, parents, findings) }));
  return () => status;
}

/** None of its parents is ours any more. */
export function tellReleased(id: string, route: AnyRoute): Telling {
  const kind = id.slice(0, id.indexOf(' ')) as RouteKindName;
  return () => ({ kind, key: objectKey(route), parents: [] });
}

export function tellPolicy(view: PolicyView, gateways: readonly string[]): Telling {
  const status = attempt(() => ({
    kind: 'BackendTLSPolicy' as const,
    key: view.key,
    ancestors: ancestorStatuses(view, gateways),
  }));
  return () => status;
}
