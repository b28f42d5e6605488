// What the cluster's names mean: records as plain data, in parts that come and go with the object they tell of.
// Immutable, survives structured clone; no Kubernetes type, and nothing of how an answer is written.

import type { Address } from '../ir-base.ts';

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: Address }
  /** `target` is absolute, without its last dot. */
  | { readonly type: 'CNAME' | 'PTR'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    };

/**
 * Records by owner: absolute, in lower case, without the last dot. An owner without records exists all the same: it
 * has no data, instead of being no name.
 */
export type DnsPart = ReadonlyMap<string, readonly DnsRecord[]>;

/** Parts by the object that they come from, e.g. `service/shop/cart`; undefined: it is gone. */
export type DnsUpdate = ReadonlyMap<string, DnsPart | undefined>;

/** The domains in which who asks from an address searches for short names, in their order; those of the node aside. */
export interface DnsSearch {
  /** Ahead of the node's own. */
  readonly first: readonly string[];
  /** Behind them. */
  readonly last: readonly string[];
}

export type DnsClients = ReadonlyMap<Address, DnsSearch>;

/** Clients by the object that they come from, e.g. `pod/shop/cart-0`; undefined: it is gone. */
export type DnsClientUpdate = ReadonlyMap<string, DnsClients | undefined>;

/** Where the control plane publishes names; the process wires it to the DNS server. */
export interface DnsSink {
  publish(update: DnsUpdate): void;
  /** For a server that completes short names itself; left out: nobody needs to know of clients. */
  readonly publishClients?: (update: DnsClientUpdate) => void;
}
