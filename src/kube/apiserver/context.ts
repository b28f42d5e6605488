// What every handler is given: the server's parts, and the request it serves.
// Knows types only, so that handlers do not depend on each other.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Store } from '#kube/store/store.ts';
import type { Upgrade } from '#kube/streaming/upgrade.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Annotate } from './admission/attributes.ts';
import type { TolerationSeconds } from './admission/default-tolerations.ts';
import type { OptionalPlugin } from './admission/optional-plugins.ts';
import type { Aggregator } from './aggregation/aggregator.ts';
import type { Audit } from './audit/trail.ts';
import type { Authorizer } from './authz/authorizer.ts';
import type { RoleRules } from './authz/escalation.ts';
import type { FlowControl } from './flow/control.ts';
import type { TokenAuthenticator, User } from './http/authn.ts';
import type { AllowsOrigin } from './http/cross-origin.ts';
import type { ListBytes, ListOfObjects } from './http/list-bytes.ts';
import type { QuotaLedger } from './limits/quota-ledger.ts';
import type { WatchLimit } from './limits/watch-limit.ts';
import type { MeasuredFigures } from './metrics/measured.ts';
import type { RequestMetrics } from './metrics/request-metrics.ts';
import type { Registry, Resource } from './registry/registry.ts';
import type { ServiceAccountTokens } from './service-accounts/tokens.ts';
import type { ServiceAllocations } from './strategies/service/allocations.ts';

export interface KubeletCredentials {
  readonly certPem: string;
  readonly keyPem: string;
  /** Authority of what kubelets serve with; any certificate will do when left out, as with upstream's server. */
  readonly caPem?: string;
}

/** By which servers behind this one know it, and the authority that they know it by. */
export interface FrontProxyKeys {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** The parts of a running server. */
export interface ServerContext {
  readonly store: Store;
  readonly registry: Registry;
  readonly services: ServiceAllocations;
  /** Issues tokens of service accounts. */
  readonly serviceAccounts: ServiceAccountTokens;
  /** Accepts tokens of every kind. */
  readonly tokens: TokenAuthenticator;
  /** How many requests of whom are served at once. */
  readonly flows: FlowControl;
  /** What namespaces may use in all. */
  readonly quotas: QuotaLedger;
  /** Where what is asked is written down; undefined: nowhere. */
  readonly audit: Audit | undefined;
  /** Says who may do what. */
  readonly authorizer: Authorizer;
  /** What roles grant; undefined where everybody may do everything. */
  readonly roles: RoleRules | undefined;
  /** The authority by which Pods know this server, as PEM text; undefined when others tell them. */
  readonly rootCaPem: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  readonly admitLoopback: boolean;
  /** How long pods stay on a node that is ill, unless they say it themselves. */
  readonly tolerationSeconds: TolerationSeconds;
  readonly admissionPlugins: ReadonlySet<OptionalPlugin>;
  /** What may wait for one slow reader of a watch before it is cut off. */
  readonly maxUnreadBytes: number;
  /** How long a request may take, watches and streams left out, until its answer has been read. */
  readonly requestTimeoutMs: number;
  readonly kubeletClient: KubeletCredentials | undefined;
  /** Undefined where nobody measures more than the kubelets do. */
  readonly measured: MeasuredFigures | undefined;
  readonly metrics: RequestMetrics;
  readonly listBytes: ListBytes;
  /** Whose pages may read answers in a browser; undefined: nobody's but those of this server's own origin. */
  readonly allowsOrigin: AllowsOrigin | undefined;
  /** Other API servers behind this one. */
  readonly aggregator: Aggregator;
  readonly frontProxy: FrontProxyKeys | undefined;
  /** How many watches there are, and of whom. */
  readonly watches: WatchLimit;
  /** Aborted when the server closes: watches and log streams end. */
  readonly closing: AbortSignal;
}

/** One request for a resource that exists. */
export interface ResourceRequest {
  readonly server: ServerContext;
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
  readonly user: User;
  readonly http: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  /** Set when the client asks for another protocol on this connection. */
  readonly upgrade?: Upgrade | undefined;
  /** Texts for `Warning` headers; handlers add to it. */
  readonly warnings: string[];
  /** Writes a line beside the request's in the audit log. */
  readonly annotate: Annotate;
}

/** An answer that is an object or a list; `undefined` from a handler means that it wrote the response itself. */
export interface Reply {
  readonly code: number;
  readonly object: unknown;
  /** Of a list: what `object` is made of. */
  readonly list?: ListOfObjects;
}

export type Handler = (request: ResourceRequest) => Promise<Reply | undefined>;

/** The name in the path; handlers of named objects are only reached with one. */
export function nameOf(request: ResourceRequest): string {
  return request.name ?? '';
}
