// How an endpoint is spoken to: which protocol, over which TLS, with which header ahead of it, within which limit.
// Knows nothing of sockets; clusters that say the same share connections.

import type { Cluster, UpstreamTls } from '#traffic/model/ir.ts';
import type { ClusterGuard, ClusterGuards } from '../guards/cluster-guard.ts';

export interface Transport {
  /** Tells transports apart; empty for plain HTTP/1.1. */
  readonly key: string;
  readonly protocol: 'http1' | 'http2';
  readonly tls: UpstreamTls | undefined;
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
  /** Counts connections; a cluster that limits them shares none with others. */
  readonly guard: ClusterGuard | undefined;
}

export const plainHttp1: Transport = {
  key: '',
  protocol: 'http1',
  tls: undefined,
  proxyProtocol: undefined,
  guard: undefined,
};

/** A cluster's settings are one object as long as they stay the same. */
const known = new WeakMap<Cluster, Transport>();

/** Plain HTTP/1.1, the common case, costs four comparisons. */
export function transportOf(cluster: Cluster, guards: ClusterGuards): Transport {
  const { tls, proxyProtocol } = cluster;
  const limited = cluster.circuitBreaker?.maxConnections !== undefined;
  const protocol = cluster.upstreamProtocol === 'http2' ? 'http2' : 'http1';
  if (protocol === 'http1' && tls === undefined && proxyProtocol === undefined && !limited) return plainHttp1;
  let transport = known.get(cluster);
  if (transport === undefined) {
    const guard = limited ? guards.of(cluster) : undefined;
    const key = `${protocol} ${proxyProtocol ?? '-'} ${tls?.fingerprint ?? '-'} ${guard?.id ?? '-'}`;
    transport = { key, protocol, tls, proxyProtocol, guard };
    known.set(cluster, transport);
  }
  return transport;
}
