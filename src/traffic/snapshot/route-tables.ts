// Host and path tables of every listener; what an update does not touch is carried over as it is.
// Knows clusters by name only, so that endpoints may change without a look in here.
import { jsonEqual } from '#lib/json.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import type { VirtualHost } from '#traffic/model/ir.ts';
import { HostTable } from './host-table.ts';
import { PathTable } from './path-table.ts';
import type { RequestView } from './request-view.ts';
import { createRouteEntry } from './route-entry.ts';
import type { RouteEntry } from './types.ts';

/** A virtual host, ready for lookups. */
interface Site {
  readonly name: string;
  readonly host: VirtualHost;
  readonly paths: PathTable<RouteEntry>;
  readonly entries: ReadonlyMap<string, RouteEntry>;
}

export class RouteTables {
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly #sites: ReadonlyMap<string, Site>;
  /** Tables of the listeners that some virtual host names. */
  readonly #byListener = new Map<string, HostTable<Site>>();
  readonly #everywhere: HostTable<Site>;

  private constructor(virtualHosts: ReadonlyMap<string, VirtualHost>, sites: ReadonlyMap<string, Site>) {
    this.virtualHosts = virtualHosts;
    this.#sites = sites;
    // By name, so that every worker settles two virtual hosts of one hostname alike.
    const sorted = [...sites.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const everywhere = sorted.filter(({ host }) => host.listeners === undefined);
    this.#everywhere = tableOf(everywhere);
    for (const listener of new Set(sorted.flatMap(({ host }) => host.listeners ?? []))) {
      const served = sorted.filter(({ host }) => host.listeners === undefined || host.listeners.includes(listener));
      this.#byListener.set(listener, tableOf(served));
    }
  }

  static readonly empty: RouteTables = new RouteTables(new Map(), new Map());

  /** The tables after a change; only the paths of changed virtual hosts are built anew. */
  with(changes: ReadonlyMap<string, VirtualHost | undefined>, random: Random): RouteTables {
    const virtualHosts = new Map(this.virtualHosts);
    const sites = new Map(this.#sites);
    for (const [name, host] of changes) {
      if (host === undefined) {
        virtualHosts.delete(name);
        sites.delete(name);
      } else {
        virtualHosts.set(name, host);
        sites.set(name, siteOf(name, host, sites.get(name), random));
      }
    }
    return new RouteTables(virtualHosts, sites);
  }

  find(listener: string, host: string, path: string, request: RequestView): RouteEntry | undefined {
    return this.#tableFor(listener).find(host)?.paths.find(path, request);
  }

  virtualHost(listener: string, host: string): { readonly name: string; readonly host: VirtualHost } | undefined {
    return this.#tableFor(listener).find(host);
  }

  #tableFor(listener: string): HostTable<Site> {
    return this.#byListener.get(listener) ?? this.#everywhere;
  }
}

function tableOf(sites: readonly Site[]): HostTable<Site> {
  return new HostTable(sites.map((site) => [site.host, site] as const));
}

/** Routes that stay as they were keep their entries, and so their place in a split of traffic. */
function siteOf(name: string, host: VirtualHost, before: Site | undefined, random: Random): Site {
  const kept = before?.host.hostname === host.hostname ? before.entries : undefined;
  const entries = new Map<string, RouteEntry>();
  const paths = new PathTable(
    host.routes.map((route) => {
      const known = kept?.get(route.name);
      const same = known !== undefined && jsonEqual(known.route, route);
      const entry = same ? known : createRouteEntry(route, host.hostname, random);
      entries.set(route.name, entry);
      return [route, entry] as const;
    }),
  );
  return { name, host, paths, entries };
}
