// What the rules of a node depend on besides Services: who and where it is, and which addresses are pods.
// Types and defaults only.
import type { Address } from '#traffic/model/ir-base.ts';

export interface NodeFacts {
  readonly name: string;
  /** `topology.kubernetes.io/zone` of the node; empty when it has none. */
  readonly zone: string;
  /** Every address that the node itself answers on, of both families: what comes from one of them comes from the node. */
  readonly addresses: readonly Address[];
  /** The addresses among them on which node ports are served. */
  readonly nodePortAddresses: readonly Address[];
  /** CIDRs that pods have their addresses from. With none, nobody is known to be a pod, and ClusterIPs masquerade nobody. */
  readonly podRanges: readonly string[];
  /** CIDRs that ClusterIPs are taken from; with none, addresses that no Service has are let pass. */
  readonly serviceRanges: readonly string[];
  /** Masquerade whatever goes to a ClusterIP, too. */
  readonly masqueradeAll: boolean;
  /** Milliseconds after which TCP connections to an endpoint that has gone are ended, where its Service does not say; 0: never. */
  readonly drainMs: number;
}

/** Where a packet began: whoever has a pod's address is a pod, also when the node has it too (upstream's order). */
export type SourceClass = 'pod' | 'node' | 'other';
