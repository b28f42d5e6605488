// A virtual host, ready for lookups; the next version of one shares with it what stays.
// Knows no listener and no other virtual host.
import { jsonEqual } from '#lib/json.ts';
import { LayeredMap } from '#lib/layered-map.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import type { Route, VirtualHost } from '#traffic/model/ir.ts';
import { PathTable } from './path-table.ts';
import { createRouteEntry } from './route-entry.ts';
import type { RouteEntry } from './types.ts';

export interface Site {
  readonly name: string;
  readonly host: VirtualHost;
  /** The same for virtual hosts that stand for the same hosts. */
  readonly pattern: string;
  readonly paths: PathTable<RouteEntry>;
  /** By name. */
  readonly entries: LayeredMap<string, RouteEntry>;
}

/** Routes that stay as they were keep their entries, and so their place in a split of traffic. */
export function siteOf(name: string, host: VirtualHost, before: Site | undefined, random: Random): Site {
  const { hostname, wildcard } = host;
  const pattern = hostname.startsWith('*.') ? `${hostname} ${wildcard}` : hostname;
  const known = before?.host.hostname === hostname ? before : undefined;
  const change = changedPart(known?.host.routes ?? [], host.routes);
  const made = new Map<string, RouteEntry | undefined>(change.gone.map((route) => [route.name, undefined]));
  for (const route of change.come) {
    const old = known?.entries.get(route.name);
    const same = old !== undefined && jsonEqual(old.route, route);
    made.set(route.name, same ? old : createRouteEntry(route, hostname, random));
  }
  const entries = (known?.entries ?? LayeredMap.of<string, RouteEntry>()).with(made);
  const entryOf = (route: Route) => entries.get(route.name) ?? createRouteEntry(route, hostname, random);
  const few = change.gone.length + change.come.length < host.routes.length / 4;
  const paths =
    known !== undefined && few
      ? known.paths.with([...change.gone, ...change.come], host.routes, entryOf)
      : PathTable.of(host.routes.map((route) => [route, entryOf(route)] as const));
  return { name, host, pattern, paths, entries };
}

/** What lies between the routes that both begin with and those that both end with. */
function changedPart(before: readonly Route[], after: readonly Route[]) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && jsonEqual(before[start], after[start])) start++;
  let end = 0;
  while (end < shorter - start && jsonEqual(before[before.length - 1 - end], after[after.length - 1 - end])) end++;
  return { gone: before.slice(start, before.length - end), come: after.slice(start, after.length - end) };
}
