// Host and path tables of every listener; what an update does not touch is carried over as it is.
// Knows clusters by name only, so that endpoints may change without a look in here.
import type { Random } from '#traffic/balancer/balancer.ts';
import type { VirtualHost } from '#traffic/model/ir.ts';
import { HostTable } from './host-table.ts';
import { PathTable } from './path-table.ts';
import { createRouteEntry } from './route-entry.ts';
import type { RouteEntry } from './types.ts';

type Paths = PathTable<RouteEntry>;

export class RouteTables {
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly #paths: ReadonlyMap<string, Paths>;
  /** Tables of the listeners that some virtual host names. */
  readonly #byListener = new Map<string, HostTable<Paths>>();
  readonly #everywhere: HostTable<Paths>;

  private constructor(virtualHosts: ReadonlyMap<string, VirtualHost>, paths: ReadonlyMap<string, Paths>) {
    this.virtualHosts = virtualHosts;
    this.#paths = paths;
    // By name, so that every worker settles two virtual hosts of one hostname alike.
    const hosts = [...virtualHosts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, host]) => ({ name, host }));
    const tableOf = (listener?: string): HostTable<Paths> =>
      new HostTable(
        hosts.flatMap(({ name, host }) => {
          const table = paths.get(name);
          const served = host.listeners === undefined || (listener !== undefined && host.listeners.includes(listener));
          return served && table !== undefined ? [[host, table] as const] : [];
        }),
      );
    this.#everywhere = tableOf();
    for (const listener of new Set(hosts.flatMap(({ host }) => host.listeners ?? []))) {
      this.#byListener.set(listener, tableOf(listener));
    }
  }

  static readonly empty: RouteTables = new RouteTables(new Map(), new Map());

  /** The tables after a change; only the paths of changed virtual hosts are built anew. */
  with(changes: ReadonlyMap<string, VirtualHost | undefined>, random: Random): RouteTables {
    const virtualHosts = new Map(this.virtualHosts);
    const paths = new Map(this.#paths);
    for (const [name, host] of changes) {
      if (host === undefined) {
        virtualHosts.delete(name);
        paths.delete(name);
      } else {
        virtualHosts.set(name, host);
        paths.set(name, pathsOf(host, random));
      }
    }
    return new RouteTables(virtualHosts, paths);
  }

  find(listener: string, host: string, path: string): RouteEntry | undefined {
    const table = this.#byListener.get(listener) ?? this.#everywhere;
    return table.find(host)?.find(path);
  }
}

function pathsOf(host: VirtualHost, random: Random): Paths {
  const table: Paths = new PathTable();
  for (const route of host.routes) table.add(route.path, createRouteEntry(route, host.hostname, random));
  return table;
}
