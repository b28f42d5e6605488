// Who answers for which address by layer 2: one node for each, however many Services share it.
// Pure; how nodes answer is the announcer's matter.
import type { L2Announcement as L2Spec } from '#kube/api/load-balancer/types.ts';
import { formatAddress } from '#lib/address-range.ts';
import type { Advertisement } from './advertisements.ts';
import type { L2Announcement } from './announcement.ts';
import { type Candidate, elect, type HashMemory } from './election.ts';
import type { AnnouncingNode, Offer, OfferedAddress } from './offers.ts';

/** With the nodes that it is for, and how much it wants each; asked for every address, and computed once. */
interface Placed {
  readonly advertisement: Advertisement<L2Spec>;
  readonly wants: ReadonlyMap<string, number>;
}

interface Share {
  readonly offer: Offer;
  readonly placed: readonly Placed[];
}

/** Of an address: what is elected by, and the Services that have it. */
interface Ballot {
  readonly by: string;
  readonly shares: Share[];
}

export function resolveLayer2(
  offers: readonly Offer[],
  advertisements: readonly Advertisement<L2Spec>[],
  nodes: readonly AnnouncingNode[],
  memory: HashMemory,
): Map<string, L2Announcement[]> {
  const placed = advertisements.map((advertisement) => place(advertisement, nodes));
  const result = new Map<string, L2Announcement[]>();
  for (const [address, ballot] of ballotsOf(offers, placed)) {
    const winner = elect(candidatesOf(ballot, nodes), ballot.by, memory);
    if (winner === undefined) continue;
    const able = ballot.shares.filter((share) => canServe(share, winner));
    const list = result.get(winner) ?? [];
    const services = able.map(({ offer }) => offer.key).sort();
    list.push({ address, interfaces: interfacesOf(able, winner), services });
    result.set(winner, list);
  }
  for (const list of result.values()) list.sort((a, b) => (a.address < b.address ? -1 : 1));
  return result;
}

function place(advertisement: Advertisement<L2Spec>, nodes: readonly AnnouncingNode[]): Placed {
  const fitting = nodes.filter(({ labels }) => advertisement.isForNode(labels));
  return { advertisement, wants: new Map(fitting.map(({ name, labels }) => [name, advertisement.preference(labels)])) };
}

function ballotsOf(offers: readonly Offer[], placed: readonly Placed[]): Map<string, Ballot> {
  const ballots = new Map<string, Ballot>();
  for (const offer of offers) {
    if (offer.by === 'bgp') continue;
    // Both addresses of a Service of two families are with one node: they are elected by the first.
    const by = offer.addresses[0] === undefined ? '' : formatAddress(offer.addresses[0].address);
    for (const offered of offer.addresses) {
      const fitting = placed.filter(({ advertisement }) => fits(advertisement, offer, offered));
      if (fitting.length === 0) continue;
      const text = formatAddress(offered.address);
      const ballot = ballots.get(text) ?? { by, shares: [] };
      ballot.shares.push({ offer, placed: fitting });
      ballots.set(text, ballot);
    }
  }
  return ballots;
}

function fits(one: Advertisement<L2Spec>, { service, noted }: Offer, { pool }: OfferedAddress): boolean {
  return one.isForPool(pool, noted) && one.isForService(service);
}

function candidatesOf({ shares }: Ballot, nodes: readonly AnnouncingNode[]): Candidate[] {
  const [share] = shares;
  const [only] = share?.placed ?? [];
  // By far the most are of one Service and one advertisement.
  if (share !== undefined && only !== undefined && shares.length === 1 && share.placed.length === 1) {
    const { enters } = share.offer;
    const alone: Candidate[] = [];
    for (const [node, preference] of only.wants) if (enters(node)) alone.push({ node, serves: 1, preference });
    return alone;
  }
  return nodes.flatMap(({ name }) => candidateOf(name, shares) ?? []);
}

function candidateOf(node: string, shares: readonly Share[]): Candidate | undefined {
  let serves = 0;
  /** Each counts once, of however many Services it is. */
  const wishes = new Map<Placed, number>();
  for (const share of shares) {
    if (!canServe(share, node)) continue;
    serves += 1;
    for (const one of share.placed) wishes.set(one, one.wants.get(node) ?? 0);
  }
  let preference = 0;
  for (const wish of wishes.values()) preference += wish;
  return serves === 0 ? undefined : { node, serves, preference };
}

function canServe({ offer, placed }: Share, node: string): boolean {
  return placed.some(({ wants }) => wants.has(node)) && offer.enters(node);
}

/** One that names none means all. */
function interfacesOf(shares: readonly Share[], node: string): string[] {
  const here = shares.flatMap(({ placed }) => placed).filter(({ wants }) => wants.has(node));
  const lists = here.map(({ advertisement }) => advertisement.spec.interfaces ?? []);
  return lists.some((list) => list.length === 0) ? [] : [...new Set(lists.flat())].sort();
}
