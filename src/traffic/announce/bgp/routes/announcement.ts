// What callers want announced, checked once and turned into what the rest works with.
// Knows no peer and no session.
import { type LargeCommunity, parseCommunity } from '../wire/communities.ts';
import { addressBytes, type Family } from '../wire/family.ts';
import { parsePrefix } from '../wire/prefix.ts';

export interface Announcement {
  /** `192.0.2.0/24`, or an address, which is announced alone. */
  readonly prefix: string;
  /** Of the prefix's family; default what the peer's configuration and session say. */
  readonly nextHop?: string;
  /** Told to iBGP peers only; default 100. */
  readonly localPref?: number;
  /** `64512:100`, `no-export`, `64512:1:2`. */
  readonly communities?: readonly string[];
  /** Names of the peers that hear of it; default all. A name that no peer has is ignored until one has it. */
  readonly peers?: readonly string[];
}

export interface Route {
  readonly prefix: string;
  readonly family: Family;
  readonly nextHop?: string;
  readonly localPref?: number;
  readonly communities: readonly number[];
  readonly largeCommunities: readonly LargeCommunity[];
  /** Equal for routes that differ at most in their prefix. */
  readonly key: string;
}

const MAX_32 = 0xffff_ffff;
/** Keeps the attributes of a message well below its greatest length. */
const MAX_COMMUNITIES = 100;

/** Throws with everything that is wrong with `announcement`. */
export function readAnnouncement(announcement: Announcement): Route {
  const problems: string[] = [];
  const { nextHop, localPref } = announcement;
  const prefix = parsePrefix(announcement.prefix);
  if (typeof prefix === 'string') problems.push(prefix);
  else if (nextHop !== undefined && addressBytes(nextHop)?.length !== (prefix.family === 'ipv4' ? 4 : 16)) {
    problems.push(`nextHop is "${nextHop}", use an ${prefix.family} address`);
  }
  if (localPref !== undefined && !(Number.isInteger(localPref) && localPref >= 0 && localPref <= MAX_32)) {
    problems.push(`localPref is ${localPref}, use 0 to ${MAX_32}`);
  }
  const communities = new Set<number>();
  const large = new Map<string, LargeCommunity>();
  for (const text of announcement.communities ?? []) {
    const community = parseCommunity(text);
    if (typeof community === 'string') problems.push(community);
    else if (community.kind === 'standard') communities.add(community.value);
    else large.set(community.value.join(':'), community.value);
  }
  if (communities.size > MAX_COMMUNITIES || large.size > MAX_COMMUNITIES) {
    problems.push(`more than ${MAX_COMMUNITIES} communities of a kind`);
  }
  if (typeof prefix === 'string' || problems.length > 0) {
    throw new Error(`Cannot announce "${announcement.prefix}": ${problems.join('; ')}`);
  }
  // Their order means nothing: one order makes equal ones equal.
  const sorted = [...communities].sort((a, b) => a - b);
  const sortedLarge = [...large.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  return {
    prefix: prefix.text,
    family: prefix.family,
    ...(nextHop === undefined ? {} : { nextHop }),
    ...(localPref === undefined ? {} : { localPref }),
    communities: sorted,
    largeCommunities: sortedLarge,
    key: JSON.stringify([prefix.family, nextHop, localPref, sorted, sortedLarge]),
  };
}

/** For each of `peers` what it is to hear, by prefix. Throws where one prefix is wanted in two ways. */
export function routesByPeer(
  announcements: Iterable<Announcement>,
  peers: readonly string[],
): Map<string, Map<string, Route>> {
  const tables = new Map(peers.map((peer) => [peer, new Map<string, Route>()]));
  for (const announcement of announcements) {
    const route = readAnnouncement(announcement);
    for (const peer of announcement.peers ?? peers) {
      const table = tables.get(peer);
      const other = table?.get(route.prefix);
      if (other !== undefined && other.key !== route.key) {
        throw new Error(`Cannot announce "${route.prefix}" to peer "${peer}" in two ways: leave out one announcement`);
      }
      table?.set(route.prefix, route);
    }
  }
  return tables;
}
