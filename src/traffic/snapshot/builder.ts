// Turns traffic updates into snapshots, one after another, building anew only what an update touches.
// Holds no socket and no thread: every worker runs one of its own.
import type { Cluster, Endpoint, TrafficUpdate } from '#traffic/model/ir.ts';
import { CertificateTable } from './certificate-table.ts';
import { ClusterCell } from './cluster-cell.ts';
import { Layer4Table } from './layer4-table.ts';
import { bareRequest, type RequestView } from './request-view.ts';
import { RouteTables } from './route-tables.ts';
import { allHealthy, type ClusterHealth, type HealthUpdate } from './selection/health.ts';
import { CounterUses } from './targets.ts';
import type { CellDeps, ClusterEntry, Snapshot, SnapshotBuilder, SnapshotDeps } from './types.ts';

export function createSnapshotBuilder(deps: SnapshotDeps): SnapshotBuilder {
  return new Builder(deps);
}

class Builder implements SnapshotBuilder {
  readonly #deps: SnapshotDeps & CellDeps;
  readonly #uses: CounterUses;
  readonly #cells = new Map<string, ClusterCell>();
  /** Endpoints by cluster, also of clusters that have not come yet. */
  readonly #endpoints = new Map<string, readonly Endpoint[]>();
  /** By cluster; those without an entry are healthy throughout. */
  readonly #health = new Map<string, ClusterHealth>();
  /** Names of the clusters whose weights change with time. */
  readonly #weighing = new Set<string>();
  #version = 0;
  #listeners: Snapshot['listeners'] = new Map();
  #services: Snapshot['services'] = new Map();
  #clients: ReadonlyMap<string, readonly string[]> = new Map();
  #groupOf: Snapshot['groupOf'] = new Map();
  #clusters: Snapshot['clusters'] = new Map();
  #routes = RouteTables.empty;
  #layer4 = Layer4Table.empty;
  #certificates = CertificateTable.empty;

  constructor(deps: SnapshotDeps) {
    this.#deps = { ...deps, place: deps.place ?? nowhere, now: deps.now ?? (() => 0) };
    this.#uses = new CounterUses(deps.counters);
  }

  apply(update: TrafficUpdate, health: HealthUpdate = new Map()): Snapshot {
    this.#version = update.version;
    this.#listeners = merged(this.#listeners, update.listeners);
    this.#services = merged(this.#services, update.services);
    if (sized(update.clients)) {
      this.#clients = merged(this.#clients, update.clients);
      this.#groupOf = new Map(
        [...this.#clients].flatMap(([group, addresses]) => addresses.map((address) => [address, group] as const)),
      );
    }
    if (sized(update.listeners)) this.#layer4 = this.#layer4.with(update.listeners, this.#deps.random);
    if (sized(update.virtualHosts)) this.#routes = this.#routes.with(update.virtualHosts, this.#deps.random);
    if (sized(update.certificates)) this.#certificates = this.#certificates.with(update.certificates);
    this.#applyClusters(update.clusters ?? new Map(), update.endpoints ?? new Map(), health);
    return this.#snapshot();
  }

  applyHealth(health: HealthUpdate): Snapshot {
    this.#applyClusters(new Map(), new Map(), health);
    return this.#snapshot();
  }

  refresh(now: number): Snapshot | undefined {
    let clusters: Map<string, ClusterEntry> | undefined;
    for (const name of this.#weighing) {
      const cell = this.#cells.get(name);
      if (cell === undefined || !cell.refresh(now)) continue;
      clusters ??= new Map(this.#clusters);
      clusters.set(name, cell.entry());
    }
    if (clusters === undefined) return undefined;
    this.#clusters = clusters;
    return this.#snapshot();
  }

  #applyClusters(
    configs: ReadonlyMap<string, Cluster | undefined>,
    endpoints: ReadonlyMap<string, readonly Endpoint[] | undefined>,
    health: HealthUpdate,
  ): void {
    const touched = new Set([...configs.keys(), ...endpoints.keys(), ...health.keys()]);
    if (touched.size === 0) return;
    for (const [name, states] of health) {
      if (states.size === 0) this.#health.delete(name);
      else this.#health.set(name, states);
    }
    for (const [name, list] of endpoints) {
      if (list === undefined) this.#endpoints.delete(name);
      else this.#endpoints.set(name, list);
    }
    for (const [name, config] of configs) this.#configure(name, config);
    const clusters = new Map(this.#clusters);
    for (const name of touched) {
      const cell = this.#cells.get(name);
      cell?.update(this.#endpoints.get(name) ?? [], this.#health.get(name) ?? allHealthy);
      if (cell?.weighs === true) this.#weighing.add(name);
      else this.#weighing.delete(name);
      if (cell === undefined) clusters.delete(name);
      else clusters.set(name, cell.entry());
    }
    this.#clusters = clusters;
  }

  #configure(name: string, config: Cluster | undefined): void {
    const cell = this.#cells.get(name);
    if (config === undefined) {
      // Gives the counters of its endpoints back.
      cell?.update([], allHealthy);
      this.#cells.delete(name);
    } else if (cell === undefined) {
      this.#cells.set(name, new ClusterCell(config, this.#uses, this.#deps));
    } else {
      cell.configure(config);
    }
  }

  #snapshot(): Snapshot {
    const version = this.#version;
    const routes = this.#routes;
    const certificates = this.#certificates;
    const layer4 = this.#layer4;
    const clusters: ReadonlyMap<string, ClusterEntry> = this.#clusters;
    return Object.freeze({
      version,
      listeners: this.#listeners,
      services: this.#services,
      groupOf: this.#groupOf,
      clusters,
      virtualHosts: routes.virtualHosts,
      certificates: certificates.certificates,
      route: (listener: string, host: string, path: string, request: RequestView = bareRequest) =>
        routes.find(listener, host, path, request),
      virtualHost: (listener: string, host: string) => routes.virtualHost(listener, host),
      certificatesFor: (listener: string, serverName: string | undefined) => certificates.find(listener, serverName),
      layer4Route: (listener: string, serverName: string) => layer4.find(listener, serverName),
      cluster: (name: string) => clusters.get(name),
    });
  }
}

const nowhere = { node: '', zone: '' };

function sized<T>(changes: ReadonlyMap<string, T> | undefined): changes is ReadonlyMap<string, T> {
  return changes !== undefined && changes.size > 0;
}

/** `before` itself when nothing changes, so that an untouched table keeps its identity. */
function merged<T>(
  before: ReadonlyMap<string, T>,
  changes: ReadonlyMap<string, T | undefined> | undefined,
): ReadonlyMap<string, T> {
  if (!sized(changes)) return before;
  const after = new Map(before);
  for (const [name, value] of changes) {
    if (value === undefined) after.delete(name);
    else after.set(name, value);
  }
  return after;
}
