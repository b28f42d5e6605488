// The rules of one node as Services and node change: says what changed, and keeps two Services off one address.
// Compiles only what a change touches.
import { jsonEqual } from '#lib/json.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { compilePort, healthCheckOf } from './compile.ts';
import type { NodeFacts } from './node-facts.ts';
import type { Front, HealthCheckRule, PortRules, RuleModel, RuleUpdate } from './rule-model.ts';

/** Two Services that ask for the same address and port: the one named first in the alphabet has it. */
export interface FrontConflict {
  readonly front: string;
  readonly has: string;
  readonly wants: string;
}

export class RuleBook {
  #node: NodeFacts;
  readonly #sources = new Map<string, L4ServicePort>();
  readonly #compiled = new Map<string, PortRules>();
  /** As told to drivers: without the fronts that somebody else has. */
  readonly #ports = new Map<string, PortRules>();
  /** Names of the ports that want a front. */
  readonly #claims = new Map<string, Set<string>>();

  constructor(node: NodeFacts) {
    this.#node = node;
  }

  get model(): RuleModel {
    return { node: this.#node, ports: this.#ports };
  }

  /** `undefined` as value means removed. Returns what changed, undefined when nothing did. */
  change(changes: ReadonlyMap<string, L4ServicePort | undefined>): RuleUpdate | undefined {
    const touched = new Set<string>();
    for (const [name, port] of changes) {
      if (port === undefined) this.#sources.delete(name);
      else this.#sources.set(name, port);
      this.#recompile(name, touched);
    }
    const ports = this.#settle(touched);
    return ports.size === 0 ? undefined : { ports };
  }

  /** The node is not what it was, so that every rule may be another. */
  changeNode(node: NodeFacts): RuleUpdate | undefined {
    if (jsonEqual(this.#node, node)) return undefined;
    this.#node = node;
    const touched = new Set<string>();
    for (const name of this.#sources.keys()) this.#recompile(name, touched);
    return { node, ports: this.#settle(touched) };
  }

  /** Everything, for a driver that begins. */
  whole(): RuleUpdate {
    return { node: this.#node, ports: new Map(this.#ports) };
  }

  conflicts(): FrontConflict[] {
    const found: FrontConflict[] = [];
    for (const [front, names] of this.#claims) {
      if (names.size < 2) continue;
      const [has = '', ...others] = [...names].sort();
      for (const wants of others) found.push({ front, has, wants });
    }
    return found;
  }

  /** One for each Service that has a health port. */
  healthChecks(): HealthCheckRule[] {
    const found = new Map<string, HealthCheckRule>();
    for (const port of this.#sources.values()) {
      const rule = healthCheckOf(port, this.#node);
      if (rule === undefined) continue;
      const before = found.get(rule.service);
      // A Service of both families or several ports counts its endpoints once (upstream takes one port's number too).
      if (before === undefined || before.localEndpoints < rule.localEndpoints) found.set(rule.service, rule);
    }
    return [...found.values()];
  }

  #recompile(name: string, touched: Set<string>): void {
    const source = this.#sources.get(name);
    const before = this.#compiled.get(name);
    const after = source === undefined ? undefined : compilePort(source, this.#node);
    for (const key of frontKeys(before)) this.#unclaim(key, name, touched);
    if (after === undefined) this.#compiled.delete(name);
    else this.#compiled.set(name, after);
    for (const key of frontKeys(after)) this.#claim(key, name, touched);
    touched.add(name);
  }

  #claim(key: string, name: string, touched: Set<string>): void {
    const names = this.#claims.get(key) ?? new Set();
    for (const other of names) touched.add(other);
    names.add(name);
    this.#claims.set(key, names);
  }

  #unclaim(key: string, name: string, touched: Set<string>): void {
    const names = this.#claims.get(key);
    if (names?.delete(name) !== true) return;
    for (const other of names) touched.add(other);
    if (names.size === 0) this.#claims.delete(key);
  }

  #settle(touched: ReadonlySet<string>): Map<string, PortRules | undefined> {
    const ports = new Map<string, PortRules | undefined>();
    for (const name of touched) {
      const compiled = this.#compiled.get(name);
      if (compiled === undefined) {
        if (this.#ports.delete(name)) ports.set(name, undefined);
        continue;
      }
      const settled = this.#withoutLostFronts(compiled);
      if (sameRules(this.#ports.get(name), settled)) continue;
      this.#ports.set(name, settled);
      ports.set(name, settled);
    }
    return ports;
  }

  #withoutLostFronts(rules: PortRules): PortRules {
    const kept = rules.fronts.filter((front) => this.#holder(frontKey(front, rules)) === rules.name);
    return kept.length === rules.fronts.length ? rules : { ...rules, fronts: kept };
  }

  #holder(key: string): string | undefined {
    let first: string | undefined;
    for (const name of this.#claims.get(key) ?? []) if (first === undefined || name < first) first = name;
    return first;
  }
}

/** `address port protocol`. */
export function frontKey({ address, port }: Pick<Front, 'address' | 'port'>, { protocol }: PortRules): string {
  return `${address} ${port} ${protocol}`;
}

function frontKeys(rules: PortRules | undefined): string[] {
  return rules === undefined ? [] : rules.fronts.map((front) => frontKey(front, rules));
}

function sameRules(before: PortRules | undefined, after: PortRules): boolean {
  if (before === undefined) return false;
  const { serving: a, ...restBefore } = before;
  const { serving: b, ...restAfter } = after;
  return a.size === b.size && [...a].every((one) => b.has(one)) && jsonEqual(restBefore, restAfter);
}
