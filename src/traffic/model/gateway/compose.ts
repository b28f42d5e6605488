// From listeners and what is attached to them to sockets, virtual hosts and certificates of the traffic model.
// Knows no status; whatever comes in here is to be served.
import type { Certificate, Listener, PassthroughRoute, Route, VirtualHost, WeightedCluster } from '../ir.ts';
import { belongsElsewhere, EVERY_HOST } from './hostnames.ts';
import { type GatewayView, isUsable, type ListenerView } from './listener-view.ts';
import { endsTls } from './listeners.ts';
import { gatewayCertificateName, socketName, virtualHostName } from './names.ts';

/** A route on one listener; in order of precedence among its like. */
export interface Serving {
  readonly listener: ListenerView;
  readonly hostnames: readonly string[];
  /** `kind/namespace/name`. */
  readonly route: string;
  /** Of an HTTPRoute or GRPCRoute. */
  readonly entries: readonly Route[];
  /** Of the others. */
  readonly clusters: readonly WeightedCluster[];
}

export interface Composed {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly certificates: ReadonlyMap<string, Certificate>;
}

export interface Sink {
  readonly listeners: Map<string, Listener>;
  readonly virtualHosts: Map<string, VirtualHost>;
  readonly certificates: Map<string, Certificate>;
}

/** Listeners of a Gateway that share a socket on each of its addresses. */
export interface Port {
  readonly port: number;
  readonly udp: boolean;
  readonly listeners: readonly ListenerView[];
  /** Names of the sockets. */
  readonly sockets: readonly string[];
}

export function portsOf({ key, listeners, listenAt }: GatewayView): readonly Port[] {
  const usable = listeners.filter(isUsable);
  const groups = Map.groupBy(usable, ({ spec }) => `${spec.port}${spec.protocol === 'UDP' ? '/udp' : ''}`);
  return [...groups.values()].map((group) => {
    const port = group[0]?.spec.port ?? 0;
    const udp = group[0]?.spec.protocol === 'UDP';
    return { port, udp, listeners: group, sockets: listenAt.map((address) => socketName(key, port, udp, address)) };
  });
}

export function composeGateway(gateway: GatewayView, servings: readonly Serving[], into: Sink): void {
  for (const port of portsOf(gateway)) {
    const here = servings.filter(({ listener }) => port.listeners.includes(listener));
    const protocols = new Set(port.listeners.map(({ spec }) => spec.protocol));
    const base = { port: port.port, ...protocolOf(port, protocols, here) };
    const tls = port.listeners.find(({ clientTls }) => clientTls !== undefined)?.clientTls;
    for (const [at, name] of port.sockets.entries()) {
      const address = gateway.listenAt[at] ?? '';
      into.listeners.set(name, { name, address, ...base, ...(tls === undefined ? {} : { tls }) });
    }
    if (port.sockets.length === 0) continue;
    if (protocols.has('HTTP') || protocols.has('HTTPS')) addHosts(gateway.key, port, here, into);
    addCertificates(gateway.key, port, into);
  }
}

function protocolOf(
  { listeners }: Port,
  protocols: ReadonlySet<string>,
  servings: readonly Serving[],
): Pick<Listener, 'protocol' | 'clusters' | 'passthrough'> {
  if (protocols.has('HTTP')) return { protocol: 'http' };
  if (protocols.has('TLS')) {
    return { protocol: protocols.has('HTTPS') ? 'https' : 'tls', passthrough: passthroughOf(listeners, servings) };
  }
  if (protocols.has('HTTPS')) return { protocol: 'https' };
  // One rule of one route is all that a port can have: the oldest route's.
  return { protocol: protocols.has('UDP') ? 'udp' : 'tcp', clusters: servings[0]?.clusters ?? [] };
}

/** Nobody: the connection is closed. */
const nobody: readonly WeightedCluster[] = [{ cluster: '', weight: 1 }];

function passthroughOf(listeners: readonly ListenerView[], servings: readonly Serving[]): PassthroughRoute[] {
  const taken = new Set<string>();
  const routed = servings.flatMap(({ listener, hostnames, route, clusters }): PassthroughRoute[] => {
    if (listener.spec.protocol !== 'TLS') return [];
    const own = hostsHere(listeners, listener, hostnames).filter((host) => !taken.has(host));
    for (const host of own) taken.add(host);
    const terminate = endsTls(listener.spec) ? { terminate: true } : {};
    return own.length === 0 ? [] : [{ name: `${route}/${listener.spec.name}`, hostnames: own, clusters, ...terminate }];
  });
  // Names of listeners without a route for them are not a less specific listener's to serve.
  const others = listeners
    .filter(({ hostname }) => !taken.has(hostname))
    .map(({ spec, hostname }): PassthroughRoute => {
      const clusters = spec.protocol === 'HTTPS' ? [] : nobody;
      return { name: `listener/${spec.name}`, hostnames: [hostname], clusters };
    });
  return [...routed, ...others];
}

/** Those of the hostnames that no more specific listener of the port has. */
function hostsHere(listeners: readonly ListenerView[], own: ListenerView, hostnames: readonly string[]): string[] {
  const others = listeners.map(({ hostname }) => hostname);
  return hostnames.filter((host) => !belongsElsewhere(host, own.hostname, others));
}

function addHosts(gateway: string, port: Port, servings: readonly Serving[], into: Sink): void {
  // Every listener has its host, so that a request for it is not taken by a less specific one that has routes.
  const hosts = new Map<string, Route[]>(
    port.listeners.filter(({ spec }) => spec.protocol !== 'TLS').map(({ hostname }) => [hostname, []]),
  );
  for (const { listener, hostnames, entries } of servings) {
    if (listener.spec.protocol === 'TLS') continue;
    for (const host of hostsHere(port.listeners, listener, hostnames)) {
      const routes = hosts.get(host) ?? [];
      hosts.set(host, routes);
      for (const entry of entries) if (!routes.includes(entry)) routes.push(entry);
    }
  }
  for (const [hostname, routes] of hosts) {
    const name = virtualHostName(gateway, port.port, hostname);
    into.virtualHosts.set(name, { hostname, wildcard: 'any-labels', listeners: port.sockets, routes });
  }
}

function addCertificates(gateway: string, port: Port, into: Sink): void {
  for (const { hostname, certificates } of port.listeners) {
    for (const certificate of certificates) {
      const name = gatewayCertificateName(gateway, port.port, hostname, certificate.fingerprint.slice(0, 16));
      const hostnames = hostname === EVERY_HOST ? [] : [hostname];
      into.certificates.set(name, { name, hostnames, listeners: port.sockets, ...certificate });
    }
  }
}
