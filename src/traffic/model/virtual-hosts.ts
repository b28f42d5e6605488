// Merges the routes of many Ingresses into one virtual host a hostname.
// Where two ask for the same host and path, the one that comes first keeps it and the other is told.
import type { HostRoute, IngressRoutes } from './ingress.ts';
import type { Route, VirtualHost } from './ir.ts';
import type { Problem } from './problem.ts';

interface Owned {
  readonly route: Route;
  /** Key of the Ingress. */
  readonly owner: string;
}

type Host = Map<string, Owned>;

/** `ingresses` in order of precedence. */
export function mergeHosts(ingresses: readonly IngressRoutes[]): {
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly problems: readonly Problem[];
} {
  const hosts = new Map<string, Host>();
  const problems: Problem[] = [];
  for (const { key, routes, hostnames } of ingresses) {
    for (const hostname of hostnames) if (!hosts.has(hostname)) hosts.set(hostname, new Map());
    for (const wanted of routes) claim(hosts.get(wanted.hostname), wanted, key, problems);
  }
  addFallbacks(hosts, ingresses, problems);
  const virtualHosts = new Map<string, VirtualHost>();
  for (const [hostname, paths] of [...hosts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const routes = [...paths.values()].map(({ route }) => route).sort(bySpecificity);
    virtualHosts.set(hostname, { hostname, wildcard: 'one-label', routes });
  }
  return { virtualHosts, problems };
}

function claim(host: Host | undefined, wanted: HostRoute, owner: string, problems: Problem[]): void {
  const key = pathKey(wanted.route);
  const holder = host?.get(key);
  if (holder === undefined) {
    host?.set(key, { route: wanted.route, owner });
    return;
  }
  const { type, value } = wanted.route.path;
  const whose = holder.owner === owner ? 'an earlier rule of this Ingress' : `the older Ingress "${holder.owner}"`;
  problems.push({
    kind: 'Ingress',
    key: owner,
    reason: 'RouteConflict',
    field: wanted.field,
    message: `${capital(type)} path "${value}" of host "${wanted.hostname}" belongs to ${whose}: change host or path`,
  });
}

/**
 * A default backend takes the requests that match no rule: first on the hosts of its own Ingress, and that of the
 * first Ingress without rules everywhere else. Never where a rule takes every path anyhow. The API leaves open which of
 * many Ingresses decides about a host that none of them names; as in ingress-nginx, only one without rules asks for it.
 */
function addFallbacks(hosts: Map<string, Host>, ingresses: readonly IngressRoutes[], problems: Problem[]): void {
  for (const { key, hostnames, fallback } of ingresses) {
    if (fallback === undefined) continue;
    for (const hostname of hostnames) addFirst(hosts.get(hostname), fallback, key);
  }
  const ruleless = ingresses.filter(({ fallback, hostnames }) => fallback !== undefined && hostnames.length === 0);
  const [everywhere] = ruleless;
  if (everywhere?.fallback === undefined) return;
  if (!hosts.has('*')) hosts.set('*', new Map());
  for (const host of hosts.values()) addFirst(host, everywhere.fallback, everywhere.key);
  for (const { key } of ruleless.slice(1)) {
    problems.push({
      kind: 'Ingress',
      key,
      reason: 'RouteConflict',
      field: 'spec.defaultBackend',
      message: `The default backend for all hosts belongs to the older Ingress "${everywhere.key}": add rules with a host`,
    });
  }
}

function addFirst(host: Host | undefined, route: Route, owner: string): void {
  const key = pathKey(route);
  if (host !== undefined && !host.has(key)) host.set(key, { route, owner });
}

/** Equal for routes that match the same requests: a prefix ignores its trailing slash. */
function pathKey({ path: { type, value } }: Route): string {
  return `${type} ${type === 'prefix' && value.endsWith('/') ? value.slice(0, -1) : value}`;
}

/** For readers of a dump; the engine's tables sort by themselves. */
function bySpecificity(a: Route, b: Route): number {
  if (a.path.type !== b.path.type) return a.path.type === 'exact' ? -1 : 1;
  return b.path.value.length - a.path.value.length || (a.path.value < b.path.value ? -1 : 1);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
