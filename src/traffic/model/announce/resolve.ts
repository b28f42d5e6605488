// From pools, advertisements, nodes, Services and their endpoints to what each node announces, and how.
// Pure, and the same for every order of its input: each node computes it for all, and all agree.
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { BGPAdvertisement, BGPPeer, Community, L2Advertisement } from '#kube/api/load-balancer/types.ts';
import { objectKey } from '#kube/api/object.ts';
import type { Pool } from '../pools/pool.ts';
import { readAdvertisements } from './advertisements.ts';
import type { Announcements, AnnounceProblem } from './announcement.ts';
import { resolveBgp } from './bgp.ts';
import { readCommunities } from './communities.ts';
import type { HashMemory } from './election.ts';
import { resolveLayer2 } from './layer2.ts';
import { announcingNodes, offersOf } from './offers.ts';

export interface AnnounceInput {
  readonly pools: readonly Pool[];
  readonly l2Advertisements: readonly L2Advertisement[];
  readonly bgpAdvertisements: readonly BGPAdvertisement[];
  readonly bgpPeers: readonly BGPPeer[];
  readonly communities: readonly Community[];
  readonly nodes: readonly Node[];
  /** Whether an announcer runs on a node, as far as whoever asks knows. */
  readonly isAlive: (node: string) => boolean;
  readonly services: readonly Service[];
  /** By the key of the Service. */
  readonly slicesOf: (service: string) => readonly EndpointSlice[];
  /** Whether Services without a class are ours. */
  readonly isDefault: boolean;
}

/** `memory` makes the next call cheaper. */
export function resolveAnnouncements(input: AnnounceInput, memory: HashMemory = new Map()): Announcements {
  const problems: AnnounceProblem[] = [];
  const nodes = announcingNodes(input.nodes, input.isAlive);
  const offers = offersOf(input.services, input.slicesOf, input.pools, input.isDefault);
  const advertisements = readAdvertisements(input.pools, input.l2Advertisements, input.bgpAdvertisements, problems);
  const communities = readCommunities(input.communities, problems);
  const layer2 = resolveLayer2(offers, advertisements.l2, nodes, memory);
  const peers = [...input.bgpPeers].sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
  const bgp = resolveBgp({ offers, advertisements: advertisements.bgp, peers, communities, nodes }, problems);
  return {
    nodes: new Map(nodes.map(({ name }) => [name, { l2: layer2.get(name) ?? [], bgp: bgp.get(name) ?? [] }])),
    problems,
  };
}
