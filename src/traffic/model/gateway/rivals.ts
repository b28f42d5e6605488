// HTTPRoutes and GRPCRoutes that want the same host of a listener: one of the two has it, the older.
// Knows no rule; which of two is older is decided by the order in which routes come.
import type { Attached, ParentOutcome } from './attach.ts';
import { coversHost } from './hostnames.ts';
import type { ListenerView } from './listener-view.ts';
import type { RouteKindName } from './objects.ts';

interface Claim {
  readonly kind: RouteKindName;
  readonly key: string;
  readonly hostnames: readonly string[];
}

/** What of a route's attachments stands beside those of routes before it. Call it for each route, the oldest first. */
export class Rivals {
  /** Of each listener, by kind: few have both. */
  readonly #claims = new Map<ListenerView, Map<RouteKindName, Claim[]>>();

  settle(kind: RouteKindName, key: string, parents: readonly ParentOutcome[]): readonly ParentOutcome[] {
    if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') return parents;
    return parents.map((parent) => {
      const kept: Attached[] = [];
      let rival: Claim | undefined;
      for (const attached of parent.attached) {
        const claims = this.#claimsOf(attached.listener);
        const others = claims.get(kind === 'HTTPRoute' ? 'GRPCRoute' : 'HTTPRoute') ?? [];
        const other = others.find((claim) => meet(claim.hostnames, attached.hostnames));
        rival ??= other;
        if (other !== undefined) continue;
        kept.push(attached);
        const own = claims.get(kind);
        const claim = { kind, key, hostnames: attached.hostnames };
        if (own === undefined) claims.set(kind, [claim]);
        else own.push(claim);
      }
      if (rival === undefined || kept.length > 0) return { ...parent, attached: kept };
      const message = `Its hosts are those of the older ${rival.kind} "${rival.key}", and a listener has one kind of route for a host: choose other hostnames`;
      return { ...parent, attached: [], fault: { reason: 'NotAllowedByListeners', message } };
    });
  }

  #claimsOf(listener: ListenerView): Map<RouteKindName, Claim[]> {
    const known = this.#claims.get(listener);
    if (known !== undefined) return known;
    const made = new Map<RouteKindName, Claim[]>();
    this.#claims.set(listener, made);
    return made;
  }
}

function meet(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.some((other) => coversHost(one, other) || coversHost(other, one)));
}
