// The traffic model: what the engines balance, in the field's own words.
// Immutable plain data that survives structured clone; no Kubernetes type, no secret in a printable form.

/** An IP address as text, IPv4 or IPv6. */
export type Address = string;

export interface Listener {
  /** Stable name, e.g. `http` or `https`. */
  readonly name: string;
  /** Where the engine binds it; `''` means every address. */
  readonly address: Address;
  readonly port: number;
  readonly protocol: 'http' | 'https';
}

/** A certificate chosen by SNI. The key is handed to the TLS engine and never printed. */
export interface Certificate {
  /** e.g. `secret/shop/shop-tls`. */
  readonly name: string;
  /** Exact (`shop.local`) or wildcard (`*.shop.local`) names; an empty list makes it the default certificate. */
  readonly hostnames: readonly string[];
  readonly certificateChainPem: string;
  readonly privateKeyPem: PrivateText;
  /** Changes whenever the content does. */
  readonly fingerprint: string;
}

/** Text that shows as `[redacted]` in logs, dumps and JSON; structured clone keeps `value`. */
export interface PrivateText {
  readonly value: string;
  readonly private: true;
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

export type PathMatch =
  /** The whole path, case-sensitive. */
  | { readonly type: 'exact'; readonly value: string }
  /** Element-wise prefix: `/a` matches `/a` and `/a/b`, never `/ab`; a trailing slash is ignored. */
  | { readonly type: 'prefix'; readonly value: string };

export interface Route {
  /** Where it came from, unique: `ingress/shop/web/0/1` (kind, namespace, name, rule, path). */
  readonly name: string;
  /** Value of the `route` metric label, bounded: `shop/web:/api`. */
  readonly metricName: string;
  readonly path: PathMatch;
  readonly action: RouteAction;
}

export type RouteAction =
  | { readonly type: 'forward'; readonly clusters: readonly WeightedCluster[] }
  /** Answer without a backend, e.g. when the Service does not exist. */
  | { readonly type: 'respond'; readonly status: number; readonly reason: string };

export interface WeightedCluster {
  readonly cluster: string;
  /** 0 to 1,000,000; relative to the sum. */
  readonly weight: number;
}

export type BalancingPolicy =
  | { readonly type: 'round_robin' }
  /** Smooth weighted round robin over endpoint weights. */
  | { readonly type: 'weighted_round_robin' }
  /** `choices` random candidates, fewest in-flight wins; 0 looks at every endpoint. */
  | { readonly type: 'least_request'; readonly choices: number }
  | { readonly type: 'random' }
  | { readonly type: 'ip_hash' };

/** A set of endpoints that share policy and limits: one Service port. */
export interface Cluster {
  /** Stable key: `namespace/service/port` (port name, or number when unnamed). */
  readonly name: string;
  readonly policy: BalancingPolicy;
  readonly upstreamProtocol: 'http1' | 'tcp' | 'udp';
  readonly timeouts: ClusterTimeouts;
  readonly retry: RetryPolicy;
}

/** Milliseconds; 0 switches a timeout off. */
export interface ClusterTimeouts {
  readonly connect: number;
  /** From the end of the request to the response head. */
  readonly response: number;
  /** Without a byte in either direction while a message is under way. */
  readonly idle: number;
}

export interface RetryPolicy {
  /** Further endpoints tried when nothing was sent, or when the method is idempotent and no response byte came. */
  readonly attempts: number;
}

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
  /** Relative share, 1 or more. */
  readonly weight: number;
  /** `namespace/pod`, for metrics and logs; empty when no pod stands behind it. */
  readonly pod: string;
  readonly node: string;
  readonly zone: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
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
}

/** Everything an engine needs. Maps are keyed by name. */
export interface TrafficModel {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly services: ReadonlyMap<string, ServicePort>;
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
}

/** Where the control plane publishes; the process wires it to the engines. */
export interface TrafficSink {
  publish(update: TrafficUpdate): void;
}
