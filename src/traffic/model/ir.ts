// The traffic model: what the engines balance, in the field's own words.
// Immutable plain data that survives structured clone; no Kubernetes type, no secret in a printable form.

import type { Address, PrivateText } from './ir-base.ts';
import type { Cluster, Endpoint } from './ir-cluster.ts';
import type { Route, WeightedCluster } from './ir-route.ts';

export type { Address, PrivateText } from './ir-base.ts';
export type * from './ir-cluster.ts';
export type * from './ir-route.ts';

export interface Listener {
  /** Stable name, e.g. `http` or `https`. */
  readonly name: string;
  /** Where the engine binds it; `''` means every address. */
  readonly address: Address;
  readonly port: number;
  /** `tls` passes encrypted connections on by server name; `tcp` and `udp` carry bytes to `clusters`. */
  readonly protocol: 'http' | 'https' | 'tls' | 'tcp' | 'udp';
  /** Of an `https` listener. */
  readonly tls?: ListenerTls;
  /** HTTP/2 by ALPN and, without TLS, by prior knowledge. Left out: served. */
  readonly http2?: boolean;
  /** Addresses or CIDRs of peers that must begin each connection with a PROXY protocol header (v1 or v2). */
  readonly proxyProtocolFrom?: readonly string[];
  /** Where a `tcp` or `udp` listener leads. */
  readonly clusters?: readonly WeightedCluster[];
  /**
   * Where a `tls` listener leads, by server name as in `VirtualHost.hostname` (`any-labels`). An `https` listener serves
   * requests under names that are not here, and under those whose clusters are empty.
   */
  readonly passthrough?: readonly PassthroughRoute[];
  /** It stands in front of a Service: clients believe that they speak with the Service. */
  readonly front?: MeshFront;
}

export interface MeshFront {
  /** `VirtualHost.listeners` have this name, wherever the front listens. */
  readonly name: string;
  /** Port of the Service, which redirects name. */
  readonly port: number;
  /** Groups of clients (`TrafficModel.clients`) that are served by the hosts of `NAME/from/GROUP` instead. */
  readonly groups: readonly string[];
  /** Clients of no group are carried to the Service's endpoints as bytes. Left out: the front's own hosts serve them. */
  readonly carried?: true;
  /** CIDRs whose clients are let in; left out: everybody. */
  readonly from?: readonly string[];
}

export interface PassthroughRoute {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly clusters: readonly WeightedCluster[];
  /** TLS ends here, by the listener's certificates, and what was inside is carried on. Left out: passed on unread. */
  readonly terminate?: boolean;
}

export interface ListenerTls {
  /** Left out: 1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's list for TLS 1.2 and suites for 1.3, colon-separated; left out: Node.js's defaults. */
  readonly ciphers?: string;
  /**
   * Client certificates: `required` ends the handshake without a good one, `optional` lets clients without one in, and
   * `unverified` those with a bad one too; backends hear of good ones only.
   */
  readonly clientCertificates?: {
    readonly mode: 'required' | 'optional' | 'unverified';
    readonly caPem: string;
    /** Tells backends of the certificate by `X-Forwarded-Client-Cert`. Left out: yes. */
    readonly forward?: boolean;
  };
}

/** A certificate chosen by SNI. The key is handed to the TLS engine and never printed. */
export interface Certificate {
  /** e.g. `secret/shop/shop-tls`. */
  readonly name: string;
  /** Exact (`shop.local`) or wildcard (`*.shop.local`) names; an empty list makes it the default certificate. */
  readonly hostnames: readonly string[];
  /**
   * Names of the listeners that show it, for each of which a wildcard stands for one label or more; left out: every
   * listener that no certificate names, and a wildcard stands for one label.
   */
  readonly listeners?: readonly string[];
  readonly certificateChainPem: string;
  readonly privateKeyPem: PrivateText;
  /** Changes whenever the content does. */
  readonly fingerprint: string;
}

/** Every route of one hostname pattern, on the named listeners. */
export interface VirtualHost {
  /** Exact, `*.suffix` (one or more labels are decided by `wildcard`), or `*`. Lower case, no trailing dot. */
  readonly hostname: string;
  /** Ingress wildcards match exactly one label; Gateway API wildcards match one or more. */
  readonly wildcard: 'one-label' | 'any-labels';
  /** Names of the listeners it is served on; left out means every listener. */
  readonly listeners?: readonly string[];
  /** Most specific first is decided by the snapshot, not by the order here. */
  readonly routes: readonly Route[];
}

/** One port of one Service, as the layer-4 drivers see it. */
export interface ServicePort {
  /** `namespace/service:port`. */
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  readonly clusterIPs: readonly Address[];
  readonly externalIPs: readonly Address[];
  readonly loadBalancerIPs: readonly Address[];
  /** 0 when there is none. */
  readonly nodePort: number;
  /** The cluster whose endpoints it balances over. */
  readonly cluster: string;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** Seconds a client stays with its endpoint; 0 switches affinity off. */
  readonly affinitySeconds: number;
  /** Requests to its cluster IPs are routed. */
  readonly front?: MeshFront;
}

/** Everything an engine needs. Maps are keyed by name. */
export interface TrafficModel {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly services: ReadonlyMap<string, ServicePort>;
  /** Addresses of clients, by group: who is in none of them is told apart from nobody. */
  readonly clients: ReadonlyMap<string, readonly Address[]>;
}

/** What changed between two models: `undefined` as value means removed. An engine applies it in one step. */
export interface TrafficUpdate {
  readonly version: number;
  readonly listeners?: ReadonlyMap<string, Listener | undefined>;
  readonly certificates?: ReadonlyMap<string, Certificate | undefined>;
  readonly virtualHosts?: ReadonlyMap<string, VirtualHost | undefined>;
  readonly clusters?: ReadonlyMap<string, Cluster | undefined>;
  readonly endpoints?: ReadonlyMap<string, readonly Endpoint[] | undefined>;
  readonly services?: ReadonlyMap<string, ServicePort | undefined>;
  readonly clients?: ReadonlyMap<string, readonly Address[] | undefined>;
}

/** Where the control plane publishes; the process wires it to the engines. */
export interface TrafficSink {
  publish(update: TrafficUpdate): void;
  /**
   * Resolves when everything published so far is in force and no request is under way at these addresses any more, or
   * when `signal` aborts. Connections that are passed on unread do not count.
   */
  drained?(addresses: readonly string[], signal: AbortSignal): Promise<void>;
  /** Resolves when everything published so far is in force everywhere. */
  applied?(): Promise<void>;
  /** Listeners in force that could not be bound, by name. */
  listenErrors?(): ReadonlyMap<string, Error>;
}
