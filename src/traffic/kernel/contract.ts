// What every layer-4 driver does: brings the rules of a node into force, keeps them so, and takes them away again.
// Semantics are those of the rule model (traffic/snapshot/rules); its tracer is the oracle of the contract suite.
import type { Family } from '#lib/ip.ts';
import type { PortRules, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';

export type DriverName = 'nftables' | 'ipvs' | 'iptables' | 'ebpf' | 'userspace';

export interface Repairs {
  /** What others had taken away and is back, and what they had added and is gone. */
  readonly restored: number;
  readonly removed: number;
}

export interface L4Driver {
  readonly name: DriverName;
  /**
   * Brings a change into force in one step: no packet meets half of it. The first one carries the node and everything;
   * what an earlier run left in the kernel is replaced then without a gap. Calls are made one after the other.
   * Rejects with a sentence that names what was refused; the next call, or `verify`, makes it good.
   */
  apply(update: RuleUpdate): Promise<void>;
  /**
   * Ends established TCP connections: of these ways, in place of those given before. Whichever end sends something along
   * one of them is answered with RST, until the way is given no more; connections of sockets that the driver itself can
   * reach end at once. What is about to be served again must be freed before `apply`. Made one after the other with it.
   */
  cut(ways: readonly CutWay[]): Promise<void>;
  /** Compares what the kernel has with what it should have, and repairs it. */
  verify(): Promise<Repairs>;
  /**
   * Ends. Removes everything of ours from the kernel, or leaves it in force for the next run to take over (`keep`).
   * Established connections go on either way, as long as something in the namespace translates addresses: the kernel
   * stops doing so for all of them when the last such rule goes.
   */
  close(keep?: boolean): Promise<void>;
}

/** A way of TCP through a Service: the address and port that clients asked for, and the endpoint that they came to. */
export interface CutWay {
  readonly family: Family;
  readonly address: string;
  readonly port: number;
  readonly endpoint: { readonly address: string; readonly port: number };
}

export interface DriverOptions {
  /** One line a problem that costs nothing but speed or a feature. */
  readonly warn: (message: string) => void;
  /**
   * Path of the network namespace to work in; that of the process when left out. For a driver whose tools can be run
   * there (nsenter).
   */
  readonly netns?: string;
  /** Owner of the kernel's objects, part of their names; several clusters on one machine have one each. */
  readonly owner?: string;
}

/** UDP flows of a Service port that lead to endpoints which no longer serve are stale once it has one that does. */
export function hasStaleFlows(before: PortRules | undefined, after: PortRules | undefined): boolean {
  if (after === undefined || after.protocol !== 'UDP' || after.serving.size === 0) return false;
  return before === undefined || [...before.serving].some((endpoint) => !after.serving.has(endpoint));
}
