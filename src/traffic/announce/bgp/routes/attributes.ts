// What a route looks like to one peer: its next hop, its path, what iBGP adds.
// A pure function of the route and of what the session has agreed on.
import { AS_TRANS, MAX_TWO_OCTET_AS } from '../wire/as-path.ts';
import type { Family } from '../wire/family.ts';
import type { PathAttributes } from '../wire/message.ts';
import type { Route } from './announcement.ts';

/** What announcing depends on, of a session that is up. */
export interface Terms {
  readonly localAs: number;
  readonly ibgp: boolean;
  readonly fourOctetAs: boolean;
  readonly families: ReadonlySet<Family>;
  /** Next hops where a route names none: at most one of IPv4; of IPv6 one, or a global and a link-local one. */
  readonly nextHops: Readonly<Record<Family, readonly string[]>>;
}

const DEFAULT_LOCAL_PREF = 100;

export type Presented =
  | { readonly kind: 'attributes'; readonly attributes: PathAttributes; readonly nextHops: readonly string[] }
  /** It cannot be told to this peer, for this reason. */
  | { readonly kind: 'withheld'; readonly why: string };

export function present(route: Route, terms: Terms): Presented {
  const { family } = route;
  if (!terms.families.has(family)) return { kind: 'withheld', why: `The session carries no ${family}` };
  const nextHops = route.nextHop === undefined ? terms.nextHops[family] : [route.nextHop];
  if (nextHops.length === 0) {
    return { kind: 'withheld', why: `There is no ${family} next hop: set nextHop.${family} of the peer` };
  }
  const wide = terms.fourOctetAs || terms.localAs <= MAX_TWO_OCTET_AS;
  const own = { kind: 'sequence', ases: [terms.localAs] } as const;
  const attributes: PathAttributes = {
    origin: 'igp',
    asPath: terms.ibgp ? [] : [wide ? own : { kind: 'sequence', ases: [AS_TRANS] }],
    ...(family === 'ipv4' ? { nextHop: nextHops[0] as string } : {}),
    ...(terms.ibgp ? { localPref: route.localPref ?? DEFAULT_LOCAL_PREF } : {}),
    ...(route.communities.length > 0 ? { communities: route.communities } : {}),
    ...(terms.ibgp || wide ? {} : { as4Path: [own] }),
    ...(route.largeCommunities.length > 0 ? { largeCommunities: route.largeCommunities } : {}),
  };
  return { kind: 'attributes', attributes, nextHops };
}
