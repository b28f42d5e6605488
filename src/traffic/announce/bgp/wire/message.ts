// The messages of BGP-4 (RFC 4271, RFC 2918) as plain data.
// Types only; bytes are the codec's business.
import type { LargeCommunity } from './communities.ts';
import type { Family } from './family.ts';

export type Message = OpenMessage | UpdateMessage | NotificationMessage | KeepaliveMessage | RouteRefreshMessage;

export type Capability =
  | { readonly kind: 'multiprotocol'; readonly family: Family }
  | { readonly kind: 'route_refresh' }
  | { readonly kind: 'four_octet_as'; readonly as: number }
  | {
      readonly kind: 'graceful_restart';
      /** The sender has restarted: it need not be waited for. */
      readonly restarted: boolean;
      /** Seconds until its routes may go when it does not come back; 0 to 4095. */
      readonly restartTime: number;
      readonly families: readonly { readonly family: Family; readonly forwarding: boolean }[];
    }
  | { readonly kind: 'unknown'; readonly code: number; readonly value: Buffer };

export interface OpenMessage {
  readonly type: 'open';
  readonly version: number;
  /** The field of two bytes: 23456 where the number does not fit. */
  readonly as: number;
  /** Seconds. */
  readonly holdTime: number;
  readonly routerId: string;
  readonly capabilities: readonly Capability[];
}

export interface AsSegment {
  readonly kind: 'set' | 'sequence' | 'confed_sequence' | 'confed_set';
  readonly ases: readonly number[];
}

export interface PathAttributes {
  readonly origin?: 'igp' | 'egp' | 'incomplete';
  readonly asPath?: readonly AsSegment[];
  /** Of the IPv4 prefixes in `announced`. */
  readonly nextHop?: string;
  readonly med?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: true;
  readonly aggregator?: { readonly as: number; readonly address: string };
  readonly communities?: readonly number[];
  readonly as4Path?: readonly AsSegment[];
  readonly largeCommunities?: readonly LargeCommunity[];
  readonly mpReach?: {
    readonly family: Family;
    /** One, or for IPv6 a global and a link-local one (RFC 2545). */
    readonly nextHops: readonly string[];
    readonly prefixes: readonly string[];
  };
  readonly mpUnreach?: { readonly family: Family; readonly prefixes: readonly string[] };
  readonly unknown?: readonly { readonly flags: number; readonly type: number; readonly value: Buffer }[];
}

export interface UpdateMessage {
  readonly type: 'update';
  /** IPv4 prefixes that are gone. */
  readonly withdrawn: readonly string[];
  readonly attributes: PathAttributes;
  /** IPv4 prefixes that `attributes` belong to. */
  readonly announced: readonly string[];
  /** An attribute is malformed: whatever is announced counts as withdrawn (RFC 7606). Never encoded. */
  readonly malformed?: string;
}

export interface NotificationMessage {
  readonly type: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly data: Buffer;
}

export interface KeepaliveMessage {
  readonly type: 'keepalive';
}

export interface RouteRefreshMessage {
  readonly type: 'route_refresh';
  readonly afi: number;
  readonly safi: number;
  /** 0 of RFC 2918; others mark begin and end of a refresh (RFC 7313). */
  readonly subtype: number;
}

/** What the two sides have agreed on, as far as bytes depend on it. */
export interface Dialect {
  /** AS numbers in paths have four bytes (RFC 6793). */
  readonly fourOctetAs: boolean;
}
