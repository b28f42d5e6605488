// What an engine sees of the traffic model: frozen, versioned tables made for lookups.
// Types only; knows neither how the tables are built nor who reads them.
import type { Chance, Outcome, Picker, PickInput, Random, Target } from '#traffic/balancer/balancer.ts';
import type { Place } from '#traffic/balancer/locality/levels.ts';
import type {
  Certificate,
  Cluster,
  Endpoint,
  Listener,
  Route,
  ServicePort,
  TrafficUpdate,
  VirtualHost,
  WeightedCluster,
} from '#traffic/model/ir.ts';
import type { RequestView } from './request-view.ts';
import type { ClusterHealth, HealthUpdate } from './selection/health.ts';

/**
 * Counters of endpoints that every worker shares; the engine owns the memory.
 * A key is `address:port` (`[address]:port` for IPv6), the same in every worker and cluster.
 */
export interface EndpointCounters {
  /** The slot of an endpoint; the same key yields the same slot until it is released. */
  slot(key: string): number;
  /** Requests (or connections, at layer 4) that are in flight now, over all workers. */
  inFlight(slot: number): number;
  /** No cluster holds the endpoint any more. Requests under way may still count down on its slot. */
  release(key: string): void;
}

/** A target with what an engine wants to know of its endpoint. One object as long as address, port and pod stay. */
export interface EngineTarget extends Target {
  /** `address:port`, or `[address]:port` for IPv6: the key of its counters and of its connection pool. */
  readonly key: string;
  /** The endpoint as last published: pod, node and zone for metrics and logs. */
  readonly endpoint: Endpoint;
}

export interface ClusterEntry {
  readonly config: Cluster;
  readonly picker: Picker<EngineTarget>;
  /** Tells the policy how an attempt went; undefined when it learns nothing. */
  readonly observe: ((target: EngineTarget, outcome: Outcome) => void) | undefined;
  /** Takes the load in that a target reports in a response header; undefined when the cluster does not ask for it. */
  readonly reportLoad: ((target: EngineTarget, header: string, now: number) => void) | undefined;
  /** What is known of a target beside its health (weight, latency, ...), for people. */
  readonly describe: (target: EngineTarget, now: number) => Readonly<Record<string, number>>;
  /** The chance that each target has to get such a request, for people; as of now, whatever became of the entry. */
  readonly preview: (input: PickInput) => readonly Chance<EngineTarget>[];
  /** What the picker chooses from, near and far: who may take a request now (`selection/`). */
  readonly targets: readonly EngineTarget[];
  /** The target of an endpoint by its key, usable or not; as of now, whatever became of the entry. */
  readonly targetOf: (key: string) => EngineTarget | undefined;
  /** `targets` by how near they are to this proxy; one level where the cluster has no preference. */
  readonly levels: readonly TargetLevel[];
  /** Every endpoint, usable or not, as published. */
  readonly endpoints: readonly Endpoint[];
  /** What speaks against endpoints beside their readiness. */
  readonly health: ClusterHealth;
}

export interface TargetLevel {
  /** `node`, `zone` or `any`. */
  readonly name: string;
  /** Percent of the requests that it takes. */
  readonly load: number;
  /** Too few of it are healthy: all of them count. */
  readonly panic: boolean;
  readonly targets: readonly EngineTarget[];
}

export interface RouteEntry {
  readonly route: Route;
  /** Hostname pattern of the virtual host that it belongs to. */
  readonly hostname: string;
  /**
   * Where this request goes, with the filters of that backend: exact by weight over a stretch of requests of one worker.
   * Undefined when the route answers by itself, or when every weight is 0.
   */
  pickBackend(): WeightedCluster | undefined;
  /** The cluster's name alone. */
  pickCluster(): string | undefined;
}

/** Where connections or datagrams go that are not looked into. */
export interface Layer4Route {
  readonly name: string;
  readonly clusters: readonly WeightedCluster[];
  /** TLS ends at the gateway. */
  readonly terminates: boolean;
  /** Name of the cluster for this connection or session, drawn by weight; undefined when every weight is 0. */
  pickCluster(): string | undefined;
}

/** All tables of one version. Lookups neither allocate nor throw; nothing in it changes after it is handed out. */
export interface Snapshot {
  readonly version: number;
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly services: ReadonlyMap<string, ServicePort>;
  /** Group of a client by its address. */
  readonly groupOf: ReadonlyMap<string, string>;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  /** One object as long as its content stays, fit as a key for the engine's TLS contexts. */
  readonly certificates: ReadonlyMap<string, Certificate>;
  /**
   * The route of a request. `host` is the authority as the client sent it (port, upper case and a trailing
   * dot are fine), `path` the request target from its first `/` (a query is ignored). `request` is read only for routes
   * that ask for more than a path; left out, it is a GET without headers. Undefined means 404.
   */
  route(listener: string, host: string, path: string, request?: RequestView): RouteEntry | undefined;
  /** The virtual host that decides about a host: a path that it does not have is looked for nowhere else. */
  virtualHost(listener: string, host: string): { readonly name: string; readonly host: VirtualHost } | undefined;
  /**
   * All certificates of a listener for a server name (exact, then wildcard, then default), e.g. one with an ECDSA and one
   * with an RSA key. One array as long as none of them changes, fit as a key like they are.
   */
  certificatesFor(listener: string, serverName: string | undefined): readonly Certificate[];
  /** The route of a `tcp` or `udp` listener, or of a `tls` listener for a server name (empty without one). */
  layer4Route(listener: string, serverName: string): Layer4Route | undefined;
  cluster(name: string): ClusterEntry | undefined;
}

export interface SnapshotDeps {
  readonly random: Random;
  readonly counters: EndpointCounters;
  /** Node and zone of this proxy, for clusters that prefer what is near; left out: nowhere. */
  readonly place?: Place;
  /** Monotonic milliseconds, for weights that grow; left out: time stands still. */
  readonly now?: () => number;
}

/** What a cluster needs of them. */
export interface CellDeps {
  readonly random: Random;
  readonly place: Place;
  readonly now: () => number;
}

export interface SnapshotBuilder {
  /**
   * Takes one update in and returns the tables that hold from now on; what it does not touch is shared with the last.
   * `health` is what the update changes about the health of endpoints: both hold from the same moment.
   */
  apply(update: TrafficUpdate, health?: HealthUpdate): Snapshot;
  /** Takes news of health in; only the clusters that it names get new entries. The version stays. */
  applyHealth(health: HealthUpdate): Snapshot;
  /** Lets weights that change with time follow it (slow start, load reports); undefined when none has moved on. */
  refresh(now: number): Snapshot | undefined;
}
