// From routes whose parents are Services to fronts of these Services, and to what each route is told.
// Pure; one broken object costs nobody else anything. Knows no Gateway: who has both kinds of parents is told of each apart.
import type { AnyRoute, ParentStatus } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { byAge } from '../gateway/age.ts';
import { attempt } from '../gateway/attempt.ts';
import type { BackendLookups, ClusterVariant } from '../gateway/backends.ts';
import { condition, type Fault, holds } from '../gateway/conditions.ts';
import { translateGrpcRoute } from '../gateway/grpc-route.ts';
import { translateHttpRoute } from '../gateway/http-route.ts';
import type { GatewayOptions, RouteKindName } from '../gateway/objects.ts';
import { partFault, type RouteOutcome, wholeFault } from '../gateway/route-outcome.ts';
import { parentStatuses } from '../gateway/route-status.ts';
import { TlsPolicies } from '../gateway/tls-policies.ts';
import { VariantNotes } from '../gateway/variants.ts';
import type { MeshFront, Route, VirtualHost } from '../ir.ts';
import { servicePortName } from '../names.ts';
import { attachToServices, type FrontPort, type MeshOutcome } from './attach.ts';
import { MESH_FEATURES } from './features.ts';
import { hostsOf, settleKinds } from './kinds.ts';
import { MeshMemory } from './memory.ts';
import { frontName, MESH_CONTROLLER } from './names.ts';
import type { MeshObjects, XMesh } from './objects.ts';

export interface MeshPart {
  /** By key of the Service, then by name of its port as the model has it. */
  readonly fronts: ReadonlyMap<string, ReadonlyMap<string, MeshFront>>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly variants: ReadonlyMap<string, ClusterVariant>;
  /** Namespaces whose clients are told apart. */
  readonly groups: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  /** Keys of the Services that were asked for, whether or not they exist. */
  readonly services: ReadonlySet<string>;
  readonly statuses: readonly MeshStatus[];
}

/** What an object is to be told: our entries alone. */
export type MeshStatus =
  | { readonly kind: RouteKindName; readonly key: string; readonly parents: readonly ParentStatus[] }
  | { readonly kind: 'XMesh'; readonly key: string; readonly status: NonNullable<XMesh['status']> };

export const NO_MESH: MeshPart = {
  fronts: new Map(),
  virtualHosts: new Map(),
  variants: new Map(),
  groups: new Set(),
  configMaps: new Set(),
  services: new Set(),
  statuses: [],
};

export interface Translated {
  readonly kind: RouteKindName;
  readonly key: string;
  readonly route: AnyRoute;
  readonly outcomes: readonly MeshOutcome[];
  readonly result: RouteOutcome;
  /** Its routes under the names that they have in the mesh. */
  readonly entries: readonly Route[];
}

type Translate = (route: never, lookups: BackendLookups) => RouteOutcome;

const NOTHING: RouteOutcome = { routes: [], refFaults: [], ruleFaults: new Map(), rules: 0 };

/** With the `memory` of the last time only routes that have changed, or have read what has, are translated again. */
export function translateMesh(
  objects: MeshObjects,
  options: GatewayOptions,
  memory = new MeshMemory<Translated | undefined>(),
): MeshPart {
  const configMaps = new Map<string, ReturnType<MeshObjects['configMap']>>();
  const policies = new TlsPolicies(objects.tlsPolicies, options, (key) => {
    const found = objects.configMap(key);
    configMaps.set(key, found);
    return found;
  });
  memory.begin(objects, configMaps);
  const variants = new Map<string, ClusterVariant>();
  const services = new Set<string>();
  const translateSafely = (kind: RouteKindName, route: AnyRoute, translate: Translate): Translated | undefined => {
    const remembered = memory.of(route, objects.service, () => {
      const read = new Map<string, ReturnType<MeshObjects['service']>>();
      const notes = new VariantNotes();
      const lookups: BackendLookups = {
        // Nothing is exposed that clients could not reach themselves (GEP-1294, "Namespace boundaries").
        grants: { permit: () => true },
        policies: objects.policies,
        service(key) {
          const found = objects.service(key);
          read.set(key, found);
          return found;
        },
        variant: notes.nameOf,
        tlsOf: (service, port) => policies.tlsOf(service, port),
      };
      const made = attempt(() => translateOne(kind, route, lookups, translate));
      return { made, services: read, variants: notes.noted };
    });
    for (const key of remembered.services.keys()) services.add(key);
    for (const [name, variant] of remembered.variants) variants.set(name, variant);
    return remembered.made;
  };
  const { httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes, udpRoutes } = objects;
  const kinds: readonly [RouteKindName, readonly AnyRoute[], Translate][] = [
    ['HTTPRoute', httpRoutes, translateHttpRoute],
    ['GRPCRoute', grpcRoutes, translateGrpcRoute],
    ['TLSRoute', tlsRoutes, () => NOTHING],
    ['TCPRoute', tcpRoutes, () => NOTHING],
    ['UDPRoute', udpRoutes, () => NOTHING],
  ];
  const translated = kinds
    .flatMap(([kind, routes, translate]) => routes.flatMap((route) => translateSafely(kind, route, translate) ?? []))
    .sort((a, b) => byAge(a.route, b.route));
  const good = translated.filter(({ result }) => wholeFault(result) === undefined);
  const settled = settleKinds(good);
  const { fronts, virtualHosts, groups } = compose(settled);
  const all = [...settled, ...translated.filter(({ result }) => wholeFault(result) !== undefined)];
  return {
    fronts,
    virtualHosts,
    variants,
    groups,
    configMaps: new Set(configMaps.keys()),
    services,
    statuses: [
      ...all.map((one) => statusOf(one, objects.policies)),
      ...objects.meshes.flatMap((mesh) => attempt(() => meshStatus(mesh)) ?? []),
    ],
  };
}

function translateOne(
  kind: RouteKindName,
  route: AnyRoute,
  lookups: BackendLookups,
  translate: Translate,
): Translated | undefined {
  const outcomes = attachToServices(kind, route, lookups.service);
  const key = objectKey(route);
  if (outcomes.length === 0) {
    // What we said before, of a parent that was there, is taken back.
    return saidBefore(route) ? { kind, key, route, outcomes, result: NOTHING, entries: [] } : undefined;
  }
  try {
    const result = translate(route as never, lookups);
    const entries = result.routes.map((entry) => ({ ...entry, name: `mesh/${entry.name}` }));
    return { kind, key, route, outcomes, result, entries };
  } catch (error) {
    const message = `Cannot be translated, so it carries no traffic: ${(error as Error).message}`;
    const ruleFaults = new Map([[0, [{ reason: 'UnsupportedValue', message }]]]);
    return { kind, key, route, outcomes, result: { ...NOTHING, ruleFaults, rules: 1 }, entries: [] };
  }
}

function saidBefore({ status }: AnyRoute): boolean {
  return (status?.parents ?? []).some(({ controllerName }) => controllerName === MESH_CONTROLLER);
}

/** Routes of one kind and one group at a port stand together, the oldest first; those of groups replace the others. */
function compose(settled: readonly Translated[]): Pick<MeshPart, 'fronts' | 'virtualHosts' | 'groups'> {
  const ports = new Map<string, FrontPort>();
  const hosts = new Map<string, Route[]>();
  const groupsOf = new Map<string, Set<string>>();
  for (const { outcomes, entries } of settled) {
    const places = new Map(outcomes.flatMap(({ attached }) => attached.map((one) => [hostsOf(one), one] as const)));
    for (const [name, place] of places) {
      const front = frontName(place.service, place.port);
      ports.set(front, place);
      const groups = groupsOf.get(front) ?? new Set();
      groupsOf.set(front, groups.add(place.group));
      hosts.set(name, [...(hosts.get(name) ?? []), ...entries]);
    }
  }
  const fronts = new Map<string, Map<string, MeshFront>>();
  for (const [name, { service, port }] of ports) {
    const all = groupsOf.get(name) ?? new Set();
    const groups = [...all].filter((group) => group !== '').sort();
    const own = fronts.get(service) ?? new Map<string, MeshFront>();
    const rest = all.has('') ? {} : { carried: true as const };
    fronts.set(service, own.set(servicePortName(service, port), { name, port: port.port, groups, ...rest }));
  }
  const virtualHosts = new Map(
    [...hosts].map(([name, routes]): [string, VirtualHost] => [
      name,
      { hostname: '*', wildcard: 'any-labels', listeners: [name], routes },
    ]),
  );
  return { fronts, virtualHosts, groups: new Set([...groupsOf.values()].flatMap((all) => [...all]).filter(Boolean)) };
}

function statusOf({ kind, key, route, outcomes, result }: Translated, held: MeshObjects['policies']): MeshStatus {
  const policies = kind === 'HTTPRoute' || kind === 'GRPCRoute' ? (held?.affecting(kind, key) ?? []) : [];
  const findings = { whole: wholeFault(result), part: partFault(result), refFaults: result.refFaults, policies };
  return { kind, key, parents: parentStatuses(route, outcomes, findings, MESH_CONTROLLER) };
}

function meshStatus(mesh: XMesh): MeshStatus | undefined {
  if (mesh.spec?.controllerName !== MESH_CONTROLLER) return undefined;
  const generation = mesh.metadata?.generation;
  const { parametersRef } = mesh.spec;
  const fault: Fault | undefined =
    parametersRef === undefined
      ? undefined
      : {
          reason: 'InvalidParameters',
          message: `The mesh has no parameters, and none of kind ${parametersRef.kind}: remove spec.parametersRef`,
        };
  return {
    kind: 'XMesh',
    key: objectKey(mesh),
    status: {
      conditions: [
        holds('Accepted', fault, 'Accepted', 'Routes that are attached to Services are served', generation),
        condition(
          'Programmed',
          fault === undefined ? 'True' : 'False',
          fault?.reason ?? 'Programmed',
          fault?.message ?? 'The proxies of nodes follow it',
          generation,
        ),
      ],
      supportedFeatures: MESH_FEATURES.map((name) => ({ name })),
    },
  };
}
