// HTTPRoutes and GRPCRoutes on one listener, as they come and go: who of them gives way, settled anew where both are.
// Knows no rule and no Gateway.
import type { ListenerView } from './listener-view.ts';
import { type Claim, givingWay } from './rivals.ts';

export interface OrderedClaim extends Claim {
  readonly id: string;
  readonly order: string;
  readonly listener: ListenerView;
}

interface Arena {
  readonly claims: Map<string, OrderedClaim>;
  readonly kinds: { HTTPRoute: number; GRPCRoute: number };
  refused: ReadonlyMap<string, Claim>;
}

const nobody: ReadonlyMap<string, Claim> = new Map();

export class Contests {
  readonly #arenas = new Map<ListenerView, Arena>();
  readonly #claims = new Map<string, readonly OrderedClaim[]>();
  readonly #unsettled = new Set<Arena>();

  /** All that a route claims from now on. */
  put(id: string, claims: readonly OrderedClaim[]): void {
    for (const { listener, kind } of this.#claims.get(id) ?? []) {
      const arena = this.#arenas.get(listener);
      if (arena === undefined || !arena.claims.delete(id)) continue;
      this.#look(arena);
      arena.kinds[kind as keyof Arena['kinds']] -= 1;
      if (arena.claims.size === 0) this.#arenas.delete(listener);
    }
    for (const claim of claims) {
      const { listener, kind } = claim;
      const arena = this.#arenas.get(listener) ?? {
        claims: new Map(),
        kinds: { HTTPRoute: 0, GRPCRoute: 0 },
        refused: nobody,
      };
      this.#arenas.set(listener, arena);
      if (!arena.claims.has(id)) arena.kinds[kind as keyof Arena['kinds']] += 1;
      arena.claims.set(id, claim);
      this.#look(arena);
    }
    if (claims.length === 0) this.#claims.delete(id);
    else this.#claims.set(id, claims);
  }

  /** Ids of the routes that have lost or won something since it was asked last. */
  settle(): ReadonlySet<string> {
    const moved = new Set<string>();
    for (const arena of this.#unsettled) {
      const sorted = [...arena.claims.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
      const refused = new Map([...givingWay(sorted)].map(([claim, rival]) => [claim.id, rival]));
      for (const id of new Set([...refused.keys(), ...arena.refused.keys()])) {
        const [now, before] = [refused.get(id), arena.refused.get(id)];
        if (now?.kind !== before?.kind || now?.key !== before?.key) moved.add(id);
      }
      arena.refused = refused;
    }
    this.#unsettled.clear();
    return moved;
  }

  /** To whom the route gives way on a listener. */
  rivalOn(id: string, listener: ListenerView): Claim | undefined {
    return this.#arenas.get(listener)?.refused.get(id);
  }

  #look(arena: Arena): void {
    if (arena.refused.size > 0 || (arena.kinds.HTTPRoute > 0 && arena.kinds.GRPCRoute > 0)) this.#unsettled.add(arena);
  }
}
