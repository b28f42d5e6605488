// The rules of one node as Services and node change: says what changed, and keeps two Services off one address.
// Compiles only what a change touches.
import type { Family } from '#lib/ip.ts';
import { jsonEqual } from '#lib/json.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { SilentNodes } from './categorize.ts';
import { compilePort, healthCheckOf } from './compile.ts';
import type { NodeFacts } from './node-facts.ts';
import { KeptPorts, type PortSources } from './port-sources.ts';
import type { Front, HealthCheckRule, PortRules, RuleModel, RuleUpdate } from './rule-model.ts';

/**
 * Two Services that ask for the same address and port. What the cluster gave goes before what anybody may write into a
 * Service of their own: a ClusterIP, then a load balancer's address, then an external address, then a node's port. Among
 * equals the one named first in the alphabet has it.
 */
export interface FrontConflict {
  readonly front: string;
  readonly has: string;
  readonly wants: string;
}

export class RuleBook {
  #node: NodeFacts;
  #silent: SilentNodes = new Set();
  readonly #sources: PortSources;
  /** As told to drivers: without the fronts that somebody else has. */
  readonly #ports = new Map<string, PortRules>();
  /** As compiled, where that is something else: fronts were lost, or a change is on its way. */
  readonly #compiled = new Map<string, PortRules>();
  /** Within a change: ports that are there no more. */
  readonly #gone = new Set<string>();
  /** Names of the ports that want a front; mostly one. */
  readonly #claims = new Map<string, string | Set<string>>();
  /** Fronts that several want, and what ports with a health port say: what is asked after every change. */
  readonly #contested = new Set<string>();
  readonly #checked = new Map<string, HealthCheckRule>();
  readonly #counts = { IPv4: 0, IPv6: 0 };

  constructor(node: NodeFacts, sources: PortSources = new KeptPorts()) {
    this.#node = node;
    this.#sources = sources;
  }

  get model(): RuleModel {
    return { node: this.#node, ports: this.#ports };
  }

  /** `undefined` as value means removed. Returns what changed, undefined when nothing did. */
  change(changes: Iterable<readonly [string, L4ServicePort | undefined]>): RuleUpdate | undefined {
    const touched = new Set<string>();
    for (const [name, port] of changes) {
      this.#sources.note(name, port);
      this.#recompile(name, port, touched);
    }
    const ports = this.#settle(touched);
    return ports.size === 0 ? undefined : { ports };
  }

  /** The node is not what it was, so that every rule may be another. */
  changeNode(node: NodeFacts): RuleUpdate | undefined {
    if (jsonEqual(this.#node, node)) return undefined;
    this.#node = node;
    const touched = new Set<string>();
    for (const name of this.#ports.keys()) this.#recompile(name, this.#sources.get(name), touched);
    return { node, ports: this.#settle(touched) };
  }

  /** Other nodes fell silent, or are heard again: only what has endpoints there may be another. */
  changeSilent(silent: SilentNodes): RuleUpdate | undefined {
    const before = this.#silent;
    this.#silent = new Set(silent);
    const turned = before.symmetricDifference(silent);
    if (turned.size === 0) return undefined;
    const touched = new Set<string>();
    for (const name of this.#sources.onNodes(turned)) {
      if (this.#ports.has(name)) this.#recompile(name, this.#sources.get(name), touched);
    }
    const ports = this.#settle(touched);
    return ports.size === 0 ? undefined : { ports };
  }

  /** These ports are not what they were, as the sources have them. */
  changeNamed(names: ReadonlySet<string>): RuleUpdate | undefined {
    const sources = this.#sources;
    // One after the other: what 45,000 are compiled from need not be there at once.
    const changes = function* (): Generator<[string, L4ServicePort | undefined]> {
      for (const name of names) yield [name, sources.get(name)];
    };
    return this.change(changes());
  }

  /** Everything, for a driver that begins; and that these are gone, where they are. */
  whole(also: Iterable<string> = []): RuleUpdate {
    const ports = new Map<string, PortRules | undefined>(this.#ports);
    for (const name of also) if (!ports.has(name)) ports.set(name, undefined);
    return { node: this.#node, ports };
  }

  conflicts(): FrontConflict[] {
    const found: FrontConflict[] = [];
    for (const front of this.#contested) {
      const has = this.#holder(front) ?? '';
      for (const wants of [...this.#claimants(front)].sort()) if (wants !== has) found.push({ front, has, wants });
    }
    return found;
  }

  get silent(): SilentNodes {
    return this.#silent;
  }

  /** Endpoints that are left out for the silence of their nodes, once for each Service port. */
  get leftOut(): number {
    if (this.#silent.size === 0) return 0;
    return [...this.#ports.values()].reduce((sum, { leftOut }) => sum + leftOut.length, 0);
  }

  /** Service ports by family. */
  get counts(): Readonly<Record<Family, number>> {
    return this.#counts;
  }

  /** One for each Service that has a health port. */
  healthChecks(): HealthCheckRule[] {
    const found = new Map<string, HealthCheckRule>();
    for (const rule of this.#checked.values()) {
      const before = found.get(rule.service);
      // A Service of both families or several ports counts its endpoints once (upstream takes one port's number too).
      if (before === undefined || before.localEndpoints < rule.localEndpoints) found.set(rule.service, rule);
    }
    return [...found.values()];
  }

  #recompile(name: string, source: L4ServicePort | undefined, touched: Set<string>): void {
    const before = this.#compiledOf(name);
    const after = source === undefined ? undefined : compilePort(source, this.#node, this.#silent);
    const check = source === undefined ? undefined : healthCheckOf(source, this.#node);
    if (check === undefined) this.#checked.delete(name);
    else this.#checked.set(name, check);
    for (const key of frontKeys(before)) this.#unclaim(key, name, touched);
    if (after === undefined) {
      this.#compiled.delete(name);
      this.#gone.add(name);
    } else this.#compiled.set(name, after);
    for (const key of frontKeys(after)) this.#claim(key, name, touched);
    touched.add(name);
  }

  #compiledOf(name: string): PortRules | undefined {
    return this.#gone.has(name) ? undefined : (this.#compiled.get(name) ?? this.#ports.get(name));
  }

  #claim(key: string, name: string, touched: Set<string>): void {
    const names = this.#claims.get(key);
    if (names === undefined) {
      this.#claims.set(key, name);
      return;
    }
    for (const other of this.#claimants(key)) touched.add(other);
    if (names === name) return;
    this.#claims.set(key, new Set(this.#claimants(key)).add(name));
    this.#contested.add(key);
  }

  #unclaim(key: string, name: string, touched: Set<string>): void {
    const rest = [...this.#claimants(key)].filter((other) => other !== name);
    for (const other of rest) touched.add(other);
    const [only] = rest;
    if (only === undefined) this.#claims.delete(key);
    else this.#claims.set(key, rest.length === 1 ? only : new Set(rest));
    if (rest.length < 2) this.#contested.delete(key);
  }

  #claimants(key: string): Iterable<string> {
    const names = this.#claims.get(key);
    return names === undefined ? [] : typeof names === 'string' ? [names] : names;
  }

  #settle(touched: ReadonlySet<string>): Map<string, PortRules | undefined> {
    const ports = new Map<string, PortRules | undefined>();
    for (const name of touched) {
      const compiled = this.#compiledOf(name);
      if (compiled === undefined) {
        const gone = this.#ports.get(name);
        if (gone === undefined) continue;
        this.#ports.delete(name);
        this.#counts[gone.family]--;
        ports.set(name, undefined);
        continue;
      }
      const settled = this.#withoutLostFronts(compiled);
      // Held once, where it is told as it was compiled.
      if (settled === compiled) this.#compiled.delete(name);
      else this.#compiled.set(name, compiled);
      const before = this.#ports.get(name);
      if (sameRules(before, settled)) continue;
      if (before !== undefined) this.#counts[before.family]--;
      this.#counts[settled.family]++;
      this.#ports.set(name, settled);
      ports.set(name, settled);
    }
    this.#gone.clear();
    return ports;
  }

  #withoutLostFronts(rules: PortRules): PortRules {
    if (this.#contested.size === 0) return rules;
    const kept = rules.fronts.filter((front) => this.#holder(frontKey(front, rules)) === rules.name);
    return kept.length === rules.fronts.length ? rules : { ...rules, fronts: kept };
  }

  #holder(key: string): string | undefined {
    const names = this.#claims.get(key);
    if (names === undefined || typeof names === 'string') return names;
    const ranked = [...names].map((name) => ({ name, rank: this.#rank(key, name) }));
    return ranked.reduce((a, b) => (b.rank < a.rank || (b.rank === a.rank && b.name < a.name) ? b : a)).name;
  }

  #rank(key: string, name: string): number {
    const rules = this.#compiledOf(name);
    const front = rules?.fronts.find((one) => frontKey(one, rules) === key);
    return front === undefined ? KINDS.length : KINDS.indexOf(front.kind);
  }
}

/** Whose claim to an address goes before whose. */
const KINDS: readonly Front['kind'][] = ['cluster_ip', 'load_balancer', 'external_ip', 'node_port'];

/** `address port protocol`. */
export function frontKey({ address, port }: Pick<Front, 'address' | 'port'>, { protocol }: PortRules): string {
  return `${address} ${port} ${protocol}`;
}

function frontKeys(rules: PortRules | undefined): string[] {
  return rules === undefined ? [] : rules.fronts.map((front) => frontKey(front, rules));
}

function sameRules(before: PortRules | undefined, after: PortRules): boolean {
  if (before === undefined) return false;
  const { serving: a, drain: drainBefore, ...restBefore } = before;
  const { serving: b, drain: drainAfter, ...restAfter } = after;
  return (
    sameSet(a, b) &&
    drainBefore?.ms === drainAfter?.ms &&
    sameSet(drainBefore?.kept, drainAfter?.kept) &&
    jsonEqual(restBefore, restAfter)
  );
}

function sameSet(a: ReadonlySet<string> = new Set(), b: ReadonlySet<string> = new Set()): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}
