// Gateways and their routes as objects come, change and go: only what a change concerns is translated again.
// Pure apart from its memory, which is a function of the objects. One broken object costs nobody else anything.
import { objectKey } from '#kube/api/object.ts';
import type { SocketFaults } from './gateway-status.ts';
import { GatewayViews, type Seen } from './gateway-views.ts';
import { tellsSame } from './keep-same.ts';
import type { GatewayView, ListenerView } from './listener-view.ts';
import type { GatewayNews } from './news.ts';
import type { ObjectStatus } from './object-status.ts';
import type { GatewayObjects, GatewayOptions } from './objects.ts';
import { listenersOf } from './route-cell.ts';
import { RouteCells, type RouteChange } from './route-cells.ts';
import { gatewaysOf, ServedGateways } from './served-gateways.ts';
import type { GatewayTables, TableChanges } from './tables.ts';
import {
  type Telling,
  tellClass,
  tellGateway,
  tellListenerSet,
  tellPolicy,
  tellReleased,
  tellRoute,
} from './tellings.ts';
import type { Variants } from './variants.ts';
import { ourClasses } from './views.ts';

export interface GatewayChanges extends TableChanges {
  /** Keys of Services that have other variants of their clusters than before. */
  readonly variants: ReadonlySet<string>;
  /** By kind and key; undefined: nothing is said of it any more. */
  readonly tellings: ReadonlyMap<string, Telling | undefined>;
}

export class GatewayTranslator {
  readonly #views: GatewayViews;
  readonly #cells = new RouteCells();
  readonly #served = new ServedGateways();
  /** All that is told now, by kind and key. */
  readonly #told = new Map<string, Telling>();
  #tellings = new Map<string, Telling | undefined>();

  constructor(options: GatewayOptions) {
    this.#views = new GatewayViews(options);
  }

  get tables(): GatewayTables['now'] {
    return this.#served.tables.now;
  }

  get variants(): Pick<Variants, 'all' | 'ofService'> {
    return this.#served.variants;
  }

  /** The same array for as long as no Gateway changes. */
  get gateways(): readonly GatewayView[] {
    return this.#views.all;
  }

  /** Whether somebody asked for this Secret or ConfigMap, whether or not it exists. */
  needs(kind: 'Secret' | 'ConfigMap', key: string): boolean {
    return this.#views.needs(kind, key);
  }

  /** Takes in what has changed; without `news` everything may have. */
  update(objects: GatewayObjects, news?: GatewayNews): GatewayChanges {
    const seen = this.#views.update(objects, news);
    for (const change of seen.gateways) this.#served.see(change);
    const routes = this.#cells.update(objects, news, seen, this.#views);
    for (const change of routes) this.#served.put(change);
    this.#served.write();
    if (seen.classes) this.#tellClasses(objects);
    this.#tellGateways(seen, count(routes));
    for (const { id, now, released } of routes) {
      this.#tell(id, now !== undefined ? tellRoute(now) : released && tellReleased(id, released));
    }
    this.#tellPolicies(seen, routes);
    const tellings = this.#tellings;
    this.#tellings = new Map();
    return { ...this.#served.tables.take(), variants: this.#served.variants.takeChanged(), tellings };
  }

  /** What Gateways and ListenerSets are told, which depends on what could be bound. */
  gatewayTellings(): ReadonlyMap<string, Telling> {
    return new Map([...this.#told].filter(([id]) => id.startsWith('Gateway ') || id.startsWith('ListenerSet ')));
  }

  /** Everything that is to be told now: classes, Gateways, ListenerSets, routes and policies, each from the oldest on. */
  statusesOf(faults: SocketFaults): readonly ObjectStatus[] {
    const ids = new Set([
      ...[...this.#told.keys()].filter((id) => id.startsWith('GatewayClass ')),
      ...this.gateways.map(({ key }) => `Gateway ${key}`),
      ...this.gateways.flatMap(({ sets }) => sets.map(({ key }) => `ListenerSet ${key}`)),
      ...this.#cells.sorted().map(({ id }) => id),
      ...this.#views.policies.map(({ key }) => `BackendTLSPolicy ${key}`),
      ...this.#told.keys(),
    ]);
    return [...ids].flatMap((id) => this.#told.get(id)?.(faults) ?? []);
  }

  #tell(id: string, telling: Telling | undefined): void {
    if (telling === undefined && !this.#told.has(id)) return;
    if (telling === undefined) this.#told.delete(id);
    else this.#told.set(id, telling);
    this.#tellings.set(id, telling);
  }

  #tellClasses(objects: GatewayObjects): void {
    const gone = new Set([...this.#told.keys()].filter((id) => id.startsWith('GatewayClass ')));
    for (const gatewayClass of ourClasses(objects.classes)) {
      const id = `GatewayClass ${objectKey(gatewayClass)}`;
      gone.delete(id);
      this.#tell(id, tellClass(gatewayClass));
    }
    for (const id of gone) this.#tell(id, undefined);
  }

  /** Gateways that are seen anew, and those that have more or fewer routes than before. */
  #tellGateways({ gateways }: Seen, counted: ReadonlySet<ListenerView['owner']>): void {
    const gone = new Set<string>();
    const owners = new Set<string>();
    for (const { key, before, now } of gateways) {
      const there = new Set(now?.sets);
      const known = new Set(before?.sets);
      for (const set of known) if (!there.has(set)) gone.add(`ListenerSet ${set.key}`);
      if (now === undefined) {
        gone.add(`Gateway ${key}`);
        continue;
      }
      owners.add(`Gateway ${key}`);
      const same = tellsSame(before, now);
      for (const set of there) if (!same || !known.has(set)) owners.add(`ListenerSet ${set.key}`);
    }
    const parents = this.#views.parents();
    for (const { kind, key } of counted) owners.add(`${kind} ${key}`);
    for (const id of owners) {
      const key = id.slice(id.indexOf(' ') + 1);
      const view = id.startsWith('Gateway ') ? parents.gateways.get(key) : parents.sets.get(key);
      if (view === undefined) continue;
      gone.delete(id);
      const set = id.startsWith('Gateway ') ? undefined : view.sets.find((one) => one.key === key);
      this.#tell(id, set === undefined ? tellGateway(view) : tellListenerSet(set, view));
    }
    for (const id of gone) this.#tell(id, undefined);
  }

  /** All when any of them has changed; otherwise those whose Services some changed route leads to, or led to. */
  #tellPolicies({ policies }: Seen, routes: readonly RouteChange[]): void {
    const all = this.#views.policies;
    const services = new Set<string>();
    for (const { before, now } of all.length === 0 ? [] : routes) {
      for (const cell of [before, now]) for (const service of cell?.body.services ?? []) services.add(service);
    }
    const concerned = policies ? all : all.filter((view) => [...view.services].some((one) => services.has(one)));
    for (const view of concerned) {
      const gateways = new Set([...view.services].flatMap((one) => this.#cells.leadingTo(one).flatMap(gatewaysOf)));
      this.#tell(`BackendTLSPolicy ${view.key}`, tellPolicy(view, [...gateways].sort()));
    }
    if (!policies) return;
    const there = new Set(all.map(({ key }) => `BackendTLSPolicy ${key}`));
    for (const id of [...this.#told.keys()]) {
      if (id.startsWith('BackendTLSPolicy ') && !there.has(id)) this.#tell(id, undefined);
    }
  }
}

/** Counts routes on the listeners that they are attached to, whatever state these are in; whose counts are others now. */
function count(changes: readonly RouteChange[]): ReadonlySet<ListenerView['owner']> {
  const owners = new Set<ListenerView['owner']>();
  for (const { id, before, now } of changes) {
    const after = now === undefined ? new Set<ListenerView>() : listenersOf(now);
    for (const listener of before === undefined ? [] : listenersOf(before)) {
      if (after.has(listener) || !listener.attached.delete(id)) continue;
      owners.add(listener.owner);
    }
    for (const listener of after) {
      if (listener.attached.has(id)) continue;
      listener.attached.add(id);
      owners.add(listener.owner);
    }
  }
  return owners;
}
