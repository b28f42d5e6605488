// The statuses of Gateways, ListenerSets and GatewayClasses, from what the translation found and what could be bound.
// Pure; knows no client. Words and reasons are those of Gateway API v1.6.
import type { Condition, Gateway, GatewayClass, ListenerSet, ListenerStatus } from '#kube/api/gateway/types.ts';
import { attempt } from './attempt.ts';
import { insecurePorts } from './client-tls.ts';
import { portsOf } from './compose.ts';
import { condition, type Fault, holds } from './conditions.ts';
import { SUPPORTED_FEATURES } from './features.ts';
import { type GatewayView, isUsable, type ListenerSetView, type ListenerView } from './listener-view.ts';
import { overlapMessage } from './overlaps.ts';

/** Why sockets could not be opened, by their name. */
export type SocketFaults = ReadonlyMap<string, string>;

/** How many routes are attached to a listener. */
export type RouteCounts = ReadonlyMap<ListenerView, number>;

interface Served {
  readonly portFault: Fault | undefined;
  readonly waiting: Fault | undefined;
}

export function gatewayStatus(
  view: GatewayView,
  faults: SocketFaults,
  counts: RouteCounts,
): NonNullable<Gateway['status']> {
  const generation = view.gateway.metadata?.generation;
  const served = servedOf(view, faults);
  const own = view.listeners.filter(({ owner }) => owner.kind === 'Gateway');
  const accepted = acceptedFault(view, own, served);
  const attached = accepted.refused
    ? []
    : view.sets.filter(({ fault, listeners }) => fault === undefined && listeners.some(isUsable));
  return {
    addresses: view.addresses.map((value) => ({ type: 'IPAddress', value })),
    conditions: [
      accepted.refused
        ? holds('Accepted', accepted.fault, '', '', generation)
        : condition(
            'Accepted',
            'True',
            accepted.fault?.reason ?? 'Accepted',
            accepted.fault?.message ?? 'The Gateway is served',
            generation,
          ),
      holds(
        'Programmed',
        programmedFault(view, accepted.refused ? accepted.fault : undefined, served),
        'Programmed',
        'Every worker serves what the Gateway asks for',
        generation,
      ),
      ...(view.backendCertificate === undefined
        ? []
        : [
            holds(
              'ResolvedRefs',
              view.backendCertificate.fault,
              'ResolvedRefs',
              'Everything it refers to is there',
              generation,
            ),
          ]),
      ...insecureMode(view.gateway),
    ],
    listeners: own.map((listener) =>
      listenerStatus(listener, generation, served.get(listener), accepted.refused, counts),
    ),
    attachedListenerSets: attached.length,
  };
}

/** A warning, which is there only while it holds. */
function insecureMode(gateway: Gateway): readonly Condition[] {
  const ports = attempt(() => insecurePorts(gateway)) ?? [];
  if (ports.length === 0) return [];
  const message = `Clients without a valid certificate are let in, on ports: ${ports.join(', ')} (spec.tls.frontend has mode AllowInsecureFallback)`;
  return [
    condition('InsecureFrontendValidationMode', 'True', 'ConfigurationChanged', message, gateway.metadata?.generation),
  ];
}

/** Where a Gateway is, without what it serves. */
type GatewayPlace = Pick<GatewayView, 'key' | 'acceptFault' | 'addresses' | 'listenAt' | 'addressFault'>;

function servedOf(
  view: GatewayPlace & Pick<GatewayView, 'listeners'>,
  faults: SocketFaults,
): Map<ListenerView, Served> {
  const served = new Map<ListenerView, Served>();
  for (const { listeners, sockets, port } of portsOf(view)) {
    const failed = sockets.flatMap((socket) => faults.get(socket) ?? []);
    const portFault =
      failed.length === 0
        ? undefined
        : { reason: 'PortUnavailable', message: `Port ${port} cannot be had: ${failed.join('; ')}` };
    const waiting = sockets.length > 0 ? undefined : (view.addressFault ?? NO_ADDRESS);
    for (const listener of listeners) served.set(listener, { portFault, waiting });
  }
  return served;
}

const NO_ADDRESS: Fault = { reason: 'AddressNotAssigned', message: 'The Gateway has no address yet' };

function acceptedFault(
  view: GatewayView,
  own: readonly ListenerView[],
  served: ReadonlyMap<ListenerView, Served>,
): { readonly refused: boolean; readonly fault: Fault | undefined } {
  if (view.acceptFault !== undefined) return { refused: true, fault: view.acceptFault };
  const bad = own.filter(
    (listener) => !isUsable(listener) || listener.refFaults.length > 0 || served.get(listener)?.portFault !== undefined,
  );
  if (bad.length === 0) return { refused: false, fault: undefined };
  const names = bad.map(({ spec }) => `"${spec.name}"`).join(', ');
  const fault = {
    reason: 'ListenersNotValid',
    message: `Something is wrong with listener ${names}: its conditions say what`,
  };
  const hopeless = own.every(({ acceptFault, conflict }) => acceptFault !== undefined || conflict !== undefined);
  return { refused: hopeless && !view.listeners.some(isUsable), fault };
}

function programmedFault(
  view: GatewayView,
  refused: Fault | undefined,
  served: ReadonlyMap<ListenerView, Served>,
): Fault | undefined {
  if (refused !== undefined) return { reason: 'Invalid', message: refused.message };
  // Also with an address: one of those asked for may not be had.
  if (view.addressFault !== undefined) return view.addressFault;
  if (view.addresses.length === 0) return NO_ADDRESS;
  const usable = view.listeners.filter(isUsable);
  if (usable.length === 0) return { reason: 'Invalid', message: 'No listener can be served: their conditions say why' };
  const open = usable.filter((listener) => served.get(listener)?.portFault === undefined);
  if (open.length > 0) return undefined;
  return { reason: 'Invalid', message: served.get(usable[0] as ListenerView)?.portFault?.message ?? '' };
}

function listenerStatus(
  listener: ListenerView,
  generation: number | undefined,
  served: Served | undefined,
  refused: boolean,
  counts: RouteCounts,
): ListenerStatus {
  const { spec, acceptFault, conflict, refFaults, supportedKinds } = listener;
  const bad = acceptFault ?? conflict ?? served?.portFault;
  const overlap = overlapMessage(listener);
  const programmed = bad ?? (listener.resolved ? undefined : refFaults[0]);
  const reason = programmed === conflict && conflict !== undefined ? conflict.reason : 'Invalid';
  const invalid = programmed === undefined ? undefined : { reason, message: programmed.message };
  const parent = refused
    ? { reason: 'Invalid', message: 'The Gateway is not accepted: its conditions say why' }
    : undefined;
  const waiting = served?.waiting === undefined ? undefined : { reason: 'Pending', message: served.waiting.message };
  const conditions: Condition[] = [
    holds('Accepted', bad, 'Accepted', 'The listener is valid', generation),
    holds('Programmed', invalid ?? parent ?? waiting, 'Programmed', 'The listener is served', generation),
    conflict === undefined
      ? condition('Conflicted', 'False', 'NoConflicts', 'No other listener is in its way', generation)
      : condition('Conflicted', 'True', conflict.reason, conflict.message, generation),
    holds('ResolvedRefs', refsFault(refFaults), 'ResolvedRefs', 'Everything it refers to is there', generation),
    // Of negative polarity: where nothing overlaps it is not said at all.
    ...(overlap === undefined
      ? []
      : [condition('OverlappingTLSConfig', 'True', 'OverlappingHostnames', overlap, generation)]),
  ];
  return { name: spec.name, supportedKinds, attachedRoutes: counts.get(listener) ?? 0, conditions };
}

function refsFault(faults: readonly Fault[]): Fault | undefined {
  const [first] = faults;
  if (first === undefined) return undefined;
  return { reason: first.reason, message: faults.map(({ message }) => message).join('; ') };
}

export function listenerSetStatus(
  { set, fault, listeners }: ListenerSetView,
  gateway: GatewayPlace,
  faults: SocketFaults,
  counts: RouteCounts,
): NonNullable<ListenerSet['status']> {
  const generation = set.metadata?.generation;
  const served = servedOf({ ...gateway, listeners }, faults);
  if (fault !== undefined) {
    const conditions = [holds('Accepted', fault, '', '', generation), holds('Programmed', fault, '', '', generation)];
    return { conditions };
  }
  const bad = listeners.filter(
    (listener) => !isUsable(listener) || listener.refFaults.length > 0 || served.get(listener)?.portFault !== undefined,
  );
  const usable = listeners.filter((listener) => isUsable(listener) && served.get(listener)?.portFault === undefined);
  const names = bad.map(({ spec }) => `"${spec.name}"`).join(', ');
  const problem = {
    reason: 'ListenersNotValid',
    message: `Something is wrong with listener ${names}: its conditions say what`,
  };
  const parent =
    gateway.acceptFault !== undefined
      ? { reason: 'ParentNotAccepted', message: gateway.acceptFault.message }
      : undefined;
  const accepted = parent ?? (usable.length === 0 ? problem : undefined);
  const waiting =
    gateway.addresses.length === 0
      ? { reason: 'ParentNotProgrammed', message: (gateway.addressFault ?? NO_ADDRESS).message }
      : undefined;
  return {
    conditions: [
      accepted === undefined
        ? condition(
            'Accepted',
            'True',
            bad.length === 0 ? 'Accepted' : problem.reason,
            bad.length === 0 ? 'The listeners are served' : problem.message,
            generation,
          )
        : holds('Accepted', accepted, '', '', generation),
      holds('Programmed', accepted ?? waiting, 'Programmed', 'Every worker serves the listeners', generation),
    ],
    listeners: listeners.map((listener) =>
      listenerStatus(listener, generation, served.get(listener), parent !== undefined, counts),
    ),
  };
}

export function classStatus(gatewayClass: GatewayClass): NonNullable<GatewayClass['status']> {
  const generation = gatewayClass.metadata?.generation;
  const { parametersRef } = gatewayClass.spec ?? {};
  const fault =
    parametersRef === undefined
      ? undefined
      : {
          reason: 'InvalidParameters',
          message: `There are no parameters of kind ${parametersRef.group}/${parametersRef.kind}: remove spec.parametersRef`,
        };
  return {
    conditions: [holds('Accepted', fault, 'Accepted', 'Evenkeel serves Gateways of this class', generation)],
    supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })),
  };
}
