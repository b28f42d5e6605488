// Which listeners a route attaches to, parent by parent, and what to say where it attaches to none.
// Knows nothing of rules and backends.
import { GATEWAY_GROUP } from '#kube/api/gateway/resources.ts';
import type { AnyRoute, FromNamespaces, ParentRef } from '#kube/api/gateway/types.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import type { Fault } from './conditions.ts';
import { commonHosts } from './hostnames.ts';
import { type GatewayView, type ListenerView, listenersOfOwner } from './listener-view.ts';
import type { RouteKindName } from './objects.ts';

/** A listener that a route is attached to, and for which hosts. */
export interface Attached {
  /** Key of the Gateway. */
  readonly gateway: string;
  readonly listener: ListenerView;
  readonly hostnames: readonly string[];
}

export interface ParentOutcome {
  readonly parentRef: ParentRef;
  readonly attached: readonly Attached[];
  /** Why it attaches to none. */
  readonly fault: Fault | undefined;
}

export interface Parents {
  /** By `namespace/name`; only those of our classes. */
  readonly gateways: ReadonlyMap<string, GatewayView>;
  /** By `namespace/name` of the set. */
  readonly sets: ReadonlyMap<string, GatewayView>;
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
}

/** One outcome for each reference to a parent of ours; others are others' to speak of. */
export function attachRoute(kind: RouteKindName, route: AnyRoute, parents: Parents): readonly ParentOutcome[] {
  const home = route.metadata?.namespace ?? '';
  return (route.spec?.parentRefs ?? []).flatMap((parentRef) => {
    const { group = GATEWAY_GROUP, kind: parentKind = 'Gateway', name, namespace = home } = parentRef;
    if (group !== GATEWAY_GROUP) return [];
    const key = `${namespace}/${name}`;
    const gateway =
      parentKind === 'Gateway'
        ? parents.gateways.get(key)
        : parentKind === 'ListenerSet'
          ? parents.sets.get(key)
          : undefined;
    if (gateway === undefined) return [];
    const listeners = listenersOfOwner(gateway, `${parentKind} ${key}`);
    return [toListeners(kind, route, parentRef, gateway, listeners, parents)];
  });
}

function toListeners(
  kind: RouteKindName,
  route: AnyRoute,
  parentRef: ParentRef,
  gateway: GatewayView,
  listeners: readonly ListenerView[],
  parents: Parents,
): ParentOutcome {
  const home = route.metadata?.namespace ?? '';
  const none = (reason: string, message: string): ParentOutcome => ({
    parentRef,
    attached: [],
    fault: { reason, message },
  });
  const { sectionName, port } = parentRef;
  const named = listeners.filter(
    ({ spec }) =>
      (sectionName === undefined || sectionName === '' || spec.name === sectionName) &&
      (port === undefined || spec.port === port),
  );
  const there = listeners.map(({ spec }) => `"${spec.name}" (port ${spec.port})`).join(', ');
  if (named.length === 0) {
    const wanted = [
      sectionName === undefined ? '' : ` "${sectionName}"`,
      port === undefined ? '' : ` of port ${port}`,
    ].join('');
    return none(
      'NoMatchingParent',
      `There is no listener${wanted}; there is ${there || 'none'}: correct sectionName or port of the parentRef`,
    );
  }
  const ofKind = named.filter(({ supportedKinds }) => supportedKinds.some((one) => one.kind === kind));
  if (ofKind.length === 0) {
    const kinds = named.map(
      ({ spec, supportedKinds }) =>
        `"${spec.name}" takes ${supportedKinds.map((one) => one.kind).join(' and ') || 'none'}`,
    );
    return none(
      'NotAllowedByListeners',
      `No listener takes a ${kind}: ${kinds.join(', ')}; name another listener, or let it in with protocol or allowedRoutes.kinds`,
    );
  }
  const allowed = ofKind.filter(({ spec, owner }) =>
    namespaceAllowed(spec.allowedRoutes?.namespaces, owner.namespace, home, 'Same', parents.namespaceLabels),
  );
  if (allowed.length === 0) {
    const names = ofKind.map(({ spec }) => `"${spec.name}"`).join(', ');
    return none(
      'NotAllowedByListeners',
      `Listener ${names} takes no routes of namespace "${home}": let it do so with allowedRoutes.namespaces`,
    );
  }
  const wanted = (route.spec?.hostnames ?? []).map((host) => host.toLowerCase());
  const attached = allowed.flatMap((listener) => {
    const hostnames = commonHosts(listener.spec.hostname, wanted);
    return hostnames.length === 0 ? [] : [{ gateway: gateway.key, listener, hostnames }];
  });
  if (attached.length === 0) {
    const hosts = allowed.map(({ spec, hostname }) => `"${spec.name}" is for "${hostname}"`).join(', ');
    return none(
      'NoMatchingListenerHostname',
      `None of the hosts ${wanted.map((host) => `"${host}"`).join(', ')} is that of a listener: ${hosts}; correct spec.hostnames, or the hostname of the listener`,
    );
  }
  return { parentRef, attached, fault: undefined };
}

/** Whether `home` is among the namespaces that the owner of a listener, in `own`, lets in. */
export function namespaceAllowed(
  namespaces: FromNamespaces | undefined,
  own: string,
  home: string,
  byDefault: string,
  labelsOf: Parents['namespaceLabels'],
): boolean {
  const from = namespaces?.from ?? byDefault;
  if (from === 'All') return true;
  if (from === 'Same') return own === home;
  if (from !== 'Selector' || namespaces?.selector === undefined) return false;
  const labels = labelsOf(home);
  return (
    labels !== undefined &&
    labelSelectorMatches(namespaces.selector as Parameters<typeof labelSelectorMatches>[0], labels)
  );
}
