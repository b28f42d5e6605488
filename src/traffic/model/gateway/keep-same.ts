// A Gateway that is seen anew, with everything of before in it that says the same: of thousands of listeners mostly one
// has changed, and whoever holds on to the others has no need to look again. Knows no route and no table.
import { jsonEqual } from '#lib/json.ts';
import { type GatewayView, type ListenerSetView, type ListenerView, listenersOfOwner } from './listener-view.ts';

export function keepSame(now: GatewayView, before: GatewayView | undefined): GatewayView {
  if (before === undefined) return now;
  const known = new Map(before.listeners.map((listener) => [nameOf(listener), listener]));
  const kept = new Map<ListenerView, ListenerView>();
  for (const listener of now.listeners) {
    const old = known.get(nameOf(listener));
    if (old === undefined || !sameListener(old, listener)) continue;
    kept.set(listener, old);
    known.delete(nameOf(listener));
  }
  const current = (listener: ListenerView): ListenerView => kept.get(listener) ?? listener;
  const setsBefore = new Map(before.sets.map((set) => [set.key, set]));
  const sets = now.sets.map((set): ListenerSetView => {
    const made = { ...set, listeners: set.listeners.map(current) };
    const old = setsBefore.get(set.key);
    return old !== undefined && sameSet(old, made) ? old : made;
  });
  return { ...now, listeners: now.listeners.map(current), sets };
}

/** Whether what stands in tables for the Gateway stays where it is, apart from what its listeners ask for. */
export function staysInPlace(before: GatewayView | undefined, now: GatewayView | undefined): boolean {
  if (before === undefined || now === undefined) return false;
  return jsonEqual(before.listenAt, now.listenAt) && jsonEqual(before.backendCertificate, now.backendCertificate);
}

/** Whether ListenerSets whose listeners are the same are told the same. */
export function tellsSame(before: GatewayView | undefined, now: GatewayView): boolean {
  if (before === undefined) return false;
  const placeOf = ({ acceptFault, addresses, listenAt, addressFault }: GatewayView) => ({
    acceptFault,
    addresses,
    listenAt,
    addressFault,
  });
  return jsonEqual(placeOf(before), placeOf(now));
}

export interface Owner {
  readonly kind: 'Gateway' | 'ListenerSet';
  readonly key: string;
}

/** Owners of listeners whose routes have to look again; all of them where the Gateway itself is another. */
export function ownersThatDiffer(before: GatewayView | undefined, now: GatewayView | undefined): readonly Owner[] {
  const owners = new Map([...ownersOf(before), ...ownersOf(now)].map((owner) => [idOf(owner), owner]));
  if (before === undefined || now === undefined || !staysInPlace(before, now)) return [...owners.values()];
  const there = [before, now].map((view) => new Set(ownersOf(view).map(idOf))) as [Set<string>, Set<string>];
  return [...owners].flatMap(([id, owner]) => {
    const same =
      there[0].has(id) === there[1].has(id) && sameItems(listenersOfOwner(before, id), listenersOfOwner(now, id));
    return same ? [] : [owner];
  });
}

function ownersOf(view: GatewayView | undefined): readonly Owner[] {
  if (view === undefined) return [];
  return [{ kind: 'Gateway', key: view.key }, ...view.sets.map(({ key }): Owner => ({ kind: 'ListenerSet', key }))];
}

function idOf({ kind, key }: Owner): string {
  return `${kind} ${key}`;
}

function nameOf({ owner, spec }: ListenerView): string {
  return `${owner.kind} ${owner.key} ${spec.name}`;
}

/** What is derived from the specification alone need not be compared. */
function sameListener(a: ListenerView, b: ListenerView): boolean {
  return (
    jsonEqual(a.spec, b.spec) &&
    a.resolved === b.resolved &&
    jsonEqual(a.acceptFault, b.acceptFault) &&
    jsonEqual(a.conflict, b.conflict) &&
    jsonEqual(a.overlap, b.overlap) &&
    jsonEqual(a.refFaults, b.refFaults) &&
    jsonEqual(a.clientTls, b.clientTls) &&
    jsonEqual(a.certificates, b.certificates)
  );
}

function sameSet(a: ListenerSetView, b: ListenerSetView): boolean {
  return (
    a.set.metadata?.generation === b.set.metadata?.generation &&
    jsonEqual(a.fault, b.fault) &&
    sameItems(a.listeners, b.listeners)
  );
}

export function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
