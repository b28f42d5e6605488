// Custom resources of load balancers, as they stand on the wire: our AddressPool, and those that MetalLB's users have.
// Data only. Upstream: api/v1beta1 and api/v1beta2 of metallb.io, fields and meaning kept.
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { KubeObject } from '../object.ts';

export interface ServiceAllocation {
  /** The lowest comes first; 0 and none come last. */
  readonly priority?: number;
  readonly namespaces?: readonly string[];
  readonly namespaceSelectors?: readonly LabelSelector[];
  readonly serviceSelectors?: readonly LabelSelector[];
}

export interface PoolSpec {
  /** CIDR blocks, and ranges with a hyphen. */
  readonly addresses?: readonly string[];
  /** Default true. */
  readonly autoAssign?: boolean;
  /** Leaves out IPv4 addresses that end in .0 and .255. */
  readonly avoidBuggyIPs?: boolean;
}

export interface PoolStatus {
  readonly assignedIPv4?: number;
  readonly assignedIPv6?: number;
  readonly availableIPv4?: number;
  readonly availableIPv6?: number;
}

/** Of metallb.io/v1beta1. */
export interface IPAddressPool extends KubeObject {
  readonly spec?: PoolSpec & { readonly serviceAllocation?: ServiceAllocation };
  readonly status?: PoolStatus;
}

/** What an advertisement of either protocol may say beside the pools it is for. */
export interface AnnouncementScope {
  /** Nodes that match one of them; all when left out. */
  readonly nodeSelectors?: readonly LabelSelector[];
  /** Services that match one of them; all when left out. */
  readonly serviceSelectors?: readonly LabelSelector[];
}

export interface PreferredNodeSelector {
  readonly weight: number;
  readonly preference: LabelSelector;
}

export interface L2Announcement extends AnnouncementScope {
  /** All when left out. */
  readonly interfaces?: readonly string[];
  /** Matching nodes win the election over others, by the sum of the weights. */
  readonly preferredNodeSelectors?: readonly PreferredNodeSelector[];
}

export interface BgpAnnouncement extends AnnouncementScope {
  /** Default 32. */
  readonly aggregationLength?: number;
  /** Default 128. */
  readonly aggregationLengthV6?: number;
  readonly localPref?: number;
  /** `65000:1`, `large:1:2:3`, or a name that a Community defines. */
  readonly communities?: readonly string[];
  /** Names of BGPPeers; all when left out. */
  readonly peers?: readonly string[];
}

/** How the addresses of an AddressPool are made known; without any object beside it. */
export type PoolAnnouncement =
  | ({ readonly protocol: 'l2' } & L2Announcement)
  | ({ readonly protocol: 'bgp' } & BgpAnnouncement);

export interface PoolCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly observedGeneration?: number;
}

/** Of evenkeel.dev/v1alpha1, cluster-wide. */
export interface AddressPool extends KubeObject {
  readonly spec?: PoolSpec & {
    readonly allocation?: ServiceAllocation;
    /** Default: layer 2, from every node and interface. */
    readonly announce?: readonly PoolAnnouncement[];
  };
  readonly status?: PoolStatus & { readonly conditions?: readonly PoolCondition[] };
}

/** Which pools an advertisement is for: those named, those selected; all when neither is said. */
export interface PoolReferences {
  readonly ipAddressPools?: readonly string[];
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
}

export interface L2Advertisement extends KubeObject {
  readonly spec?: PoolReferences & L2Announcement;
}

export interface BGPAdvertisement extends KubeObject {
  readonly spec?: PoolReferences & BgpAnnouncement;
}

/** Of metallb.io/v1beta2. */
export interface BGPPeer extends KubeObject {
  readonly spec?: {
    readonly myASN?: number;
    readonly peerASN?: number;
    readonly dynamicASN?: 'internal' | 'external';
    readonly peerAddress?: string;
    readonly interface?: string;
    readonly sourceAddress?: string;
    readonly peerPort?: number;
    /** Go durations, e.g. `90s`. */
    readonly holdTime?: string;
    readonly keepaliveTime?: string;
    readonly connectTime?: string;
    readonly routerID?: string;
    readonly nodeSelectors?: readonly LabelSelector[];
    readonly password?: string;
    readonly passwordSecret?: { readonly name?: string; readonly namespace?: string };
    readonly bfdProfile?: string;
    readonly enableGracefulRestart?: boolean;
    readonly ebgpMultiHop?: boolean;
    readonly vrf?: string;
    readonly disableMP?: boolean;
    readonly dualStackAddressFamily?: boolean;
    readonly localASN?: number;
  };
}

export interface Community extends KubeObject {
  readonly spec?: { readonly communities?: readonly { readonly name?: string; readonly value?: string }[] };
}

export interface BFDProfile extends KubeObject {
  readonly spec?: {
    readonly receiveInterval?: number;
    readonly transmitInterval?: number;
    readonly detectMultiplier?: number;
    readonly echoInterval?: number;
    readonly echoMode?: boolean;
    readonly passiveMode?: boolean;
    readonly minimumTtl?: number;
  };
}
