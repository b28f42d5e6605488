// One Gateway as tables of the traffic model: routes are put in and taken out one by one, and only their hosts follow.
// Knows no status and no other Gateway; whatever comes in here is to be served.
import type { Listener, Route, VirtualHost } from '../ir.ts';
import { certificatesOf, hostsHere, type Port, portsOf, type Serving, socketsOf } from './compose.ts';
import { coveringHosts } from './hostnames.ts';
import { sameItems } from './keep-same.ts';
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
  readonly on: OpenPort;
  readonly hosts: readonly string[];
  readonly serving: Serving;
}

interface OpenPort {
  port: Port;
  /** Hostnames of its listeners. */
  hostnames: ReadonlySet<string>;
  /** By hostname, the oldest first. Every listener has its host, so that no less specific one takes its requests. */
  readonly hosts: Map<string, Placed[]>;
  ownHosts: ReadonlySet<string>;
  /** Routes that are not of HTTP, the oldest first. */
  readonly streams: Placed[];
  readonly dirtyHosts: Set<string>;
  /** Sockets, with the streams on them, and certificates. */
  dirty: boolean;
  /** Names of those that are written. */
  certificates: ReadonlySet<string>;
}

type Name = readonly [table: keyof GatewayTables['now'], name: string];

const NONE: ReadonlySet<string> = new Set();

export class ComposedGateway {
  #view: GatewayView;
  /** By number and protocol. */
  readonly #ports = new Map<string, OpenPort>();
  readonly #portOf = new Map<ListenerView, OpenPort>();
  /** By route. */
  readonly #places = new Map<string, readonly Place[]>();
  /** Of ports that are no more. */
  readonly #gone: Name[] = [];

  constructor(view: GatewayView) {
    this.#view = view;
    this.revise(view);
  }

  get view(): GatewayView {
    return this.#view;
  }

  /** The same Gateway at the same addresses, with listeners that have come, gone or changed: routes on others stay. */
  revise(view: GatewayView): void {
    this.#view = view;
    const wanted = new Map(portsOf(view).map((port) => [`${port.port}${port.udp ? '/udp' : ''}`, port]));
    for (const [key, open] of this.#ports) {
      if (wanted.has(key)) continue;
      this.#ports.delete(key);
      this.#gone.push(...namesOf(view.key, open));
    }
    this.#portOf.clear();
    for (const [key, port] of wanted) {
      const open = this.#ports.get(key) ?? closedPort(port);
      this.#ports.set(key, open);
      for (const listener of port.listeners) this.#portOf.set(listener, open);
      if (open.hostnames === NONE || !sameItems(open.port.listeners, port.listeners)) this.#listen(open, port);
    }
  }

  #listen(open: OpenPort, port: Port): void {
    const before = open.hostnames;
    const ofHttp = port.listeners.filter(({ spec }) => spec.protocol === 'HTTP' || spec.protocol === 'HTTPS');
    const ownHosts = new Set(ofHttp.map(({ hostname }) => hostname));
    open.port = { ...port, sockets: open.port.sockets };
    open.hostnames = new Set(port.listeners.map(({ hostname }) => hostname));
    open.dirty = true;
    for (const host of open.ownHosts.symmetricDifference(ownHosts)) open.dirtyHosts.add(host);
    for (const host of ownHosts) if (!open.hosts.has(host)) open.hosts.set(host, []);
    for (const host of open.ownHosts) {
      if (!ownHosts.has(host) && open.hosts.get(host)?.length === 0) open.hosts.delete(host);
    }
    open.ownHosts = ownHosts;
    this.#replace(open, open.hostnames.symmetricDifference(before));
  }

  /** Routes for hosts that one of these listeners may take from others, or have left to them. */
  #replace(open: OpenPort, hostnames: ReadonlySet<string>): void {
    for (const [route, places] of hostnames.size === 0 ? [] : this.#places) {
      const concerned = ({ on, serving }: Place): boolean =>
        on === open && serving.hostnames.some((host) => coveringHosts(host).some((one) => hostnames.has(one)));
      if (!places.some(concerned)) continue;
      const now = places.map((place) => {
        if (!concerned(place) || isStream(place.serving)) return place;
        const hosts = hostsHere(open.hostnames, place.serving.listener, place.serving.hostnames);
        return sameItems(hosts, place.hosts) ? place : { ...place, hosts };
      });
      if (!sameItems(places, now)) this.#move(route, places, now);
    }
  }

  /** What a route is served as from now on, in place of what it was. */
  put(route: string, order: string, servings: readonly Serving[]): void {
    const before = this.#places.get(route) ?? [];
    const after = servings.flatMap((serving): Place[] => {
      const open = this.#portOf.get(serving.listener);
      if (open === undefined) return [];
      const hosts = isStream(serving) ? [] : hostsHere(open.hostnames, serving.listener, serving.hostnames);
      return [{ order, on: open, hosts, serving }];
    });
    if (before.length === after.length && before.every((place, at) => samePlace(place, after[at] as Place))) return;
    this.#move(route, before, after);
  }

  #move(route: string, before: readonly Place[], after: readonly Place[]): void {
    for (const { order, serving, ...place } of before)
      this.#edit(place, serving, (list) => takeOut(list, order, serving));
    for (const { order, serving, ...place } of after) {
      this.#edit(place, serving, (list) => putIn(list, { order, serving }));
    }
    if (after.length === 0) this.#places.delete(route);
    else this.#places.set(route, after);
  }

  #edit({ on: open, hosts }: Pick<Place, 'on' | 'hosts'>, serving: Serving, edit: (list: Placed[]) => void): void {
    if (isStream(serving)) {
      edit(open.streams);
      open.dirty = true;
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
    for (const [table, name] of this.#gone.splice(0)) tables.set(table, name, undefined);
    for (const open of this.#ports.values()) {
      const { port } = open;
      if (open.dirty) {
        const streams = open.streams.map(({ serving }) => serving);
        for (const socket of socketsOf(this.#view, port, streams))
          tables.set('listeners', socket.name, socket as Listener);
        this.#writeCertificates(tables, open);
        open.dirty = false;
      }
      for (const hostname of open.dirtyHosts) {
        const name = virtualHostName(this.#view.key, port.port, hostname);
        const list = open.hosts.get(hostname);
        const isServed = list !== undefined && port.sockets.length > 0;
        tables.set('virtualHosts', name, isServed ? hostOf(hostname, port, list) : undefined);
      }
      open.dirtyHosts.clear();
    }
    if (before === undefined) return;
    const stays = new Set([...this.#names()].map(([table, name]) => `${table} ${name}`));
    for (const [table, name] of before.#names()) {
      if (!stays.has(`${table} ${name}`)) tables.set(table, name, undefined);
    }
  }

  #writeCertificates(tables: GatewayTables, open: OpenPort): void {
    const all = open.port.sockets.length === 0 ? [] : certificatesOf(this.#view.key, open.port);
    for (const certificate of all) tables.set('certificates', certificate.name, certificate);
    const names = new Set(all.map(({ name }) => name));
    for (const name of open.certificates) if (!names.has(name)) tables.set('certificates', name, undefined);
    open.certificates = names;
  }

  removeFrom(tables: GatewayTables): void {
    for (const [table, name] of this.#names()) tables.set(table, name, undefined);
  }

  /** Everything that it has in the tables. */
  *#names(): Generator<Name> {
    for (const open of this.#ports.values()) yield* namesOf(this.#view.key, open);
  }
}

function closedPort(port: Port): OpenPort {
  return {
    port,
    hostnames: NONE,
    hosts: new Map(),
    ownHosts: NONE,
    streams: [],
    dirtyHosts: new Set(),
    dirty: true,
    certificates: NONE,
  };
}

function* namesOf(gateway: string, { port, hosts, certificates }: OpenPort): Generator<Name> {
  for (const socket of port.sockets) yield ['listeners', socket];
  if (port.sockets.length > 0) {
    for (const hostname of hosts.keys()) yield ['virtualHosts', virtualHostName(gateway, port.port, hostname)];
  }
  for (const name of certificates) yield ['certificates', name];
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
    sameItems(a.hosts, b.hosts)
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
