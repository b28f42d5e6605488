// What one peer is to hear and what it has been told: only the difference is sent.
// Knows no socket; what comes out are messages.
import { FAMILIES, type Family } from '../wire/family.ts';
import type { UpdateMessage } from '../wire/message.ts';
import { prefixFamily } from '../wire/prefix.ts';
import type { Route } from './announcement.ts';
import { present, type Terms } from './attributes.ts';
import { endOfRib, type Group, packUpdates } from './pack.ts';

const NONE: ReadonlyMap<string, Route> = new Map();

export class Outbound {
  #wanted = NONE;
  /** Nobody has said yet what to announce: an end of routes now would cost those that the peer keeps for us. */
  #declared = false;
  /** The key of what the peer has been told, by prefix. */
  readonly #told = new Map<string, string>();
  readonly #dirty = new Set<string>();
  readonly #endsDue = new Set<Family>();
  readonly #withheld = new Map<string, string>();

  /** Prefixes that the peer knows from us. */
  get told(): number {
    return this.#told.size;
  }

  /** What it cannot be told, by reason, with how many prefixes. */
  withheld(): Map<string, number> {
    const reasons = new Map<string, number>();
    for (const why of this.#withheld.values()) reasons.set(why, (reasons.get(why) ?? 0) + 1);
    return reasons;
  }

  want(routes: ReadonlyMap<string, Route>): void {
    this.#declared = true;
    for (const [prefix, route] of routes) if (this.#wanted.get(prefix)?.key !== route.key) this.#dirty.add(prefix);
    for (const prefix of this.#wanted.keys()) if (!routes.has(prefix)) this.#dirty.add(prefix);
    this.#wanted = routes;
  }

  /** A session begins: the peer knows nothing, and where `ends` says so waits to hear that it knows all. */
  begin(ends: Iterable<Family>): void {
    this.#told.clear();
    this.#withheld.clear();
    this.#endsDue.clear();
    for (const family of ends) this.#endsDue.add(family);
    for (const prefix of this.#wanted.keys()) this.#dirty.add(prefix);
  }

  /** The session is over. */
  end(): void {
    this.#told.clear();
    this.#withheld.clear();
  }

  /** The peer wants to hear everything of that family again. */
  repeat(family: Family): void {
    for (const prefix of this.#told.keys()) {
      if (prefixFamily(prefix) !== family) continue;
      // Known, but not as it should be.
      this.#told.set(prefix, '');
      this.#dirty.add(prefix);
    }
  }

  /** The messages that are due; they count as told from now on. */
  take(terms: Terms): UpdateMessage[] {
    const withdrawn: string[] = [];
    const groups = new Map<string, Group & { prefixes: string[] }>();
    for (const prefix of this.#dirty) {
      const route = this.#wanted.get(prefix);
      const presented = route === undefined ? undefined : present(route, terms);
      if (presented?.kind === 'withheld') this.#withheld.set(prefix, presented.why);
      else this.#withheld.delete(prefix);
      if (route === undefined || presented?.kind !== 'attributes') {
        if (this.#told.delete(prefix)) withdrawn.push(prefix);
        continue;
      }
      if (this.#told.get(prefix) === route.key) continue;
      this.#told.set(prefix, route.key);
      const group = groups.get(route.key);
      if (group === undefined) groups.set(route.key, { family: route.family, ...presented, prefixes: [prefix] });
      else group.prefixes.push(prefix);
    }
    this.#dirty.clear();
    const updates = packUpdates(withdrawn, [...groups.values()], terms);
    if (this.#declared) {
      for (const family of FAMILIES) if (this.#endsDue.delete(family)) updates.push(endOfRib(family));
    }
    return updates;
  }
}
