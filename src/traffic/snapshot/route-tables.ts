// Host and path tables of every listener; what an update does not touch is carried over as it is.
// Knows clusters by name only, so that endpoints may change without a look in here.
import { LayeredMap } from '#lib/layered-map.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import type { VirtualHost } from '#traffic/model/ir.ts';
import { HostTable } from './host-table.ts';
import type { RequestView } from './request-view.ts';
import { type Site, siteOf } from './site.ts';
import type { RouteEntry } from './types.ts';

/** Virtual hosts that stand for the same hosts, by name, so that every worker settles two of them alike. */
type Rivals = readonly Site[];

interface Tables {
  readonly virtualHosts: LayeredMap<string, VirtualHost>;
  readonly sites: LayeredMap<string, Site>;
  readonly byPattern: LayeredMap<string, Rivals>;
  /** Of the listeners that some virtual host names; how many do is beside it. */
  readonly byListener: ReadonlyMap<string, { readonly table: HostTable<Site>; readonly uses: number }>;
  readonly everywhere: HostTable<Site>;
}

export class RouteTables {
  readonly #tables: Tables;

  private constructor(tables: Tables) {
    this.#tables = tables;
  }

  static readonly empty: RouteTables = new RouteTables({
    virtualHosts: LayeredMap.of(),
    sites: LayeredMap.of(),
    byPattern: LayeredMap.of(),
    byListener: new Map(),
    everywhere: HostTable.of<Site>([]),
  });

  get virtualHosts(): ReadonlyMap<string, VirtualHost> {
    return this.#tables.virtualHosts;
  }

  /** The tables after a change; only the paths of changed virtual hosts are made anew, and of those what has changed. */
  with(changes: ReadonlyMap<string, VirtualHost | undefined>, random: Random): RouteTables {
    const before = this.#tables;
    const made = new Map<string, Site | undefined>();
    const moves: Site[] = [];
    const uses = new Map([...before.byListener].map(([listener, { uses: count }]) => [listener, count]));
    const use = (site: Site | undefined, step: 1 | -1): void => {
      if (site !== undefined) moves.push(site);
      for (const listener of new Set(site?.host.listeners ?? [])) uses.set(listener, (uses.get(listener) ?? 0) + step);
    };
    for (const [name, host] of changes) {
      const old = before.sites.get(name);
      const site = host && siteOf(name, host, old, random);
      made.set(name, site);
      use(old, -1);
      use(site, 1);
    }
    const sites = before.sites.with(made);
    const patterns = new Map(moves.map((site) => [site.pattern, site.host] as const));
    const byPattern = before.byPattern.with(rivalsOf(moves, made, before.byPattern));
    const winner = (pattern: string, isServed: (host: VirtualHost) => boolean): Site | undefined =>
      byPattern.get(pattern)?.find(({ host }) => isServed(host));
    const changed = (
      table: HostTable<Site>,
      concerned: ReadonlySet<string>,
      isServed: (host: VirtualHost) => boolean,
    ) =>
      concerned.size === 0
        ? table
        : table.with(
            [...concerned].map((pattern) => [patterns.get(pattern) as VirtualHost, winner(pattern, isServed)]),
          );
    const general = new Set(moves.filter(({ host }) => host.listeners === undefined).map(({ pattern }) => pattern));
    const concerned = new Map<string, Set<string>>();
    for (const { pattern, host } of moves) {
      for (const listener of host.listeners ?? []) {
        concerned.set(listener, (concerned.get(listener) ?? new Set(general)).add(pattern));
      }
    }
    const byListener = new Map(
      [...uses].flatMap(([listener, count]) => {
        const known = before.byListener.get(listener);
        if (count === 0) return [];
        const isServed = servedOn(listener);
        const table =
          known === undefined
            ? tableOf(byPattern, isServed)
            : changed(known.table, concerned.get(listener) ?? general, isServed);
        return [[listener, { table, uses: count }] as const];
      }),
    );
    return new RouteTables({
      virtualHosts: before.virtualHosts.with(changes),
      sites,
      byPattern,
      byListener,
      everywhere: changed(before.everywhere, general, isEverywhere),
    });
  }

  find(listener: string, host: string, path: string, request: RequestView): RouteEntry | undefined {
    return this.#tableFor(listener).find(host)?.paths.find(path, request);
  }

  virtualHost(listener: string, host: string): { readonly name: string; readonly host: VirtualHost } | undefined {
    return this.#tableFor(listener).find(host);
  }

  #tableFor(listener: string): HostTable<Site> {
    return this.#tables.byListener.get(listener)?.table ?? this.#tables.everywhere;
  }
}

const isEverywhere = ({ listeners }: VirtualHost): boolean => listeners === undefined;

function servedOn(listener: string): (host: VirtualHost) => boolean {
  return ({ listeners }) => listeners === undefined || listeners.includes(listener);
}

/** What stands at each pattern that some site comes to or leaves. */
function rivalsOf(
  moves: readonly Site[],
  made: ReadonlyMap<string, Site | undefined>,
  before: LayeredMap<string, Rivals>,
): ReadonlyMap<string, Rivals | undefined> {
  const lists = new Map<string, Site[]>();
  for (const { pattern } of moves) {
    if (!lists.has(pattern))
      lists.set(
        pattern,
        (before.get(pattern) ?? []).filter(({ name }) => !made.has(name)),
      );
  }
  const grown = new Set<Site[]>();
  for (const site of made.values()) {
    const list = site && lists.get(site.pattern);
    if (site === undefined || list === undefined) continue;
    list.push(site);
    grown.add(list);
  }
  for (const list of grown) list.sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map([...lists].map(([pattern, list]) => [pattern, list.length === 0 ? undefined : list]));
}

function tableOf(byPattern: LayeredMap<string, Rivals>, isServed: (host: VirtualHost) => boolean): HostTable<Site> {
  const found: [VirtualHost, Site][] = [];
  for (const rivals of byPattern.values()) {
    const site = rivals.find(({ host }) => isServed(host));
    if (site !== undefined) found.push([site.host, site]);
  }
  return HostTable.of(found);
}
