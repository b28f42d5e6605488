// Who answers for which address by layer 2: one node for each, however many Services share it.
// Pure; how nodes answer is the announcer's matter.
import type { L2Announcement as L2Spec } from '#kube/api/load-balancer/types.ts';
import { formatAddress } from '#lib/address-range.ts';
import type { Advertisement } from './advertisements.ts';
import type { L2Announcement } from './announcement.ts';
import { elect, type HashMemory } from './election.ts';
import type { AnnouncingNode, Offer, OfferedAddress } from './offers.ts';

type L2Advertisement = Advertisement<L2Spec>;

interface Share {
  readonly offer: Offer;
  readonly advertisements: readonly L2Advertisement[];
}

/** Of an address: what is elected by, and the Services that have it. */
interface Ballot {
  readonly by: string;
  readonly shares: Share[];
}

export function resolveLayer2(
  offers: readonly Offer[],
  advertisements: readonly L2Advertisement[],
  nodes: readonly AnnouncingNode[],
  memory: HashMemory,
): Map<string, L2Announcement[]> {
  const result = new Map<string, L2Announcement[]>();
  for (const [address, ballot] of ballotsOf(offers, advertisements)) {
    const candidates = nodes.flatMap((node) => {
      const able = ballot.shares.filter((share) => canServe(share, node));
      const wishes = new Set(able.flatMap((share) => forNode(share, node)));
      const preference = sum([...wishes].map((one) => one.preference(node.labels)));
      return able.length === 0 ? [] : [{ node: node.name, serves: able.length, preference }];
    });
    const winner = elect(candidates, ballot.by, memory);
    const node = nodes.find(({ name }) => name === winner);
    if (node === undefined) continue;
    const able = ballot.shares.filter((share) => canServe(share, node));
    const list = result.get(node.name) ?? [];
    const services = able.map(({ offer }) => offer.key).sort();
    list.push({ address, interfaces: interfacesOf(able.flatMap((share) => forNode(share, node))), services });
    result.set(node.name, list);
  }
  for (const list of result.values()) list.sort((a, b) => (a.address < b.address ? -1 : 1));
  return result;
}

function ballotsOf(offers: readonly Offer[], advertisements: readonly L2Advertisement[]): Map<string, Ballot> {
  const ballots = new Map<string, Ballot>();
  for (const offer of offers) {
    if (offer.by === 'bgp') continue;
    // Both addresses of a Service of two families are with one node: they are elected by the first.
    const by = offer.addresses[0] === undefined ? '' : formatAddress(offer.addresses[0].address);
    for (const offered of offer.addresses) {
      const fitting = advertisements.filter((one) => fits(one, offer, offered));
      if (fitting.length === 0) continue;
      const text = formatAddress(offered.address);
      const ballot = ballots.get(text) ?? { by, shares: [] };
      ballot.shares.push({ offer, advertisements: fitting });
      ballots.set(text, ballot);
    }
  }
  return ballots;
}

function fits(one: L2Advertisement, { service, noted }: Offer, { pool }: OfferedAddress): boolean {
  return one.isForPool(pool, noted) && one.isForService(service);
}

function canServe(share: Share, node: AnnouncingNode): boolean {
  return share.offer.enters(node.name) && forNode(share, node).length > 0;
}

function forNode({ advertisements }: Share, { labels }: AnnouncingNode): L2Advertisement[] {
  return advertisements.filter((one) => one.isForNode(labels));
}

/** One that names none means all. */
function interfacesOf(advertisements: readonly L2Advertisement[]): string[] {
  const lists = advertisements.map(({ spec }) => spec.interfaces ?? []);
  return lists.some((list) => list.length === 0) ? [] : [...new Set(lists.flat())].sort();
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
