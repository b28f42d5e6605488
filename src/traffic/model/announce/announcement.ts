// Which node makes which addresses known, and how: what announcers are given, each for its node.
// Types only; an engine that reads them sees no Kubernetes type.
import type { Address } from '../ir-base.ts';

export interface L2Announcement {
  readonly address: Address;
  /** Interfaces to answer on; all when empty. */
  readonly interfaces: readonly string[];
  /** `namespace/name`, for messages and metrics. */
  readonly services: readonly string[];
}

export interface BgpRoute {
  /** `192.0.2.7/32`. */
  readonly prefix: string;
  /** For peers of the same AS; theirs when left out. */
  readonly localPref?: number;
  /** Sorted, without names that only the cluster knows: `65000:1`, `large:1:2:3`, `no-export`. */
  readonly communities: readonly string[];
  /** Names of the peers that hear of it, sorted; never empty. A peer hears of a prefix in one way only. */
  readonly peers: readonly string[];
  readonly services: readonly string[];
}

export interface NodeAnnouncements {
  /** By address. No other node answers for them. */
  readonly l2: readonly L2Announcement[];
  /** By prefix. */
  readonly bgp: readonly BgpRoute[];
}

export type AnnounceProblemReason =
  | 'AggregationBeyondPool'
  | 'ConflictingLocalPref'
  | 'InvalidSelector'
  | 'UnknownCommunity';

export interface AnnounceProblem {
  readonly kind: 'AddressPool' | 'BGPAdvertisement' | 'BGPPeer' | 'Community' | 'L2Advertisement';
  readonly key: string;
  readonly reason: AnnounceProblemReason;
  readonly field: string;
  /** Sentence case; names the value and the remedy. */
  readonly message: string;
}

export interface Announcements {
  /** By node; one that announces nothing is there as well, as long as it may. */
  readonly nodes: ReadonlyMap<string, NodeAnnouncements>;
  readonly problems: readonly AnnounceProblem[];
}
