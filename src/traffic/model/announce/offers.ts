// What there is to announce: Services with their addresses, where their traffic can go in, and of which pools they are.
// Pure; knows nothing of advertisements.
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { Labels } from '#kube/api/selector.ts';
import { type Address, parseAddress } from '#lib/address-range.ts';
import { annotationOf } from '../pools/annotations.ts';
import { type BalancerClass, balancerClassOf } from '../pools/balancer-class.ts';
import { holds, type Pool } from '../pools/pool.ts';

const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

export interface AnnouncingNode {
  readonly name: string;
  readonly labels: Labels;
}

export interface OfferedAddress {
  readonly address: Address;
  readonly pool: Pool | undefined;
}

export interface Offer {
  readonly key: string;
  readonly service: Service;
  readonly by: BalancerClass;
  /** In the order of the status. */
  readonly addresses: readonly OfferedAddress[];
  /** Names of the pools that it was given addresses of. */
  readonly noted: readonly string[];
  /** Whether a node can take in its traffic. */
  readonly enters: (node: string) => boolean;
}

/** Nodes that may announce at all: alive, with a network, and not labelled to be left out. */
export function announcingNodes(nodes: readonly Node[], isAlive: (name: string) => boolean): AnnouncingNode[] {
  return nodes
    .filter(({ metadata, status }) => {
      const cut = status?.conditions?.some(({ type, status: is }) => type === 'NetworkUnavailable' && is === 'True');
      return cut !== true && !Object.hasOwn(metadata?.labels ?? {}, EXCLUDED) && isAlive(metadata?.name ?? '');
    })
    .map(({ metadata }) => ({ name: metadata?.name ?? '', labels: metadata?.labels ?? {} }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Services that have an address of ours and somebody behind it; the oldest first. */
export function offersOf(
  services: readonly Service[],
  slicesOf: (key: string) => readonly EndpointSlice[],
  pools: readonly Pool[],
  isDefault: boolean,
): Offer[] {
  const aged = (service: Service & KubeObject): string =>
    `${service.metadata?.creationTimestamp ?? ''}|${objectKey(service)}`;
  return [...services]
    .sort((a, b) => (aged(a) < aged(b) ? -1 : 1))
    .flatMap((service) => offerOf(service, slicesOf(objectKey(service)), pools, isDefault) ?? []);
}

function offerOf(
  service: Service,
  slices: readonly EndpointSlice[],
  pools: readonly Pool[],
  isDefault: boolean,
): Offer | undefined {
  const by = balancerClassOf(service, isDefault);
  if (by === undefined) return undefined;
  const noted = (annotationOf(service.metadata ?? {}, 'ip-allocated-from-pool') ?? '').split(',').filter(Boolean);
  const addresses = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '', ipMode }) => {
    const address = ipMode === 'Proxy' ? undefined : parseAddress(ip);
    if (address === undefined) return [];
    return [{ address, pool: pools.find((pool) => holds(pool, address)) }];
  });
  // Without a pool and without our note it is another controller's.
  const ours = addresses.filter(({ pool }) => pool !== undefined || noted.length > 0);
  const serving = servingNodes(slices);
  if (ours.length === 0 || serving.size === 0) return undefined;
  const local = service.spec?.externalTrafficPolicy === 'Local';
  return {
    key: objectKey(service),
    service,
    by,
    addresses: ours,
    noted,
    enters: local ? (node) => serving.has(node) : () => true,
  };
}

/** Names of the nodes with an endpoint that serves, also while it ends; the empty name for one without a node. */
function servingNodes(slices: readonly EndpointSlice[]): Set<string> {
  const nodes = new Set<string>();
  for (const { endpoints } of slices) {
    for (const { conditions, nodeName } of endpoints ?? []) {
      if (conditions?.serving ?? conditions?.ready ?? true) nodes.add(nodeName ?? '');
    }
  }
  return nodes;
}
