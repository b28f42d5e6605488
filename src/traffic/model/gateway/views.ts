// The Gateways that are ours, with their listeners and those that ListenerSets add to them.
// Knows no route.
import { GATEWAY_GROUP } from '#kube/api/gateway/resources.ts';
import type { Gateway, GatewayClass, ListenerSet } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { namespaceAllowed } from './attach.ts';
import { attempt } from './attempt.ts';
import { backendCertificateOf } from './backend-certificate.ts';
import { type ClientTlsLookups, clientTlsOf } from './client-tls.ts';
import { type Fault, GATEWAY_CONTROLLER } from './conditions.ts';
import { markConflicts } from './conflicts.ts';
import type { GatewayView, ListenerOwner, ListenerSetView } from './listener-view.ts';
import { type ListenerLookups, listenerView } from './listeners.ts';
import type { GatewayObjects } from './objects.ts';
import { markOverlaps } from './overlaps.ts';

/** Classes whose controller we are. */
export function ourClasses(classes: readonly GatewayClass[]): readonly GatewayClass[] {
  return classes.filter(({ spec }) => spec?.controllerName === GATEWAY_CONTROLLER);
}

/** The Gateway that a ListenerSet wants to add to. */
export function parentKeyOf({ metadata, spec }: ListenerSet): string | undefined {
  const {
    group = GATEWAY_GROUP,
    kind = 'Gateway',
    name = '',
    namespace = metadata?.namespace ?? '',
  } = spec?.parentRef ?? {};
  return group === GATEWAY_GROUP && kind === 'Gateway' ? `${namespace}/${name}` : undefined;
}

export function viewOf(
  gateway: Gateway,
  sets: readonly ListenerSet[],
  objects: Pick<GatewayObjects, 'namespaceLabels' | 'addresses'>,
  found: Omit<ListenerLookups, 'clientTls'> & Pick<ClientTlsLookups, 'configMap'>,
): GatewayView {
  const key = objectKey(gateway);
  const lookups: ListenerLookups = { ...found, clientTls: clientTlsOf(gateway, found) };
  const own = ownerOf('Gateway', gateway);
  const mine = (gateway.spec?.listeners ?? []).map((spec) => listenerView(own, spec, lookups));
  const setViews = sets.map((set): ListenerSetView => {
    const owner = ownerOf('ListenerSet', set);
    const allowed = namespaceAllowed(
      gateway.spec?.allowedListeners?.namespaces,
      own.namespace,
      owner.namespace,
      'None',
      objects.namespaceLabels,
    );
    const fault: Fault | undefined = allowed
      ? undefined
      : {
          reason: 'NotAllowed',
          message: `Gateway "${key}" takes no listeners from namespace "${owner.namespace}": let it do so with spec.allowedListeners.namespaces`,
        };
    const listeners = allowed
      ? attempt(() => (set.spec?.listeners ?? []).map((spec) => listenerView(owner, spec, lookups)))
      : [];
    const unreadable = { reason: 'ListenersNotValid', message: 'Its listeners cannot be read' };
    return { key: owner.key, set, fault: listeners === undefined ? unreadable : fault, listeners: listeners ?? [] };
  });
  markConflicts([mine, ...setViews.map(({ listeners }) => listeners)]);
  const all = [...mine, ...setViews.flatMap(({ listeners }) => listeners)];
  markOverlaps(all);
  const { addresses, inside = [], fault } = objects.addresses(key);
  const acceptFault = gatewayFault(gateway);
  return {
    key,
    gateway,
    listeners: all,
    sets: setViews,
    acceptFault,
    // One that is not accepted is served nowhere.
    addresses: acceptFault === undefined ? addresses : [],
    listenAt: acceptFault === undefined && addresses.length > 0 ? [...addresses, ...inside] : [],
    addressFault: fault,
    backendCertificate: backendCertificateOf(gateway, found),
  };
}

function ownerOf(kind: ListenerOwner['kind'], object: Gateway | ListenerSet): ListenerOwner {
  return { kind, key: objectKey(object), namespace: object.metadata?.namespace ?? '', object };
}

function gatewayFault({ spec }: Gateway): Fault | undefined {
  const { parametersRef } = spec?.infrastructure ?? {};
  if (parametersRef !== undefined) {
    const message = `There are no parameters of kind ${parametersRef.group}/${parametersRef.kind}: remove spec.infrastructure.parametersRef`;
    return { reason: 'InvalidParameters', message };
  }
  const strange = (spec?.addresses ?? []).find(({ type = 'IPAddress' }) => type !== 'IPAddress');
  if (strange === undefined) return undefined;
  return {
    reason: 'UnsupportedAddress',
    message: `Addresses of type ${strange.type} are not served: ask for type IPAddress in spec.addresses, or leave it out`,
  };
}
