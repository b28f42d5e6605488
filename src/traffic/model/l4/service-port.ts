// What layer 4 has to know of one port of one Service in one IP family, as seen from no node in particular.
// Types only; names and meanings are those of the Service API.
import type { Family } from '#lib/ip.ts';
import type { Address } from '../ir-base.ts';

export type L4Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface L4Endpoint {
  readonly address: Address;
  readonly port: number;
  /** 1 to 1,000. */
  readonly weight: number;
  /** Name of its node; empty when it has none. */
  readonly node: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Nodes and zones that it is meant for; empty when it has no such hints. */
  readonly hintedNodes: readonly string[];
  readonly hintedZones: readonly string[];
}

export interface L4ServicePort {
  /** `namespace/service:port/TCP/IPv4`. */
  readonly name: string;
  /** `namespace/service`. */
  readonly service: string;
  /** Name of the port; its number when it has none. */
  readonly portName: string;
  readonly family: Family;
  readonly protocol: L4Protocol;
  readonly port: number;
  /** Empty for a Service without one of this family. */
  readonly clusterIP: Address | '';
  readonly externalIPs: readonly Address[];
  /** Addresses whose traffic is for this proxy; those with `ipMode: Proxy` are left out. */
  readonly loadBalancerIPs: readonly Address[];
  /** CIDRs that may reach the load-balancer addresses; undefined when everybody may. */
  readonly loadBalancerSources: readonly string[] | undefined;
  /** 0 when there is none. */
  readonly nodePort: number;
  /** `internalTrafficPolicy: Local`. */
  readonly internalLocal: boolean;
  /** `externalTrafficPolicy: Local`. */
  readonly externalLocal: boolean;
  /** Seconds that a client stays with its endpoint; 0 switches affinity off. */
  readonly affinitySeconds: number;
  /** How an endpoint is picked: any by its weight, or the same for the same client address. */
  readonly pick: 'random' | 'source_hash';
  /**
   * Milliseconds after which TCP connections to an endpoint that has gone are ended; 0: never. Undefined: as the proxy is
   * told for all.
   */
  readonly drainMs: number | undefined;
  /** In the order of their addresses, each once. */
  readonly endpoints: readonly L4Endpoint[];
  /** Port of the health server that a load balancer asks; 0 when there is none. */
  readonly healthCheckNodePort: number;
}
