// The routing part of the traffic model: what a request is matched by, what is done to it, where it goes.
// Plain data that survives structured clone; knows nothing of listeners, endpoints or Kubernetes.

export type PathMatch =
  /** The whole path, case-sensitive. */
  | { readonly type: 'exact'; readonly value: string }
  /** Element-wise prefix: `/a` matches `/a` and `/a/b`, never `/ab`; a trailing slash is ignored. */
  | { readonly type: 'prefix'; readonly value: string }
  /** RE2 syntax, anchored at both ends, matched in linear time. Comes after every exact and prefix match. */
  | { readonly type: 'regex'; readonly value: string };

/** How the value of a header or of a query parameter is compared. */
export type ValueMatch =
  | { readonly type: 'exact'; readonly value: string }
  /** RE2 syntax, anchored at both ends. */
  | { readonly type: 'regex'; readonly value: string }
  /** There, with whatever value. */
  | { readonly type: 'present' };

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  readonly match: ValueMatch;
}

export interface QueryMatch {
  /** Case-sensitive; the first parameter of this name counts. */
  readonly name: string;
  readonly match: ValueMatch;
}

export interface Route {
  /** Where it came from, unique: `ingress/shop/web/0/1` (kind, namespace, name, rule, path). */
  readonly name: string;
  /** Value of the `route` metric label, bounded: `shop/web:/api`. */
  readonly metricName: string;
  readonly path: PathMatch;
  /** Left out: every method. */
  readonly method?: string;
  /** All must match. */
  readonly headers?: readonly HeaderMatch[];
  /** All must match. */
  readonly query?: readonly QueryMatch[];
  /** Done to every request in this order, whatever their order in a manifest (`proxy/filters/chain.ts` sorts them). */
  readonly filters?: readonly RouteFilter[];
  readonly action: RouteAction;
  readonly timeouts?: RouteTimeouts;
  /** Instead of the cluster's. */
  readonly retry?: RetryPolicy;
}

/** Milliseconds; 0 switches a time-out off; left out leaves it to the cluster. */
export interface RouteTimeouts {
  /** From the end of the request head to the last byte of the response, all tries included: 504 beyond. Ends with a switch of protocols (WebSocket). */
  readonly request?: number;
  /** One try, to the response head: from sending, or from the end of a request that the client took its time to send. */
  readonly perTry?: number;
}

export type RouteAction =
  | { readonly type: 'forward'; readonly clusters: readonly WeightedCluster[] }
  /** Answer without a backend, e.g. when the Service does not exist. `reason` is the body unless `body` is given. */
  | ({ readonly type: 'respond' } & LocalAnswer)
  | { readonly type: 'redirect'; readonly redirect: Redirect };

export interface LocalAnswer {
  readonly status: number;
  readonly reason: string;
  readonly body?: string;
  readonly headers?: readonly HeaderValue[];
}

export interface WeightedCluster {
  /** Empty with an `answer` of its own. */
  readonly cluster: string;
  /** 0 to 1,000,000; relative to the sum. */
  readonly weight: number;
  /** Done only to requests that go to this cluster, after the route's own. */
  readonly filters?: readonly RouteFilter[];
  /** Given to its share of the requests, because what stands for it cannot be used. Of HTTP only. */
  readonly answer?: LocalAnswer;
}

/** What is left out is taken from the request. */
export interface Redirect {
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly scheme?: 'http' | 'https';
  readonly hostname?: string;
  /** 0 or left out: the listener's port, or none where it is the scheme's own. */
  readonly port?: number;
  readonly path?: PathRewrite;
  /** Drops the query instead of keeping it. */
  readonly dropQuery?: boolean;
}

export type PathRewrite =
  | { readonly type: 'full'; readonly value: string }
  /** Replaces what a prefix match matched; `/a` to `/` turns `/a/b` into `/b`. */
  | { readonly type: 'prefix'; readonly value: string }
  /** Replaces what `pattern` (RE2) finds in the path; `substitution` may use `\1` to `\9`. */
  | { readonly type: 'regex'; readonly pattern: string; readonly substitution: string };

export interface HeaderValue {
  readonly name: string;
  readonly value: string;
}

/** Applied in the order set, add, remove. */
export interface HeaderEdits {
  readonly set?: readonly HeaderValue[];
  readonly add?: readonly HeaderValue[];
  readonly remove?: readonly string[];
}

export type RouteFilter =
  | ({ readonly type: 'request_headers' } & HeaderEdits)
  | ({ readonly type: 'response_headers' } & HeaderEdits)
  | { readonly type: 'rewrite'; readonly hostname?: string; readonly path?: PathRewrite }
  | ({ readonly type: 'cors' } & CorsPolicy)
  /** A copy of the request; its response is thrown away and its failure is nobody's. */
  | { readonly type: 'mirror'; readonly cluster: string; readonly percent: number }
  /** Somebody else says whether the request may pass; 403 where nobody can be asked. */
  | ({ readonly type: 'external_auth' } & ExternalAuth)
  /** The whole request is taken in before an endpoint is chosen; 413 beyond `maxBytes`. */
  | { readonly type: 'buffer_request'; readonly maxBytes: number }
  /** The whole response is taken in before the client hears of it; beyond `maxBytes` it is streamed. */
  | { readonly type: 'buffer_response'; readonly maxBytes: number }
  /** 413 beyond this many bytes of request body. */
  | { readonly type: 'body_limit'; readonly maxBytes: number }
  | ({ readonly type: 'compression' } & CompressionPolicy);

export type ExternalAuth = {
  readonly cluster: string;
  /** Bytes of the request's body that are sent along; 413 for a longer one. 0: none is. */
  readonly maxBody: number;
  /** Lower case or not. HTTP: sent along beside `Authorization`. gRPC: alone are sent; empty means all. */
  readonly allowedHeaders: readonly string[];
} & (
  | {
      readonly protocol: 'http';
      /** Put ahead of the path; empty for none. */
      readonly pathPrefix: string;
      /** Of the answer, for the backend; empty means all that make sense in a request. */
      readonly allowedResponseHeaders: readonly string[];
    }
  /** envoy.service.auth.v3.Authorization/Check. */
  | { readonly protocol: 'grpc' }
);

export interface CorsPolicy {
  /** `*`, whole origins, or origins with `*` in place of host labels: `https://*.example.com`. */
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  readonly maxAgeSeconds: number;
}

export interface CompressionPolicy {
  /** In order of preference. */
  readonly algorithms: readonly ('zstd' | 'br' | 'gzip')[];
  /** Bodies known to be shorter are left alone. */
  readonly minBytes: number;
  /** Media types without parameters; `text/*` for all of a kind. */
  readonly contentTypes: readonly string[];
}

/** What makes a try worth repeating. Nothing that could act twice is ever repeated for a method that is not idempotent. */
export type RetryCondition =
  /** The connection was refused or timed out: nothing was sent. */
  | 'connect_failure'
  /** The connection broke before the first byte of an answer, or an HTTP/2 stream was reset. */
  | 'reset'
  /** HTTP/2 REFUSED_STREAM, or a stream beyond GOAWAY: the backend says it did nothing. */
  | 'refused_stream'
  /** No response head within the per-try time-out. */
  | 'timeout'
  /** 502, 503, 504. */
  | 'gateway_error'
  /** Any 5xx. */
  | '5xx'
  /** 409. */
  | 'retriable_4xx';

export interface RetryPolicy {
  /** Further tries. */
  readonly attempts: number;
  /** Left out: `connect_failure`, `reset`, `refused_stream`. */
  readonly on?: readonly RetryCondition[];
  /** Further statuses that count, e.g. 429. */
  readonly statuses?: readonly number[];
  /** Left out: no wait. Full jitter between 0 and the growing bound. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number };
  /** Methods beside the idempotent ones that may be repeated once sent, e.g. POST of an idempotent service. */
  readonly methods?: readonly string[];
}
