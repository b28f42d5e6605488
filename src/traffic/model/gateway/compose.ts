// Listeners that share a port of a Gateway, and what is opened for them.
// Knows no status; routes are put in by `composed-gateway.ts`.
import type { Certificate, Listener, PassthroughRoute, Route, WeightedCluster } from '../ir.ts';
import { belongsElsewhere, EVERY_HOST, type Hostnames } from './hostnames.ts';
import { type GatewayView, isUsable, type ListenerView } from './listener-view.ts';
import { endsTls } from './listeners.ts';
import { gatewayCertificateName, socketName } from './names.ts';

/** A route on one listener. */
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

/** Listeners of a Gateway that share a socket on each of its addresses. */
export interface Port {
  readonly port: number;
  readonly udp: boolean;
  readonly listeners: readonly ListenerView[];
  /** Names of the sockets. */
  readonly sockets: readonly string[];
}

export function portsOf({
  key,
  listeners,
  listenAt,
}: Pick<GatewayView, 'key' | 'listeners' | 'listenAt'>): readonly Port[] {
  const usable = listeners.filter(isUsable);
  const groups = Map.groupBy(usable, ({ spec }) => `${spec.port}${spec.protocol === 'UDP' ? '/udp' : ''}`);
  return [...groups.values()].map((group) => {
    const port = group[0]?.spec.port ?? 0;
    const udp = group[0]?.spec.protocol === 'UDP';
    return { port, udp, listeners: group, sockets: listenAt.map((address) => socketName(key, port, udp, address)) };
  });
}

/** The sockets of a port; `streams` are the routes on it that are not of HTTP, the oldest first. */
export function socketsOf(gateway: GatewayView, port: Port, streams: readonly Serving[]): readonly Listener[] {
  const base = { port: port.port, ...protocolOf(port, streams) };
  const tls = port.listeners.find(({ clientTls }) => clientTls !== undefined)?.clientTls;
  return port.sockets.map((name, at) => {
    const address = gateway.listenAt[at] ?? '';
    return { name, address, ...base, ...(tls === undefined ? {} : { tls }) };
  });
}

function protocolOf(
  { listeners }: Port,
  streams: readonly Serving[],
): Pick<Listener, 'protocol' | 'clusters' | 'passthrough'> {
  const protocols = new Set(listeners.map(({ spec }) => spec.protocol));
  if (protocols.has('HTTP')) return { protocol: 'http' };
  if (protocols.has('TLS')) {
    return { protocol: protocols.has('HTTPS') ? 'https' : 'tls', passthrough: passthroughOf(listeners, streams) };
  }
  if (protocols.has('HTTPS')) return { protocol: 'https' };
  // One rule of one route is all that a port can have: the oldest route's.
  return { protocol: protocols.has('UDP') ? 'udp' : 'tcp', clusters: streams[0]?.clusters ?? [] };
}

/** Nobody: the connection is closed. */
const nobody: readonly WeightedCluster[] = [{ cluster: '', weight: 1 }];

function passthroughOf(listeners: readonly ListenerView[], servings: readonly Serving[]): PassthroughRoute[] {
  const taken = new Set<string>();
  const others = new Set(listeners.map(({ hostname }) => hostname));
  const routed = servings.flatMap(({ listener, hostnames, route, clusters }): PassthroughRoute[] => {
    const own = hostsHere(others, listener, hostnames).filter((host) => !taken.has(host));
    for (const host of own) taken.add(host);
    const terminate = endsTls(listener.spec) ? { terminate: true } : {};
    return own.length === 0 ? [] : [{ name: `${route}/${listener.spec.name}`, hostnames: own, clusters, ...terminate }];
  });
  // Names of listeners without a route for them are not a less specific listener's to serve.
  const unrouted = listeners
    .filter(({ hostname }) => !taken.has(hostname))
    .map(({ spec, hostname }): PassthroughRoute => {
      const clusters = spec.protocol === 'HTTPS' ? [] : nobody;
      return { name: `listener/${spec.name}`, hostnames: [hostname], clusters };
    });
  return [...routed, ...unrouted];
}

/** Those of the hostnames that no more specific listener of the port has; `others` are the hostnames of all of these. */
export function hostsHere(others: Hostnames, own: ListenerView, hostnames: readonly string[]): readonly string[] {
  return hostnames.filter((host) => !belongsElsewhere(host, own.hostname, others));
}

export function certificatesOf(gateway: string, port: Port): readonly Certificate[] {
  return port.listeners.flatMap(({ hostname, certificates }) =>
    certificates.map((certificate) => {
      const name = gatewayCertificateName(gateway, port.port, hostname, certificate.fingerprint.slice(0, 16));
      const hostnames = hostname === EVERY_HOST ? [] : [hostname];
      return { name, hostnames, listeners: port.sockets, ...certificate };
    }),
  );
}
