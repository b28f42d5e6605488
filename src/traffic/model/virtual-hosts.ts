// Merges the routes of many Ingresses into one virtual host a hostname, and follows as they come, change and go.
// Where two ask for the same host and path, the one that comes first keeps it and the other is told.
import { jsonEqual } from '#lib/json.ts';
import type { HostRoute, IngressRoutes } from './ingress.ts';
import type { Route, VirtualHost } from './ir.ts';
import type { Problem } from './problem.ts';

/** `order` sorts Ingresses by precedence. */
export interface Ordered {
  readonly order: string;
}

type Asking = IngressRoutes & Ordered;

interface Owned {
  readonly route: Route;
  /** Key of the Ingress. */
  readonly owner: string;
}

type Host = Map<string, Owned>;

const EVERYWHERE = '*';

export class IngressHosts {
  readonly now = new Map<string, VirtualHost>();
  readonly #listeners: readonly string[] | undefined;
  readonly #asking = new Map<string, Asking>();
  /** Keys of the Ingresses that name a host. */
  readonly #byHost = new Map<string, Set<string>>();
  /** Keys of those with a default backend and no rules. */
  readonly #ruleless = new Set<string>();
  readonly #problems = new Map<string, readonly Problem[]>();
  readonly #dirty = new Set<string>();
  /** Takes what no rule takes on any host. */
  #everywhere: Asking | undefined;

  /** `listeners`: names of those that hosts are served on; left out: on all. */
  constructor(listeners?: readonly string[]) {
    this.#listeners = listeners;
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()].flat();
  }

  /** What an Ingress asks for from now on. */
  put(key: string, now: Asking | undefined): void {
    const before = this.#asking.get(key);
    for (const hostname of before?.hostnames ?? []) {
      const keys = this.#byHost.get(hostname);
      keys?.delete(key);
      if (keys?.size === 0) this.#byHost.delete(hostname);
      this.#dirty.add(hostname);
    }
    this.#ruleless.delete(key);
    if (now === undefined) {
      this.#asking.delete(key);
      return;
    }
    this.#asking.set(key, now);
    for (const hostname of now.hostnames) {
      const keys = this.#byHost.get(hostname);
      if (keys === undefined) this.#byHost.set(hostname, new Set([key]));
      else keys.add(key);
      this.#dirty.add(hostname);
    }
    if (now.fallback !== undefined && now.hostnames.length === 0) this.#ruleless.add(key);
  }

  /** Hosts that are not what they were when it was asked last. */
  settle(): ReadonlyMap<string, VirtualHost | undefined> {
    this.#settleEverywhere();
    const changes = new Map<string, VirtualHost | undefined>();
    for (const hostname of this.#dirty) {
      const host = this.#merge(hostname);
      if (jsonEqual(host, this.now.get(hostname))) continue;
      changes.set(hostname, host);
      if (host === undefined) this.now.delete(hostname);
      else this.now.set(hostname, host);
    }
    this.#dirty.clear();
    return changes;
  }

  #settleEverywhere(): void {
    const [first, ...others] = this.#inOrder(this.#ruleless);
    const problems = others.map(({ key }) => fallbackConflict(key, first?.key ?? ''));
    this.#problems.set('', problems);
    const before = this.#everywhere;
    this.#everywhere = first;
    if (first?.key === before?.key && jsonEqual(first?.fallback, before?.fallback)) return;
    for (const hostname of [EVERYWHERE, ...this.#byHost.keys()]) this.#dirty.add(hostname);
  }

  #merge(hostname: string): VirtualHost | undefined {
    const asking = this.#inOrder(this.#byHost.get(hostname) ?? []);
    const everywhere = this.#everywhere;
    if (asking.length === 0 && (hostname !== EVERYWHERE || everywhere === undefined)) {
      this.#problems.delete(hostname);
      return undefined;
    }
    const problems: Problem[] = [];
    const host: Host = new Map();
    for (const { key, routes } of asking) {
      for (const wanted of routes) if (wanted.hostname === hostname) claim(host, wanted, key, problems);
    }
    addFallbacks(host, asking, everywhere);
    if (problems.length === 0) this.#problems.delete(hostname);
    else this.#problems.set(hostname, problems);
    const routes = [...host.values()].map(({ route }) => route).sort(bySpecificity);
    const listeners = this.#listeners === undefined ? {} : { listeners: this.#listeners };
    return { hostname, wildcard: 'one-label', routes, ...listeners };
  }

  #inOrder(keys: Iterable<string>): readonly Asking[] {
    const all = [...keys].flatMap((key) => this.#asking.get(key) ?? []);
    return all.sort((a, b) => (a.order < b.order ? -1 : 1));
  }
}

function claim(host: Host, wanted: HostRoute, owner: string, problems: Problem[]): void {
  const key = pathKey(wanted.route);
  const holder = host.get(key);
  if (holder === undefined) {
    host.set(key, { route: wanted.route, owner });
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
function addFallbacks(host: Host, asking: readonly Asking[], everywhere: Asking | undefined): void {
  for (const { key, fallback } of everywhere === undefined ? asking : [...asking, everywhere]) {
    if (fallback === undefined) continue;
    const path = pathKey(fallback);
    if (!host.has(path)) host.set(path, { route: fallback, owner: key });
  }
}

function fallbackConflict(key: string, holder: string): Problem {
  return {
    kind: 'Ingress',
    key,
    reason: 'RouteConflict',
    field: 'spec.defaultBackend',
    message: `The default backend for all hosts belongs to the older Ingress "${holder}": add rules with a host`,
  };
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
