// From all objects of the Gateway API to the traffic model and to what each object is told.
// Pure; one broken object costs nobody else anything. What was bound is known later: `statusesOf` takes it.
import type {
  AnyRoute,
  BackendTlsPolicy,
  Gateway,
  GatewayClass,
  ListenerSet,
  ParentStatus,
} from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import type { Certificate, Listener, VirtualHost, WeightedCluster } from '../ir.ts';
import { byAge } from './age.ts';
import { attachRoute, type ParentOutcome, type Parents } from './attach.ts';
import { attempt } from './attempt.ts';
import { withClientCertificate } from './backend-certificate.ts';
import type { BackendLookups, ClusterVariant } from './backends.ts';
import { composeGateway, type Serving } from './compose.ts';
import type { Fault } from './conditions.ts';
import { classStatus, gatewayStatus, listenerSetStatus, type SocketFaults } from './gateway-status.ts';
import { Grants } from './grants.ts';
import { translateGrpcRoute } from './grpc-route.ts';
import { translateHttpRoute } from './http-route.ts';
import { translateLayer4Route } from './layer4-route.ts';
import type { GatewayView, ListenerView } from './listener-view.ts';
import type { GatewayObjects, GatewayOptions, RouteKindName } from './objects.ts';
import { Rivals } from './rivals.ts';
import { partFault, type RouteOutcome, wholeFault } from './route-outcome.ts';
import { ancestorStatuses, parentStatuses } from './route-status.ts';
import { TlsPolicies } from './tls-policies.ts';
import { Variants } from './variants.ts';
import { ourClasses, ourGateways, parentKeyOf, viewOf } from './views.ts';

export interface GatewayPart {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly variants: ReadonlyMap<string, ClusterVariant>;
  readonly gateways: readonly GatewayView[];
  /** Keys of Secrets and ConfigMaps that were asked for, whether or not they exist. */
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  statusesOf(faults: SocketFaults): readonly ObjectStatus[];
}

/** What an object is to be told. Routes and policies: our entries alone; others' stay. */
export type ObjectStatus =
  | { readonly kind: 'GatewayClass'; readonly key: string; readonly status: NonNullable<GatewayClass['status']> }
  | { readonly kind: 'Gateway'; readonly key: string; readonly status: NonNullable<Gateway['status']> }
  | { readonly kind: 'ListenerSet'; readonly key: string; readonly status: NonNullable<ListenerSet['status']> }
  | { readonly kind: RouteKindName; readonly key: string; readonly parents: readonly ParentStatus[] }
  | {
      readonly kind: 'BackendTLSPolicy';
      readonly key: string;
      readonly ancestors: NonNullable<NonNullable<BackendTlsPolicy['status']>['ancestors']>;
    };

/** What a route is made of, whichever kind it is. */
interface Translated {
  readonly kind: RouteKindName;
  readonly route: AnyRoute;
  readonly parents: readonly ParentOutcome[];
  readonly outcome: RouteOutcome;
  readonly clusters: readonly WeightedCluster[];
  /** Services that it leads to. */
  readonly services: ReadonlySet<string>;
}

export function translateGateways(objects: GatewayObjects, options: GatewayOptions): GatewayPart {
  return new Translation(objects, options).run();
}

class Translation {
  readonly #objects: GatewayObjects;
  readonly #options: GatewayOptions;
  readonly #grants: Grants;
  readonly #policies: TlsPolicies;
  readonly #variants = new Variants();
  readonly #secrets = new Set<string>();
  readonly #configMaps = new Set<string>();
  /** Services that the route under way has asked for. */
  #services = new Set<string>();

  constructor(objects: GatewayObjects, options: GatewayOptions) {
    this.#objects = objects;
    this.#options = options;
    this.#grants = new Grants(objects.grants);
    this.#policies = new TlsPolicies(objects.tlsPolicies, options, this.#configMap);
  }

  readonly #secret = (key: string) => {
    this.#secrets.add(key);
    return this.#objects.secret(key);
  };

  readonly #configMap = (key: string) => {
    this.#configMaps.add(key);
    return this.#objects.configMap(key);
  };

  run(): GatewayPart {
    const gateways = this.#views();
    const parents: Parents = {
      gateways: new Map(gateways.map((view) => [view.key, view])),
      sets: new Map(gateways.flatMap((view) => view.sets.map(({ key }) => [key, view] as const))),
      namespaceLabels: this.#objects.namespaceLabels,
    };
    const routes = this.#routes(parents);
    const into = {
      listeners: new Map<string, Listener>(),
      virtualHosts: new Map<string, VirtualHost>(),
      certificates: new Map<string, Certificate>(),
    };
    const servings = Map.groupBy(servingsOf(routes), ({ gateway }) => gateway);
    for (const view of gateways) {
      const pair = view.backendCertificate?.pair;
      const own = (servings.get(view) ?? []).map((serving) =>
        pair === undefined
          ? serving
          : { ...serving, entries: withClientCertificate(serving.entries, pair, this.#variants) },
      );
      attempt(() => composeGateway(view, own, into));
    }
    return {
      ...into,
      variants: this.#variants.all,
      gateways,
      secrets: this.#secrets,
      configMaps: this.#configMaps,
      statusesOf: (faults) => this.#statuses(gateways, routes, faults),
    };
  }

  #views(): readonly GatewayView[] {
    const sets = Map.groupBy(this.#objects.listenerSets.toSorted(byAge), (set) => attempt(() => parentKeyOf(set)));
    const lookups = { grants: this.#grants, options: this.#options, secret: this.#secret, configMap: this.#configMap };
    return ourGateways(this.#objects).flatMap((gateway) => {
      const own = sets.get(objectKey(gateway)) ?? [];
      return attempt(() => viewOf(gateway, own, this.#objects, lookups)) ?? [];
    });
  }

  #routes(parents: Parents): readonly Translated[] {
    const { httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes, udpRoutes } = this.#objects;
    const backends: BackendLookups = {
      grants: this.#grants,
      service: (key) => this.#objects.service(key),
      variant: (variant) => this.#variants.nameOf(variant),
      tlsOf: (service, port) => {
        this.#services.add(service);
        return this.#policies.tlsOf(service, port);
      },
    };
    const layer4 = (kind: RouteKindName) => (route: AnyRoute) => {
      const { clusters, refFaults } = translateLayer4Route(
        kind,
        route as Parameters<typeof translateLayer4Route>[1],
        backends,
      );
      return { clusters, outcome: { routes: [], refFaults, ruleFaults: new Map(), rules: 1 } };
    };
    const entries = (translate: (route: never, lookups: BackendLookups) => RouteOutcome) => (route: AnyRoute) => ({
      clusters: [],
      outcome: translate(route as never, backends),
    });
    const all: readonly [
      RouteKindName,
      readonly AnyRoute[],
      (route: AnyRoute) => Pick<Translated, 'clusters' | 'outcome'>,
    ][] = [
      ['HTTPRoute', httpRoutes, entries(translateHttpRoute)],
      ['GRPCRoute', grpcRoutes, entries(translateGrpcRoute)],
      ['TLSRoute', tlsRoutes, layer4('TLSRoute')],
      ['TCPRoute', tcpRoutes, layer4('TCPRoute')],
      ['UDPRoute', udpRoutes, layer4('UDPRoute')],
    ];
    const translated = all.flatMap(([kind, list, translate]) =>
      list.flatMap((route) => this.#route(kind, route, parents, translate)),
    );
    const rivals = new Rivals();
    return translated
      .sort((a, b) => byAge(a.route, b.route))
      .map((one) =>
        // One that is worth nothing is in nobody's way.
        wholeFault(one.outcome) === undefined
          ? { ...one, parents: rivals.settle(one.kind, objectKey(one.route), one.parents) }
          : one,
      );
  }

  #route(
    kind: RouteKindName,
    route: AnyRoute,
    parents: Parents,
    translate: (route: AnyRoute) => Pick<Translated, 'clusters' | 'outcome'>,
  ): Translated[] {
    const outcomes = attempt(() => attachRoute(kind, route, parents));
    if (outcomes === undefined || outcomes.length === 0) {
      // None of its parents is ours; what we said before, of one that was, is taken back.
      return saidBefore(route)
        ? [{ kind, route, parents: [], outcome: nothing, clusters: [], services: new Set() }]
        : [];
    }
    const services = new Set<string>();
    this.#services = services;
    let parts: Pick<Translated, 'clusters' | 'outcome'>;
    try {
      parts = translate(route);
    } catch (error) {
      const message = `Cannot be translated, so it carries no traffic: ${(error as Error).message}`;
      parts = {
        clusters: [],
        outcome: { ...nothing, ruleFaults: new Map([[0, [{ reason: 'UnsupportedValue', message }]]]), rules: 1 },
      };
    }
    return [{ kind, route, parents: outcomes, services, ...parts }];
  }

  #statuses(
    gateways: readonly GatewayView[],
    routes: readonly Translated[],
    faults: SocketFaults,
  ): readonly ObjectStatus[] {
    count(routes, gateways);
    const reached = Map.groupBy(
      routes.flatMap(({ services, parents }) =>
        parents.flatMap(({ attached }) =>
          attached.flatMap(({ gateway }) => [...services].map((service) => ({ service, gateway: gateway.key }))),
        ),
      ),
      ({ service }) => service,
    );
    const ancestors = (services: ReadonlySet<string>): string[] =>
      [
        ...new Set([...services].flatMap((service) => (reached.get(service) ?? []).map(({ gateway }) => gateway))),
      ].sort();
    const told: (ObjectStatus | undefined)[] = [
      ...attemptAll(ourClasses(this.#objects.classes), (one) => ({
        kind: 'GatewayClass' as const,
        key: objectKey(one),
        status: classStatus(one),
      })),
      ...attemptAll(gateways, (view) => ({
        kind: 'Gateway' as const,
        key: view.key,
        status: gatewayStatus(view, faults),
      })),
      ...gateways.flatMap((view) =>
        attemptAll(view.sets, (set) => ({
          kind: 'ListenerSet' as const,
          key: set.key,
          status: listenerSetStatus(set, view, faults),
        })),
      ),
      ...attemptAll(routes, ({ kind, route, parents, outcome }) => {
        const findings = { whole: wholeFault(outcome), part: partFault(outcome), refFaults: outcome.refFaults };
        return { kind, key: objectKey(route), parents: parentStatuses(route, parents, findings) };
      }),
      ...attemptAll(this.#policies.views, (view) => ({
        kind: 'BackendTLSPolicy' as const,
        key: view.key,
        ancestors: ancestorStatuses(view, ancestors(view.services)),
      })),
    ];
    return told.filter((status) => status !== undefined);
  }
}

const nothing: RouteOutcome = { routes: [], refFaults: [], ruleFaults: new Map(), rules: 0 };

function attemptAll<T, R>(list: readonly T[], make: (one: T) => R): (R | undefined)[] {
  return list.map((one) => attempt(() => make(one)));
}

function saidBefore({ status }: AnyRoute): boolean {
  return (status?.parents ?? []).some(({ controllerName }) => controllerName === 'evenkeel.dev/gateway-controller');
}

/** Every route that is worth anything, on every listener that it is attached to, in order of precedence. */
function servingsOf(routes: readonly Translated[]): (Serving & { readonly gateway: GatewayView })[] {
  return routes.flatMap(({ kind, route, parents, outcome, clusters }) => {
    if (wholeFault(outcome) !== undefined) return [];
    const name = `${kind.toLowerCase()}/${objectKey(route)}`;
    const listeners = new Map<ListenerView, Serving & { readonly gateway: GatewayView }>();
    for (const { gateway, listener, hostnames } of parents.flatMap(({ attached }) => attached)) {
      listeners.set(listener, { gateway, listener, hostnames, route: name, entries: outcome.routes, clusters });
    }
    return [...listeners.values()];
  });
}

/** Routes that are accepted count on each listener that they are attached to, whatever state that is in. */
function count(routes: readonly Translated[], gateways: readonly GatewayView[]): void {
  for (const { listeners } of gateways) for (const { attached } of listeners) attached.clear();
  for (const { kind, route, parents, outcome } of routes) {
    const whole: Fault | undefined = wholeFault(outcome);
    if (whole !== undefined) continue;
    for (const { attached } of parents)
      for (const { listener } of attached) listener.attached.add(`${kind}/${objectKey(route)}`);
  }
}
