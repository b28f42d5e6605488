// The backend part of the traffic model: clusters, how they are balanced and guarded, and their endpoints.
// Plain data that survives structured clone; knows nothing of routes, listeners or Kubernetes.

import type { Address, PrivateText } from './ir-base.ts';
import type { RetryPolicy } from './ir-route.ts';

export type BalancingPolicy =
  | { readonly type: 'round_robin' }
  /** Smooth weighted round robin over endpoint weights. */
  | { readonly type: 'weighted_round_robin' }
  /** `choices` random candidates, fewest in-flight wins; 0 looks at every endpoint. */
  | { readonly type: 'least_request'; readonly choices: number }
  | { readonly type: 'random' }
  | { readonly type: 'ip_hash' }
  /**
   * A ring over the request's hash key. `pointsPerEndpoint` (256) are those of an endpoint of median weight, up to
   * `maximumSize` (1,048,576) altogether. `hashBalanceFactor`: percent of its share of all requests in flight that an
   * endpoint may carry before its keys go to the next, 100 or more; 0 or left out: no bound.
   */
  | {
      readonly type: 'ring_hash';
      readonly pointsPerEndpoint?: number;
      readonly maximumSize?: number;
      readonly hashBalanceFactor?: number;
    }
  /** A Maglev table over the request's hash key; `tableSize` is a prime (65,537). */
  | { readonly type: 'maglev'; readonly tableSize?: number; readonly hashBalanceFactor?: number }
  /**
   * Recent latency times requests in flight, the least of `choices` (4) or of a small fleet. Latency counts at once when
   * it rises and decays over `decayMs` (10,000); `defaultMs` (30) is taken of a newcomer, `penaltyMs` (5,000) of an
   * endpoint that fails one attempt after the other.
   */
  | {
      readonly type: 'peak_ewma';
      readonly choices?: number;
      readonly decayMs?: number;
      readonly defaultMs?: number;
      readonly penaltyMs?: number;
    }
  /** Prequal (NSDI 2024): the fastest of probed targets that are not hot; compares fleets up to `poolSize` (16) whole. */
  | {
      readonly type: 'prequal';
      readonly poolSize?: number;
      readonly hotQuantile?: number;
      readonly probesPerRequest?: number;
    };

/** A set of endpoints that share policy and limits: one Service port. Every left-out part is switched off. */
export interface Cluster {
  /** Stable key: `namespace/service/port` (port name, or number when unnamed). */
  readonly name: string;
  readonly policy: BalancingPolicy;
  readonly upstreamProtocol: 'http1' | 'http2' | 'tcp' | 'udp';
  readonly timeouts: ClusterTimeouts;
  readonly retry: RetryPolicy;
  /** Retries beyond this share of the requests in flight answer with what the first try brought. */
  readonly retryBudget?: RetryBudgetPolicy;
  readonly tls?: UpstreamTls;
  /** Header sent ahead of everything else on each connection. */
  readonly proxyProtocol?: 'v1' | 'v2';
  readonly hash?: HashPolicy;
  readonly affinity?: AffinityPolicy;
  readonly circuitBreaker?: CircuitBreaker;
  /** Requests wait for an endpoint while there is none; left out: they are refused at once. */
  readonly hold?: HoldPolicy;
  readonly outlierDetection?: OutlierDetection;
  readonly healthCheck?: HealthCheck;
  /** Percent of endpoints that must be healthy, else all count as healthy. 0 never panics; left out: 50. */
  readonly panicThreshold?: number;
  readonly slowStart?: SlowStart;
  readonly locality?: LocalityPolicy;
  /** Only endpoints with these labels. */
  readonly subset?: Readonly<Record<string, string>>;
  /** Weights from the load that endpoints report in response headers (ORCA). */
  readonly loadReports?: LoadReportPolicy;
  /** What was asked for, as it was written, and where: `timeouts.request` by `BackendPolicy shop/web`. For people only. */
  readonly origins?: Readonly<Record<string, SettingOrigin>>;
}

export interface SettingOrigin {
  readonly value: string;
  readonly from: string;
}

/** Milliseconds; 0 switches a timeout off. */
export interface ClusterTimeouts {
  readonly connect: number;
  /** Of a whole request with all its tries, where its route says nothing; left out: no limit. */
  readonly request?: number;
  /** From the end of the request to the response head. */
  readonly response: number;
  /** Without a byte in either direction while a message is under way. */
  readonly idle: number;
  /** Of a UDP session; left out: 60,000. */
  readonly session?: number;
  /** How long what is under way on an endpoint that has left may go on; left out: until it ends by itself. */
  readonly drain?: number;
}

export interface RetryBudgetPolicy {
  /** Percent of requests in flight. */
  readonly percent: number;
  /** Retries that may always be in flight, so that a quiet cluster can retry at all. */
  readonly minConcurrent: number;
  /** Counts over time instead of in flight, and answers 503 beyond (GEP-3388); `minConcurrent` is not heard then. */
  readonly over?: RetryRate;
}

/** Milliseconds, and retries. A retry beyond the percentage is made as long as `minCount` of `minIntervalMs` are not. */
export interface RetryRate {
  readonly intervalMs: number;
  readonly minCount: number;
  readonly minIntervalMs: number;
}

export interface UpstreamTls {
  /** SNI, and the name that the certificate is checked for unless `subjectNames` is given. */
  readonly serverName: string;
  /** Authorities trusted; left out: the system's. */
  readonly caPem?: string;
  /** DNS or URI subject alternative names of which the certificate must have one. */
  readonly subjectNames?: readonly string[];
  readonly clientCertificate?: { readonly certificateChainPem: string; readonly privateKeyPem: PrivateText };
  /** Takes any certificate: for tests only. */
  readonly insecureSkipVerify?: boolean;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Changes whenever the content does. */
  readonly fingerprint: string;
}

/** What hashing policies hash; the first source that yields a value counts, else the client address. */
export type HashPolicy =
  | { readonly type: 'source_ip' }
  | { readonly type: 'header'; readonly name: string }
  | { readonly type: 'cookie'; readonly name: string }
  | { readonly type: 'query'; readonly name: string };

/** A client stays with its endpoint while that endpoint may be used at all. */
export type AffinityPolicy =
  | {
      readonly type: 'cookie';
      readonly name: string;
      readonly path: string;
      /** 0: a session cookie. */
      readonly maxAgeSeconds: number;
      /**
       * `persistent`: stays though endpoints come. `balanced`: the cookie's value is only hashed, so that a new
       * endpoint takes its share of clients.
       */
      readonly mode: 'persistent' | 'balanced';
      /** Left out: what the request came over. */
      readonly secure?: boolean;
      readonly sameSite?: 'Strict' | 'Lax' | 'None';
      /**
       * Keys the hashes that stand for endpoints; the same on every gateway. Left out: a key that everybody knows, with
       * which whoever guesses an address can tell that it is the one, and choose its endpoint.
       */
      readonly key?: PrivateText;
    }
  | { readonly type: 'header'; readonly name: string }
  /** `maxAgeSeconds`: of connections to an address of a Service; left out: 10,800. Requests are placed by hashing. */
  | { readonly type: 'source_ip'; readonly maxAgeSeconds?: number };

/** Counted over all workers; at a limit a request is answered 503 at once (pending ones wait for a connection). */
export interface CircuitBreaker {
  readonly maxConnections?: number;
  readonly maxPending?: number;
  readonly maxRequests?: number;
  readonly maxRetries?: number;
}

/** What may wait for the first endpoint, shared evenly by the worker threads. */
export interface HoldPolicy {
  readonly maxRequests: number;
  /** Of bodies, which are kept meanwhile as far as they would be for another try. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Envoy's outlier detection and success-rate ejection, plus latency. 0 or left out switches a cause off. */
export interface OutlierDetection {
  /** Left out: 5. */
  readonly consecutive5xx?: number;
  /** 502, 503, 504 and failed connections. */
  readonly consecutiveGatewayErrors?: number;
  readonly consecutiveConnectFailures?: number;
  /** Ejects whose success rate lies this many standard deviations (in thousandths: 1900) below the mean. */
  readonly successRateStdevFactor?: number;
  readonly successRateMinimumHosts?: number;
  readonly successRateRequestVolume?: number;
  /** Ejects whose mean latency in an interval is this many times the median of the others'. */
  readonly latencyFactor?: number;
  readonly latencyMinimumMs?: number;
  /** Milliseconds; left out: 10,000. */
  readonly interval?: number;
  /** Milliseconds of the first ejection, growing with each in a row; left out: 30,000. */
  readonly baseEjection?: number;
  /** Left out: 300,000. */
  readonly maxEjection?: number;
  /** Percent of endpoints that may be ejected at a time, at least one; left out: 10. */
  readonly maxEjectionPercent?: number;
}

export interface HealthCheck {
  readonly type: 'http' | 'tcp' | 'grpc';
  /** Milliseconds between checks of one endpoint. */
  readonly interval: number;
  readonly timeout: number;
  /** Percent of the interval by which each wait is shortened or lengthened at random. */
  readonly jitter: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  /** Instead of the endpoint's own. */
  readonly port?: number;
  readonly path?: string;
  readonly host?: string;
  readonly method?: string;
  /** Statuses, or ranges as `200-299`; left out: 200. */
  readonly expectedStatuses?: readonly string[];
  readonly grpcService?: string;
  /** An endpoint takes no request before its first successful check. Left out: it counts as healthy until then. */
  readonly initiallyUnhealthy?: boolean;
}

export interface SlowStart {
  readonly windowMs: number;
  /** 1 is linear; more grows faster at first: the weight is `elapsed / window` to the power of one through it. */
  readonly aggression: number;
  readonly minWeightPercent: number;
}

/** Which of the endpoints a proxy prefers by where they are. The proxy's own place is the engine's setting. */
export interface LocalityPolicy {
  /** `same_node`: node, then zone, then all. `same_zone`: zone, then all. */
  readonly prefer: 'same_zone' | 'same_node';
  /** Left out: 140, as in Envoy: a level overflows when less than 100/140 of it is healthy. */
  readonly overprovisioningPercent?: number;
}

export interface LoadReportPolicy {
  /** Milliseconds; left out: 10,000. Reports weigh nothing until an endpoint has reported for this long. */
  readonly blackout?: number;
  /** Left out: 180,000. */
  readonly expiry?: number;
  /** Left out: 1,000. */
  readonly updateInterval?: number;
  /** Left out: 1.0. */
  readonly errorUtilizationPenalty?: number;
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
  /** What subsets select by. */
  readonly labels?: Readonly<Record<string, string>>;
}
