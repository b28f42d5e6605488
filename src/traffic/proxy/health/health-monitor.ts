// The one that decides which endpoints are healthy, for all workers: checks, ejections and drains come together here.
// Lives on the engine's control thread and speaks in changes; which endpoints are chosen in the end, workers compute.

import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import type { Place } from '#traffic/balancer/locality/levels.ts';
import type { EjectionEvent } from '#traffic/balancer/outlier/detector.ts';
import type { Cluster, Endpoint, TrafficUpdate } from '#traffic/model/ir.ts';
import {
  type ClusterHealth,
  type EndpointHealth,
  endpointKey,
  type HealthUpdate,
  type Selection,
  selectEndpoints,
} from '#traffic/snapshot/index.ts';
import type { LongRun } from './attempt-recorder.ts';
import { ActiveChecks } from './checks/active-checks.ts';
import { Drains } from './drains.ts';
import { type EndpointView, stateOf, viewOf } from './endpoint-view.ts';
import { HealthStats } from './health-stats.ts';
import { OutlierWatch } from './outlier-watch.ts';

/** What the engine has published so far. */
export interface PublishedClusters {
  cluster(name: string): Cluster | undefined;
  endpointsOf(name: string): readonly Endpoint[];
}

export interface HealthMonitorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly memory: SharedArrayBuffer;
  readonly workers: number;
  /** Where the proxies are. */
  readonly place: Place;
  readonly published: PublishedClusters;
  slotOf(key: string): number | undefined;
  /** News for every worker, beside those that `apply` returns. */
  onChange(update: HealthUpdate): void;
}

const healthy: ClusterHealth = new Map();

export class HealthMonitor {
  readonly stats = new HealthStats();
  readonly #deps: HealthMonitorDeps;
  readonly #outliers: OutlierWatch;
  readonly #checks: ActiveChecks;
  readonly #drains = new Drains();
  /** As last told; clusters without an entry are healthy throughout. */
  readonly #told = new Map<string, ClusterHealth>();
  /** Names of the clusters that watch an endpoint by how it answers, and the pod it was when they began. */
  readonly #watching = new Map<string, { pod: string; readonly clusters: Set<string> }>();
  readonly #watched = new Map<string, ReadonlySet<string>>();
  readonly #panicking = new Set<string>();

  constructor(deps: HealthMonitorDeps) {
    this.#deps = deps;
    const { clock, random, memory, workers } = deps;
    this.#outliers = new OutlierWatch({
      clock,
      memory,
      workers,
      slotOf: (key) => deps.slotOf(key),
      onEvents: (events) => this.#onEjections(events),
    });
    this.#checks = new ActiveChecks({
      clock,
      random,
      onTurn: (key, clusters) => this.#onTurn(key, clusters),
      onResult: (type, { good }) => this.stats.checked(type, good),
    });
  }

  /** Takes in what was published just now; returns what changes with it, to be in force at the same moment. */
  apply(update: TrafficUpdate): HealthUpdate {
    const touched = new Set([...(update.clusters?.keys() ?? []), ...(update.endpoints?.keys() ?? [])]);
    for (const name of touched) this.#configure(name);
    return this.#changesOf(touched);
  }

  /** For a worker that begins anew. */
  full(): HealthUpdate {
    return new Map(this.#told);
  }

  onLongRun(run: LongRun): void {
    this.#outliers.onLongRun(run);
  }

  /** Whether an endpoint gets new requests, by the wish of an operator; false when the cluster has no such endpoint. */
  drain(cluster: string, key: string, drained: boolean): boolean {
    const known = this.#deps.published.endpointsOf(cluster).some((endpoint) => endpointKey(endpoint) === key);
    if (!known || this.#deps.published.cluster(cluster) === undefined) return false;
    this.#drains.set(cluster, key, drained);
    this.#deps.log.info({ cluster, endpoint: key }, drained ? 'Endpoint is drained' : 'Endpoint is drained no more');
    this.#tell([cluster]);
    return true;
  }

  view(cluster: string, endpoint: Endpoint): EndpointView {
    const key = endpointKey(endpoint);
    const state = stateOf(endpoint, this.#told.get(cluster)?.get(key));
    const watched = this.#deps.published.cluster(cluster)?.outlierDetection !== undefined;
    const ejection = watched ? this.#outliers.ejection(key) : undefined;
    return viewOf(state, this.#checks.of(cluster, key), ejection, this.#deps.clock.now());
  }

  /** Who may be chosen by a proxy that stands where these do. */
  selection(cluster: Cluster): Selection {
    const endpoints = this.#deps.published.endpointsOf(cluster.name);
    return selectEndpoints(cluster, endpoints, this.#told.get(cluster.name) ?? healthy, this.#deps.place);
  }

  /** Brings the gauges of these clusters up to date. */
  measure(clusters: Iterable<Cluster>): void {
    for (const cluster of clusters) {
      const told = this.#told.get(cluster.name) ?? healthy;
      const states: Record<string, number> = {};
      for (const endpoint of this.#deps.published.endpointsOf(cluster.name)) {
        const state = stateOf(endpoint, told.size === 0 ? undefined : told.get(endpointKey(endpoint)));
        states[state] = (states[state] ?? 0) + 1;
      }
      this.stats.show(cluster.name, states, this.#panicking.has(cluster.name));
    }
  }

  close(): void {
    this.#outliers.close();
    this.#checks.close();
  }

  #configure(name: string): void {
    const { published } = this.#deps;
    const cluster = published.cluster(name);
    const endpoints = cluster === undefined ? [] : published.endpointsOf(name);
    if (cluster === undefined) this.stats.clusterLeft(name);
    this.#checks.configure(name, cluster, endpoints);
    this.#watch(name, cluster, endpoints);
    if (this.#drains.of(name).size > 0) this.#drains.keepOnly(name, new Set(endpoints.map(endpointKey)));
  }

  #watch(name: string, cluster: Cluster | undefined, endpoints: readonly Endpoint[]): void {
    const policy = cluster?.outlierDetection;
    const before = this.#watched.get(name);
    if (policy === undefined && before === undefined) return;
    const keys = new Set<string>();
    if (policy !== undefined) {
      for (const endpoint of endpoints) {
        const key = endpointKey(endpoint);
        // Of two with the same address and port the first counts, as in the tables.
        if (keys.has(key)) continue;
        keys.add(key);
        const known = this.#watching.get(key);
        if (known === undefined) {
          this.#watching.set(key, { pod: endpoint.pod, clusters: new Set([name]) });
          continue;
        }
        if (before?.has(key) !== true) known.clusters.add(name);
        if (known.pod !== endpoint.pod) this.#outliers.forget(key);
        known.pod = endpoint.pod;
      }
    }
    for (const key of before ?? []) {
      if (keys.has(key)) continue;
      const known = this.#watching.get(key);
      known?.clusters.delete(name);
      if (known?.clusters.size === 0) this.#watching.delete(key);
    }
    if (policy === undefined) this.#watched.delete(name);
    else this.#watched.set(name, keys);
    this.#outliers.configure(name, policy, keys);
  }

  #onEjections(events: readonly EjectionEvent[]): void {
    const touched = new Set<string>();
    for (const { type, key, cause, cluster } of events) {
      if (type === 'ejected') this.stats.ejected(cluster, cause);
      this.#deps.log.info(
        { endpoint: key, cause, ...(cluster === '' ? {} : { cluster }) },
        type === 'ejected' ? 'Endpoint is ejected' : 'Endpoint returns from ejection',
      );
      for (const name of this.#watching.get(key)?.clusters ?? []) touched.add(name);
    }
    this.#tell(touched);
  }

  #onTurn(key: string, clusters: Iterable<string>): void {
    for (const cluster of clusters) {
      const check = this.#checks.of(cluster, key);
      this.#deps.log.info(
        { cluster, endpoint: key, check: check?.last?.detail },
        check?.health === 'healthy' ? 'Endpoint passes its health checks' : 'Endpoint fails its health checks',
      );
    }
    this.#tell(clusters);
  }

  #tell(clusters: Iterable<string>): void {
    const changes = this.#changesOf(clusters);
    if (changes.size > 0) this.#deps.onChange(changes);
  }

  #changesOf(clusters: Iterable<string>): HealthUpdate {
    const changes = new Map<string, ClusterHealth>();
    for (const name of clusters) {
      const now = this.#healthOf(name);
      const before = this.#told.get(name) ?? healthy;
      if (!sameHealth(now, before)) {
        if (now.size === 0) this.#told.delete(name);
        else this.#told.set(name, now);
        changes.set(name, now);
      }
      this.#lookForPanic(name, now);
    }
    return changes;
  }

  #healthOf(name: string): ClusterHealth {
    const { published } = this.#deps;
    const cluster = published.cluster(name);
    const drained = this.#drains.of(name);
    const judged = cluster?.healthCheck !== undefined || cluster?.outlierDetection !== undefined;
    if (cluster === undefined || (!judged && drained.size === 0)) return healthy;
    const health = new Map<string, EndpointHealth>();
    // Of several reasons the last one counts.
    const watched = this.#watched.get(name);
    if (watched !== undefined)
      for (const key of this.#outliers.ejected()) if (watched.has(key)) health.set(key, 'ejected');
    for (const [key, state] of this.#checks.unfit(name)) health.set(key, state);
    for (const key of drained) health.set(key, 'drained');
    return health;
  }

  #lookForPanic(name: string, health: ClusterHealth): void {
    const cluster = this.#deps.published.cluster(name);
    const panic = health.size > 0 && cluster !== undefined && this.selection(cluster).panic;
    if (panic === this.#panicking.has(name)) return;
    if (!panic) {
      this.#panicking.delete(name);
      return;
    }
    this.#panicking.add(name);
    this.stats.panicked(name);
    this.#deps.log.warn({ cluster: name }, 'Too few endpoints are healthy: all of them count');
  }
}

function sameHealth(a: ClusterHealth, b: ClusterHealth): boolean {
  if (a.size !== b.size) return false;
  for (const [key, health] of a) if (b.get(key) !== health) return false;
  return true;
}
