// What became of a request that somebody asks about, as plain data: every step of its way, and why it went that way.
// Types only; survives structured clone and JSON. Names, never keys.

import type { BalancingPolicy, RetryPolicy, RouteFilter, RouteTimeouts } from '#traffic/model/ir.ts';
import type { EndpointState } from '../health/endpoint-view.ts';

/** A request as somebody describes it. */
export interface Question {
  readonly scheme: 'http' | 'https';
  /** Name or address in the URL, without its port. */
  readonly host: string;
  readonly port: number;
  /** Path and query. */
  readonly target: string;
  readonly method: string;
  /** In the order given; a `Host` among them stands for the URL's. */
  readonly headers: readonly (readonly [string, string])[];
  /** IP address of the client, for policies that hash it. */
  readonly clientAddress: string;
  /** Name of the listener, where the port alone does not say; empty otherwise. */
  readonly listener: string;
}

export type Verdict =
  /** It goes to an endpoint. */
  | 'forwarded'
  /** The gateway answers by itself, as the route says. */
  | 'answered'
  | 'redirected'
  /** No virtual host, or no route of it: 404. */
  | 'not_found'
  /** Nobody could take it: 503. */
  | 'unavailable'
  /** Refused before it has a route: malformed, or too large. */
  | 'rejected'
  /** It does not come so far: nobody listens there, or the handshake fails. */
  | 'unreachable';

export interface Explanation {
  readonly verdict: Verdict;
  /** One sentence. */
  readonly summary: string;
  /** What helps, where something does. */
  readonly remedy?: string;
  /** Of the gateway's own answer; undefined where a backend answers, or nobody. */
  readonly status?: number;
  /** As routes see it: host in lower case, path normalised, its query behind it. */
  readonly request: { readonly method: string; readonly url: string; readonly host: string; readonly path: string };
  readonly listener?: {
    readonly name: string;
    readonly protocol: string;
    readonly address: string;
    readonly port: number;
  };
  /** Shown to a client of this server name. */
  readonly certificate?: { readonly name: string; readonly hostnames: readonly string[] };
  readonly virtualHost?: { readonly name: string; readonly hostname: string };
  readonly route?: ExplainedRoute;
  /** Routes of the virtual host that did not win, the nearest first, with the reason. */
  readonly others: readonly OtherRoute[];
  /** The route's own, in the order in which the request meets them; names of headers, never their values. */
  readonly filters: readonly string[];
  /** Where a redirect leads. */
  readonly location?: string;
  readonly backends: readonly ExplainedBackend[];
}

export interface ExplainedRoute {
  readonly name: string;
  /** What it matches by: `path prefix "/api"`, `header x-canary is "yes"`. */
  readonly matches: readonly string[];
  /** Why not the route that comes next; undefined where no other would have taken the request. */
  readonly wonOver?: { readonly name: string; readonly because: string };
  readonly timeouts?: RouteTimeouts;
  readonly retry?: RetryPolicy;
}

export interface OtherRoute {
  readonly name: string;
  readonly matches: readonly string[];
  readonly because: string;
}

export interface FilterAnswer {
  /**
   * What the filter is called; `invalid`: settings that cannot be acted on, `limits`: those of the whole engine,
   * `backend`: what stands for a backend that cannot be used.
   */
  readonly by: RouteFilter['type'] | 'invalid' | 'limits' | 'backend';
  readonly status: number;
  readonly reason: string;
}

export interface ExplainedBackend {
  readonly cluster: string;
  /** How many of the route's requests go here, 0 to 1. */
  readonly share: number;
  readonly policy?: BalancingPolicy;
  /** What was asked for of this cluster, and where; left out: nothing, all is as usual. */
  readonly settings?: readonly ExplainedSetting[];
  /** What the policy hashes for this request, where it hashes. */
  readonly hashKey?: string;
  /** What keeps a client with its endpoint, and whether it keeps this one: its chances then say so. */
  readonly affinity?: { readonly by: string; readonly endpoint: string | undefined };
  /** Filters of the route and of this backend, in their order. */
  readonly filters: readonly string[];
  /** Host and path as the backend gets them, where filters rewrite them. */
  readonly sentAs?: { readonly host: string; readonly path: string };
  /** By how near they are; one where the cluster has no preference. */
  readonly levels: readonly { readonly name: string; readonly load: number; readonly panic: boolean }[];
  readonly endpoints: readonly ExplainedEndpoint[];
  /** A filter answers before the cluster is asked; `reason` is what it says, empty where it says nothing. */
  readonly answer?: FilterAnswer;
  /** What is wrong with it: the cluster does not exist, or has nobody who could take the request. */
  readonly problem?: string;
}

export interface ExplainedSetting {
  /** `timeouts.request`. */
  readonly name: string;
  /** As it was written. */
  readonly value: string;
  /** `BackendPolicy shop/web`. */
  readonly from: string;
}

export interface ExplainedEndpoint {
  /** `address:port`; `?` for the address of a pod that does not run. */
  readonly key: string;
  readonly pod: string;
  readonly zone: string;
  /** `expected`: manifests ask for it, and nothing runs. */
  readonly state: EndpointState | 'expected';
  /** Why, where the state alone does not say; empty otherwise. */
  readonly reason: string;
  readonly weight: number;
  /** Over all workers; undefined where nothing runs. */
  readonly inFlight?: number;
  /** Of the requests to this cluster, 0 to 1. */
  readonly chance: number;
  /** What the policy knows of it: `{ ewmaMs: 3.2 }`. */
  readonly details: Readonly<Record<string, number>>;
}
