// One route as it was translated last: what its rules became, where it is attached, and what both have read.
// Knows no other route; who gives way to whom is decided in `translator.ts`.
import type { AnyRoute } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { jsonEqual } from '#lib/json.ts';
import type { WeightedCluster } from '../ir.ts';
import type { ParentOutcome } from './attach.ts';
import type { BackendLookups, ClusterVariant } from './backends.ts';
import type { Serving } from './compose.ts';
import type { Fault } from './conditions.ts';
import { thing } from './dependents.ts';
import { translateGrpcRoute } from './grpc-route.ts';
import { translateHttpRoute } from './http-route.ts';
import { translateLayer4Route } from './layer4-route.ts';
import type { ListenerView } from './listener-view.ts';
import type { RouteKindName } from './objects.ts';
import { type RouteOutcome, wholeFault } from './route-outcome.ts';
import { VariantNotes } from './variants.ts';

export const ROUTE_KINDS: readonly RouteKindName[] = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'];

/** What the rules of a route became, wherever it is attached. */
export interface RouteBody {
  readonly outcome: RouteOutcome;
  readonly clusters: readonly WeightedCluster[];
  /** Services that it leads to. */
  readonly services: ReadonlySet<string>;
  readonly variants: ReadonlyMap<string, ClusterVariant>;
  /** Names of everything that was looked up. */
  readonly reads: ReadonlySet<string>;
  /** BackendPolicies that say something of it. */
  readonly policies: readonly string[];
  /** It is worth nothing as a whole. */
  readonly whole: Fault | undefined;
}

export interface RouteCell {
  readonly kind: RouteKindName;
  readonly key: string;
  readonly id: string;
  readonly route: AnyRoute;
  /** Sorts routes by age, then by namespace and name. */
  readonly order: string;
  readonly body: RouteBody;
  /** Where it is attached by itself, and what of that stands beside its rivals. */
  readonly attached: readonly ParentOutcome[];
  readonly parents: readonly ParentOutcome[];
}

export function orderOf(kind: RouteKindName, route: AnyRoute): string {
  const { creationTimestamp = '' } = route.metadata ?? {};
  return `${String(creationTimestamp)}\n${objectKey(route)}\n${ROUTE_KINDS.indexOf(kind)}`;
}

const nothing: RouteOutcome = { routes: [], refFaults: [], ruleFaults: new Map(), rules: 0 };
const noClusters: readonly WeightedCluster[] = [];

export const emptyBody: RouteBody = {
  outcome: nothing,
  clusters: noClusters,
  services: new Set(),
  variants: new Map(),
  reads: new Set(),
  policies: [],
  whole: undefined,
};

/** The translation, with notes of everything that it asks for. What says the same as `before` is the same object. */
export function bodyOf(
  kind: RouteKindName,
  route: AnyRoute,
  lookups: Omit<BackendLookups, 'variant'>,
  before: RouteBody,
): RouteBody {
  const services = new Set<string>();
  const reads = new Set<string>();
  const notes = new VariantNotes();
  const noted: BackendLookups = {
    policies: lookups.policies,
    grants: {
      permit(from, to) {
        if (from.namespace !== to.namespace) reads.add(thing.grants(to.namespace));
        return lookups.grants.permit(from, to);
      },
    },
    service(key) {
      reads.add(thing.service(key));
      return lookups.service(key);
    },
    variant: notes.nameOf,
    tlsOf(service, port) {
      services.add(service);
      reads.add(thing.tls(service));
      return lookups.tlsOf(service, port);
    },
  };
  let made: Pick<RouteBody, 'outcome' | 'clusters'>;
  try {
    made = translated(kind, route, noted);
  } catch (error) {
    const message = `Cannot be translated, so it carries no traffic: ${(error as Error).message}`;
    const ruleFaults = new Map([[0, [{ reason: 'UnsupportedValue', message }]]]);
    made = { clusters: noClusters, outcome: { ...nothing, ruleFaults, rules: 1 } };
  }
  const { outcome, clusters } = made;
  const { routes } = outcome;
  return {
    outcome: jsonEqual(routes, before.outcome.routes) ? { ...outcome, routes: before.outcome.routes } : outcome,
    clusters: jsonEqual(clusters, before.clusters) ? before.clusters : clusters,
    services,
    variants: notes.noted,
    reads,
    policies: isHttp(kind) ? (lookups.policies?.affecting(kind, objectKey(route)) ?? []) : [],
    whole: wholeFault(outcome),
  };
}

function isHttp(kind: RouteKindName): kind is 'HTTPRoute' | 'GRPCRoute' {
  return kind === 'HTTPRoute' || kind === 'GRPCRoute';
}

function translated(
  kind: RouteKindName,
  route: AnyRoute,
  lookups: BackendLookups,
): Pick<RouteBody, 'outcome' | 'clusters'> {
  if (kind === 'HTTPRoute') return { clusters: noClusters, outcome: translateHttpRoute(route as never, lookups) };
  if (kind === 'GRPCRoute') return { clusters: noClusters, outcome: translateGrpcRoute(route as never, lookups) };
  const { clusters, refFaults } = translateLayer4Route(kind, route as never, lookups);
  return { clusters, outcome: { ...nothing, refFaults, rules: 1 } };
}

/** What the route is served as, by key of the Gateway; nothing where it is worth nothing. */
export function servingsOf({ kind, key, body, parents }: RouteCell): ReadonlyMap<string, readonly Serving[]> {
  if (body.whole !== undefined) return new Map();
  const servings = new Map<ListenerView, Serving & { readonly gateway: string }>();
  const { clusters, outcome } = body;
  for (const { gateway, listener, hostnames } of parents.flatMap(({ attached }) => attached)) {
    const route = `${kind.toLowerCase()}/${key}`;
    servings.set(listener, { gateway, listener, hostnames, route, entries: outcome.routes, clusters });
  }
  return Map.groupBy(servings.values(), ({ gateway }) => gateway);
}

/** Listeners that it counts on. */
export function listenersOf({ body, parents }: RouteCell): ReadonlySet<ListenerView> {
  if (body.whole !== undefined) return new Set();
  return new Set(parents.flatMap(({ attached }) => attached.map(({ listener }) => listener)));
}
