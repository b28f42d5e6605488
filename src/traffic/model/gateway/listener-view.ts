// A listener of a Gateway or of a ListenerSet as the translation sees it, with what is found out about it on the way.
// Data; the rules by which it is filled stand beside it.
import type { Gateway, GatewayListener, ListenerSet, RouteKind } from '#kube/api/gateway/types.ts';
import type { Certificate, ListenerTls } from '../ir.ts';
import type { BackendCertificate } from './backend-certificate.ts';
import type { Fault } from './conditions.ts';
import type { RouteKindName } from './objects.ts';

export interface ListenerOwner {
  readonly kind: 'Gateway' | 'ListenerSet';
  readonly key: string;
  readonly namespace: string;
  readonly object: Gateway | ListenerSet;
}

export interface ListenerView {
  readonly owner: ListenerOwner;
  readonly spec: GatewayListener;
  /** `*` when it is for every host. */
  readonly hostname: string;
  readonly supportedKinds: readonly (RouteKind & { readonly kind: RouteKindName })[];
  /** Speaks against serving it at all. */
  acceptFault: Fault | undefined;
  conflict: Fault | undefined;
  /** Another one whose hostnames are partly the same, over TLS. */
  overlap: { readonly name: string; readonly hostname: string } | undefined;
  /** Of its references; it is served where enough of them are good. */
  refFaults: Fault[];
  certificates: readonly Pick<Certificate, 'certificateChainPem' | 'privateKeyPem' | 'fingerprint'>[];
  /** What is asked of clients; of all listeners of the port. */
  clientTls: ListenerTls | undefined;
  /** It has what it needs of its references. */
  resolved: boolean;
  /** Routes that are attached, by kind and key. */
  readonly attached: Set<string>;
}

/** May routes be served through it. */
export function isUsable(listener: ListenerView): boolean {
  return listener.acceptFault === undefined && listener.conflict === undefined && listener.resolved;
}

/** Everything that is known of a Gateway of ours. */
export interface GatewayView {
  readonly key: string;
  readonly gateway: Gateway;
  /** Its own first, then those of its ListenerSets, the oldest set first. */
  readonly listeners: readonly ListenerView[];
  readonly sets: readonly ListenerSetView[];
  acceptFault: Fault | undefined;
  readonly addresses: readonly string[];
  /** Where sockets are opened: at the addresses, and for clients in the cluster. */
  readonly listenAt: readonly string[];
  readonly addressFault: Fault | undefined;
  /** What it shows to backends; undefined where it is asked to show nothing. */
  readonly backendCertificate: BackendCertificate | undefined;
}

export interface ListenerSetView {
  readonly key: string;
  readonly set: ListenerSet;
  /** It may not add listeners. */
  readonly fault: Fault | undefined;
  readonly listeners: readonly ListenerView[];
}

const byOwner = new WeakMap<GatewayView, ReadonlyMap<string, readonly ListenerView[]>>();

/** Listeners that are of one owner, by its kind and key. */
export function listenersOfOwner(view: GatewayView, owner: string): readonly ListenerView[] {
  const groups = byOwner.get(view) ?? Map.groupBy(view.listeners, ({ owner: { kind, key } }) => `${kind} ${key}`);
  byOwner.set(view, groups);
  return groups.get(owner) ?? [];
}
