// The rule model: what becomes of a new connection or flow to a Service on one node, whichever driver enforces it.
// Plain immutable data. Every table is keyed by name, so that what did not change need not be looked at again.
import type { Family } from '#lib/ip.ts';
import type { Address } from '#traffic/model/ir-base.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts, SourceClass } from './node-facts.ts';

/** An endpoint that may be chosen on this node. */
export interface RuleEndpoint {
  readonly address: Address;
  readonly port: number;
  /** 1 to 1,000. */
  readonly weight: number;
  /** It runs on this node. */
  readonly local: boolean;
}

/** An endpoint that is ready, but on a node that has fallen silent: nobody is led there while others remain. */
export interface LeftOutEndpoint {
  readonly address: Address;
  readonly port: number;
  /** The silent one. */
  readonly node: string;
}

/** The two sets a Service port has: everybody who may be asked from here, and those of this node alone. */
export type EndpointSetName = 'cluster' | 'local';

export type Outcome =
  | {
      readonly type: 'forward';
      readonly to: EndpointSetName;
      /** Replace the source by the node's own address. Of a pod of this node that reaches itself it always is. */
      readonly masquerade: boolean;
    }
  /** Told so at once: connection refused, port unreachable. */
  | { readonly type: 'reject' }
  /** Left without an answer, for another node may have it. */
  | { readonly type: 'drop' };

/** An address and port that clients use. */
export interface Front {
  readonly kind: 'cluster_ip' | 'external_ip' | 'load_balancer' | 'node_port';
  readonly address: Address;
  readonly port: number;
  /** CIDRs of those who may use it; whoever else does is dropped. Undefined: everybody may. */
  readonly allowedSources: readonly string[] | undefined;
}

/** One port of one Service in one IP family. */
export interface PortRules {
  /** `namespace/service:port/TCP/IPv4`. */
  readonly name: string;
  /** `namespace/service`. */
  readonly service: string;
  readonly portName: string;
  readonly family: Family;
  readonly protocol: L4Protocol;
  /** In a fixed order; no two Services share one, the older name in the alphabet keeps it. */
  readonly fronts: readonly Front[];
  /** For ClusterIPs. */
  readonly internal: Readonly<Record<SourceClass, Outcome>>;
  /** For node ports, load-balancer addresses and external IPs. */
  readonly external: Readonly<Record<SourceClass, Outcome>>;
  readonly sets: Readonly<Record<EndpointSetName, readonly RuleEndpoint[]>>;
  readonly affinitySeconds: number;
  readonly pick: 'random' | 'source_hash';
  /** UDP: `address port` of every endpoint that serves anywhere; established flows to others are stale. Else empty. */
  readonly serving: ReadonlySet<string>;
  /** TCP, where it is asked for: established connections to whoever is not among `kept` end. Else undefined. */
  readonly drain: Drain | undefined;
  /** For those who ask why; drivers have no use for it. */
  readonly leftOut: readonly LeftOutEndpoint[];
}

export interface Drain {
  /** Milliseconds that connections have from when their endpoint has gone. */
  readonly ms: number;
  /** `address port` of every endpoint whose connections may go on: those that serve, and those that may do so again. */
  readonly kept: ReadonlySet<string>;
}

/** What a load balancer's health check is told (KEP-1669); `localEndpoints` counts ready ones of this node. */
export interface HealthCheckRule {
  readonly service: string;
  readonly port: number;
  readonly localEndpoints: number;
}

export interface RuleModel {
  readonly node: NodeFacts;
  readonly ports: ReadonlyMap<string, PortRules>;
}

/** What changed; `undefined` as value means removed. */
export interface RuleUpdate {
  readonly node?: NodeFacts;
  readonly ports: ReadonlyMap<string, PortRules | undefined>;
}

/** The outcome for whoever comes from there. */
export function outcomeOf(rules: PortRules, front: Front, source: SourceClass): Outcome {
  return (front.kind === 'cluster_ip' ? rules.internal : rules.external)[source];
}
