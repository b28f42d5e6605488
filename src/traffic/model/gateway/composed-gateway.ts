// One Gateway as tables of the traffic model: routes are put in and taken out one by one, and only their hosts follow.
// Knows no status and no other Gateway; whatever comes in here is to be served.
import type { Listener, Route, VirtualHost } from '../ir.ts';
import { certificatesOf, hostsHere, type Port, portsOf, type Serving, socketsOf } from './compose.ts';
import type { GatewayView, ListenerView } from './listener-view.ts';
import { virtualHostName } from './names.ts';
import type { GatewayTables } from './tables.ts';

/** A route at its place among those of a host: `order` says who comes first. */
interface Placed {
  readonly order: string;
  readonly serving: Serving;
}

interface Place {
  readonly order: string;
  readonly on: Port;
  readonly hosts: readonly string[];
  readonly serving: Serving;
}

interface OpenPort {
  readonly port: Port;
  /** Hostnames of its listeners. */
  readonly hostnames: readonly string[];
  /** By hostname, the oldest first. Every listener has its host, so that no less specific one takes its requests. */
  readonly hosts: Map<string, Placed[]>;
  readonly ownHosts: ReadonlySet<string>;
  /** Routes that are not of HTTP, the oldest first. */
  readonly streams: Placed[];
  readonly dirtyHosts: Set<string>;
  dirtyStreams: boolean;
}

export class ComposedGateway {
  readonly view: GatewayView;
  readonly #ports = new Map<Port, OpenPort>();
  readonly #portOf = new Map<ListenerView, OpenPort>();
  /** By route. */
  readonly #places = new Map<string, readonly Place[]>();
  #begun = false;

  constructor(view: GatewayView) {
    this.view = view;
    for (const port of portsOf(view)) {
      const ofHttp = port.listeners.filter(({ spec }) => spec.protocol === 'HTTP' || spec.protocol === 'HTTPS');
      const ownHosts = new Set(ofHttp.map(({ hostname }) => hostname));
      const open: OpenPort = {
        port,
        hostnames: port.listeners.map(({ hostname }) => hostname),
        hosts: new Map([...ownHosts].map((host) => [host, []])),
        ownHosts,
        streams: [],
        dirtyHosts: new Set(ownHosts),
        dirtyStreams: true,
      };
      this.#ports.set(port, open);
      for (const listener of port.listeners) this.#portOf.set(listener, open);
    }
  }

  /** What a route is served as from now on, in place of what it was. */
  put(route: string, order: string, servings: readonly Serving[]): void {
    const before = this.#places.get(route) ?? [];
    const after = servings.flatMap((serving): Place[] => {
      const open = this.#portOf.get(serving.listener);
      if (open === undefined) return [];
      const hosts = isStream(serving) ? [] : hostsHere(open.hostnames, serving.listener, serving.hostnames);
      return [{ order, on: open.port, hosts, serving }];
    });
    if (before.length === after.length && before.every((place, at) => samePlace(place, after[at] as Place))) return;
    for (const place of before) this.#edit(place, (list) => takeOut(list, place.order, place.serving));
    for (const place of after) this.#edit(place, (list) => putIn(list, { order, serving: place.serving }));
    if (after.length === 0) this.#places.delete(route);
    else this.#places.set(route, after);
  }

  #edit({ on, hosts, serving }: Place, edit: (list: Placed[]) => void): void {
    const open = this.#ports.get(on) as OpenPort;
    if (isStream(serving)) {
      edit(open.streams);
      open.dirtyStreams = true;
    }
    for (const host of hosts) {
      const list = open.hosts.get(host) ?? [];
      open.hosts.set(host, list);
      edit(list);
      open.dirtyHosts.add(host);
      if (list.length === 0 && !open.ownHosts.has(host)) open.hosts.delete(host);
    }
  }

  /** Writes what has changed; the first time everything, in place of what `before` wrote. */
  writeTo(tables: GatewayTables, before?: ComposedGateway): void {
    const stays = new Set<string>();
    const write = <Table extends keyof GatewayTables['now']>(
      table: Table,
      name: string,
      value: Parameters<typeof tables.set<Table>>[2],
    ): void => {
      tables.set(table, name, value);
      if (before !== undefined) stays.add(`${table} ${name}`);
    };
    for (const open of this.#ports.values()) {
      const { port } = open;
      if (open.dirtyStreams) {
        const streams = open.streams.map(({ serving }) => serving);
        for (const socket of socketsOf(this.view, port, streams)) write('listeners', socket.name, socket as Listener);
        open.dirtyStreams = false;
      }
      for (const hostname of open.dirtyHosts) {
        const name = virtualHostName(this.view.key, port.port, hostname);
        const list = open.hosts.get(hostname);
        write(
          'virtualHosts',
          name,
          list === undefined || port.sockets.length === 0 ? undefined : hostOf(hostname, port, list),
        );
      }
      open.dirtyHosts.clear();
      if (!this.#begun && port.sockets.length > 0) {
        for (const certificate of certificatesOf(this.view.key, port))
          write('certificates', certificate.name, certificate);
      }
    }
    this.#begun = true;
    for (const [table, name] of before?.names() ?? []) {
      if (!stays.has(`${table} ${name}`)) tables.set(table, name, undefined);
    }
  }

  removeFrom(tables: GatewayTables): void {
    for (const [table, name] of this.names()) tables.set(table, name, undefined);
  }

  /** Everything that it has in the tables. */
  *names(): Generator<readonly [keyof GatewayTables['now'], string]> {
    for (const { port, hosts } of this.#ports.values()) {
      for (const socket of port.sockets) yield ['listeners', socket];
      for (const hostname of hosts.keys()) yield ['virtualHosts', virtualHostName(this.view.key, port.port, hostname)];
      for (const { name } of certificatesOf(this.view.key, port)) yield ['certificates', name];
    }
  }
}

function isStream({ listener }: Serving): boolean {
  return listener.spec.protocol !== 'HTTP' && listener.spec.protocol !== 'HTTPS';
}

function samePlace(a: Place, b: Place): boolean {
  return (
    a.order === b.order &&
    a.on === b.on &&
    a.serving.listener === b.serving.listener &&
    a.serving.entries === b.serving.entries &&
    a.serving.clusters === b.serving.clusters &&
    a.hosts.length === b.hosts.length &&
    a.hosts.every((host, at) => host === b.hosts[at])
  );
}

function hostOf(hostname: string, port: Port, list: readonly Placed[]): VirtualHost {
  const routes: Route[] = [];
  for (const [at, { order, serving }] of list.entries()) {
    // Attached by way of two listeners, a route is there once.
    if (at > 0 && list[at - 1]?.order === order) continue;
    for (const entry of serving.entries) routes.push(entry);
  }
  return { hostname, wildcard: 'any-labels', listeners: port.sockets, routes };
}

/** Behind those that are as old: of one route, the listeners stand as its parents name them. */
function putIn(list: Placed[], placed: Placed): void {
  list.splice(firstAt(list, placed.order, true), 0, placed);
}

function takeOut(list: Placed[], order: string, serving: Serving): void {
  for (let at = firstAt(list, order, false); list[at]?.order === order; at++) {
    if (list[at]?.serving === serving) {
      list.splice(at, 1);
      return;
    }
  }
}

/** The first place whose order is not before `order`, or, with `behind`, is after it. */
function firstAt(list: readonly Placed[], order: string, behind: boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const here = (list[middle] as Placed).order;
    if (here < order || (behind && here === order)) low = middle + 1;
    else high = middle;
  }
  return low;
}
