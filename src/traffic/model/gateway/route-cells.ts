// Every route that has to do with our Gateways, translated again when something that it has read is not what it was.
// Knows no socket and no status; hands out the routes that have changed.
import type { AnyRoute, ParentRef } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { attachRoute, type Parents } from './attach.ts';
import { attempt } from './attempt.ts';
import { GATEWAY_CONTROLLER } from './conditions.ts';
import { Contests, type OrderedClaim } from './contests.ts';
import { Dependents, thing } from './dependents.ts';
import type { GatewayViews, Seen } from './gateway-views.ts';
import type { ListenerView } from './listener-view.ts';
import type { GatewayNews } from './news.ts';
import type { GatewayObjects, RouteKindName } from './objects.ts';
import { withoutRivals } from './rivals.ts';
import { bodyOf, emptyBody, orderOf, ROUTE_KINDS, type RouteCell } from './route-cell.ts';

/** A route before and after; one of the two may be missing. */
export interface RouteChange {
  readonly id: string;
  readonly before: RouteCell | undefined;
  readonly now: RouteCell | undefined;
  /** None of its parents is ours; what was said of one that was is to be taken back. */
  readonly released: AnyRoute | undefined;
}

export class RouteCells {
  readonly #cells = new Map<string, RouteCell>();
  /** What the rules of routes, and their attachments, have read. */
  readonly #bodyReads = new Dependents();
  readonly #attachReads = new Dependents();
  readonly #contests = new Contests();

  get(id: string): RouteCell | undefined {
    return this.#cells.get(id);
  }

  /** The oldest first. */
  sorted(): readonly RouteCell[] {
    return [...this.#cells.values()].sort(byOrder);
  }

  /** Routes that lead to a Service. */
  leadingTo(service: string): readonly RouteCell[] {
    return [...this.#bodyReads.of(thing.tls(service))].flatMap((id) => this.#cells.get(id) ?? []);
  }

  /** In order of age, those that are gone first. */
  update(
    objects: GatewayObjects,
    news: GatewayNews | undefined,
    seen: Seen,
    views: GatewayViews,
  ): readonly RouteChange[] {
    const { bodies, attachments } = this.#concerned(objects, news, seen);
    const before = new Map<string, RouteCell | undefined>();
    const released = new Map<string, AnyRoute>();
    const translation = new Translation(objects, views);
    for (const id of new Set([...bodies, ...attachments])) {
      const old = this.#cells.get(id);
      const { cell, route, reads } = translation.of(id, old, bodies.has(id));
      this.#attachReads.put(id, reads);
      if (cell === undefined && route !== undefined && (old !== undefined || saidBefore(route)))
        released.set(id, route);
      if (old === undefined && cell === undefined && !released.has(id)) continue;
      before.set(id, old);
      this.#put(id, cell);
    }
    for (const id of this.#contests.settle()) {
      if (!before.has(id)) before.set(id, this.#cells.get(id));
    }
    const changes = [...before].map(([id, old]): RouteChange => {
      const cell = this.#cells.get(id);
      const now = cell && this.#besideRivals(cell);
      if (now !== undefined) this.#cells.set(id, now);
      return { id, before: old, now, released: released.get(id) };
    });
    return changes.sort((a, b) => byOrder(a.now ?? first, b.now ?? first));
  }

  /** Routes whose rules, or whose attachments, have to be looked at again. */
  #concerned(objects: GatewayObjects, news: GatewayNews | undefined, { things }: Seen) {
    const bodies = new Set<string>(news === undefined ? [...idsIn(objects), ...this.#cells.keys()] : []);
    const attachments = new Set<string>();
    for (const { kind, key } of news ?? []) if (ROUTE_KINDS.some((one) => one === kind)) bodies.add(`${kind} ${key}`);
    for (const one of things) {
      for (const id of this.#bodyReads.of(one)) bodies.add(id);
      for (const id of this.#attachReads.of(one)) attachments.add(id);
    }
    return { bodies, attachments };
  }

  #put(id: string, cell: RouteCell | undefined): void {
    if (cell === undefined) this.#cells.delete(id);
    else this.#cells.set(id, cell);
    this.#bodyReads.put(id, (cell?.body ?? emptyBody).reads);
    this.#contests.put(id, cell === undefined ? [] : claimsOf(cell));
  }

  #besideRivals(cell: RouteCell): RouteCell {
    const rivalOn = (listener: ListenerView) => this.#contests.rivalOn(cell.id, listener);
    return { ...cell, parents: withoutRivals(cell.attached, rivalOn) };
  }
}

/** One round, in which objects and Gateways stay as they are. */
class Translation {
  readonly #objects: GatewayObjects;
  readonly #parents: Parents;
  readonly #lookups: ReturnType<GatewayViews['lookups']>;

  constructor(objects: GatewayObjects, views: GatewayViews) {
    this.#objects = objects;
    this.#parents = { ...views.parents(), namespaceLabels: (name) => objects.namespaceLabels(name) };
    this.#lookups = views.lookups(objects);
  }

  of(id: string, before: RouteCell | undefined, anew: boolean) {
    const split = id.indexOf(' ');
    const kind = id.slice(0, split) as RouteKindName;
    const key = id.slice(split + 1);
    const route = this.#objects.find(kind, key) as AnyRoute | undefined;
    const reads = new Set<string>();
    if (route === undefined) return { cell: undefined, route, reads };
    const attached = attempt(() => attachRoute(kind, route, this.#noting(route, reads))) ?? [];
    if (attached.length === 0) return { cell: undefined, route, reads };
    const body =
      before === undefined || anew ? bodyOf(kind, route, this.#lookups, before?.body ?? emptyBody) : before.body;
    const cell: RouteCell = { kind, key, id, route, order: orderOf(kind, route), body, attached, parents: attached };
    return { cell, route, reads };
  }

  /** The parents, with notes of which were looked for. */
  #noting(route: AnyRoute, reads: Set<string>): Parents {
    const { gateways, sets, namespaceLabels } = this.#parents;
    const home = route.metadata?.namespace ?? '';
    for (const parentRef of route.spec?.parentRefs ?? []) {
      const { kind = 'Gateway', name, namespace = home } = (parentRef ?? {}) as Partial<ParentRef>;
      reads.add(thing.parent(kind, `${namespace}/${name}`));
    }
    return {
      gateways,
      sets,
      namespaceLabels(name) {
        reads.add(thing.namespace(name));
        return namespaceLabels(name);
      },
    };
  }
}

const first = { order: '' };

function byOrder(a: Pick<RouteCell, 'order'>, b: Pick<RouteCell, 'order'>): number {
  return a.order < b.order ? -1 : a.order > b.order ? 1 : 0;
}

function idsIn(objects: GatewayObjects): readonly string[] {
  const { httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes, udpRoutes } = objects;
  const all: readonly (readonly AnyRoute[])[] = [httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes, udpRoutes];
  return all.flatMap((routes, at) => routes.map((route) => `${ROUTE_KINDS[at]} ${objectKey(route)}`));
}

/** Of a route that is worth nothing nobody has to give way. */
function claimsOf({ id, kind, key, order, body, attached }: RouteCell): readonly OrderedClaim[] {
  if ((kind !== 'HTTPRoute' && kind !== 'GRPCRoute') || body.whole !== undefined) return [];
  return attached.flatMap((parent) =>
    parent.attached.map(({ listener, hostnames }) => ({ id, kind, key, order, listener, hostnames })),
  );
}

function saidBefore({ status }: AnyRoute): boolean {
  return (status?.parents ?? []).some(({ controllerName }) => controllerName === GATEWAY_CONTROLLER);
}
