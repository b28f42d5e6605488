// How an endpoint is spoken to: which protocol, over which TLS, with which header ahead of it.
// Knows nothing of sockets; clusters that say the same share connections.

import type { Cluster, UpstreamTls } from '#traffic/model/ir.ts';

export interface Transport {
  /** Tells transports apart; empty for plain HTTP/1.1. */
  readonly key: string;
  readonly protocol: 'http1' | 'http2';
  readonly tls: UpstreamTls | undefined;
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
}

export const plainHttp1: Transport = { key: '', protocol: 'http1', tls: undefined, proxyProtocol: undefined };

/** A cluster's settings are one object as long as they stay the same. */
const known = new WeakMap<Cluster, Transport>();

/** Plain HTTP/1.1, the common case, costs three comparisons. */
export function transportOf(cluster: Cluster): Transport {
  const { tls, proxyProtocol } = cluster;
  const protocol = cluster.upstreamProtocol === 'http2' ? 'http2' : 'http1';
  if (protocol === 'http1' && tls === undefined && proxyProtocol === undefined) return plainHttp1;
  let transport = known.get(cluster);
  if (transport === undefined) {
    const key = `${protocol} ${proxyProtocol ?? '-'} ${tls?.fingerprint ?? '-'}`;
    transport = { key, protocol, tls, proxyProtocol };
    known.set(cluster, transport);
  }
  return transport;
}
