// HTTPRoutes and GRPCRoutes that want the same host of a listener: one of the two has it, the older.
// Knows no rule; which of two is older is decided by the order in which they are given.

import type { ParentOutcome } from './attach.ts';
import { coversHost } from './hostnames.ts';
import type { ListenerView } from './listener-view.ts';
import type { RouteKindName } from './objects.ts';

/** A route on one listener. */
export interface Claim {
  readonly kind: RouteKindName;
  readonly key: string;
  readonly hostnames: readonly string[];
}

/** Of all claims to one listener, the oldest first, those that give way, each with the one that it gives way to. */
export function givingWay<T extends Claim>(claims: Iterable<T>): ReadonlyMap<T, Claim> {
  const held = new Map<RouteKindName, Holders>();
  const refused = new Map<T, Claim>();
  for (const claim of claims) {
    const rival = held.get(claim.kind === 'HTTPRoute' ? 'GRPCRoute' : 'HTTPRoute')?.oldest(claim.hostnames);
    if (rival !== undefined) {
      refused.set(claim, rival);
      continue;
    }
    const own = held.get(claim.kind) ?? new Holders();
    held.set(claim.kind, own);
    own.add(claim);
  }
  return refused;
}

/** What of a route's attachments stands beside those of older routes of the other kind. */
export function withoutRivals(
  parents: readonly ParentOutcome[],
  rivalOn: (listener: ListenerView) => Claim | undefined,
): readonly ParentOutcome[] {
  return parents.map((parent) => {
    const rivals = parent.attached.map(({ listener }) => rivalOn(listener));
    const rival = rivals.find((one) => one !== undefined);
    if (rival === undefined) return parent;
    const kept = parent.attached.filter((_, at) => rivals[at] === undefined);
    if (kept.length > 0) return { ...parent, attached: kept };
    const message = `Its hosts are those of the older ${rival.kind} "${rival.key}", and a listener has one kind of route for a host: choose other hostnames`;
    return { ...parent, attached: [], fault: { reason: 'NotAllowedByListeners', message } };
  });
}

/** Who holds which hosts, for a question that costs the same however many they are. */
class Holders {
  readonly #exact = new Map<string, { readonly claim: Claim; readonly at: number }>();
  readonly #wild: { readonly claim: Claim; readonly at: number; readonly hostname: string }[] = [];
  #count = 0;

  add(claim: Claim): void {
    const at = this.#count++;
    for (const hostname of claim.hostnames) {
      if (hostname.startsWith('*')) this.#wild.push({ claim, at, hostname });
      else if (!this.#exact.has(hostname)) this.#exact.set(hostname, { claim, at });
    }
  }

  oldest(hostnames: readonly string[]): Claim | undefined {
    let found: { readonly claim: Claim; readonly at: number } | undefined;
    const consider = (one: { readonly claim: Claim; readonly at: number }): void => {
      if (found === undefined || one.at < found.at) found = one;
    };
    for (const hostname of hostnames) {
      for (const one of this.#wild) {
        if (coversHost(one.hostname, hostname) || coversHost(hostname, one.hostname)) consider(one);
      }
      if (hostname.startsWith('*')) {
        for (const [host, one] of this.#exact) if (coversHost(hostname, host)) consider(one);
      } else {
        const one = this.#exact.get(hostname);
        if (one !== undefined) consider(one);
      }
    }
    return found?.claim;
  }
}
