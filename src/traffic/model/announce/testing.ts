// A small world to resolve announcements in: nodes, pools and Services, of which a test says only what it is about.
// Knows no API server.
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { AddressPool, IPAddressPool } from '#kube/api/load-balancer/types.ts';
import { readPools } from '../pools/read-pools.ts';
import type { AnnounceInput } from './resolve.ts';

export interface ServiceGiven {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Nodes of its endpoints, one each; `!n1` does not serve. */
  readonly on?: readonly string[];
  readonly local?: boolean;
  readonly class?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

export interface WorldGiven extends Partial<Omit<AnnounceInput, 'nodes' | 'pools' | 'services' | 'slicesOf'>> {
  /** Names, or names with labels. */
  readonly nodes: readonly (string | readonly [name: string, labels: Record<string, string>])[];
  /** AddressPools by name; or IPAddressPools, which announce nothing themselves. */
  readonly pools?: Readonly<Record<string, NonNullable<AddressPool['spec']>>>;
  readonly ipPools?: Readonly<
    Record<string, NonNullable<IPAddressPool['spec']> & { readonly labels?: Record<string, string> }>
  >;
  readonly services: readonly ServiceGiven[];
}

export function worldOf(given: WorldGiven): AnnounceInput {
  const { nodes, pools = {}, ipPools = {}, services, ...rest } = given;
  const read = readPools(
    Object.entries(pools).map(([name, spec]) => ({ metadata: { name }, spec })),
    Object.entries(ipPools).map(([name, { labels = {}, ...spec }]) => ({
      metadata: { name, namespace: 'metallb-system', labels },
      spec,
    })),
  );
  const slices = new Map(services.map((service) => [`shop/${service.name}`, [sliceOf(service)]]));
  return {
    pools: read.pools,
    l2Advertisements: [],
    bgpAdvertisements: [],
    bgpPeers: [],
    communities: [],
    isAlive: () => true,
    isDefault: true,
    nodes: nodes.map(nodeOf),
    services: services.map(serviceOf),
    slicesOf: (key) => slices.get(key) ?? [],
    ...rest,
  };
}

function nodeOf(given: string | readonly [string, Record<string, string>]): Node {
  const [name, labels] = typeof given === 'string' ? [given, {}] : given;
  return { metadata: { name, labels } };
}

function serviceOf({
  name,
  addresses,
  local,
  labels = {},
  annotations = {},
  class: loadBalancerClass,
}: ServiceGiven): Service {
  return {
    metadata: { name, namespace: 'shop', labels, annotations },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy: local === true ? 'Local' : 'Cluster',
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    },
    status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
  };
}

function sliceOf({ name, on = ['n1'] }: ServiceGiven): EndpointSlice {
  return {
    metadata: { name, namespace: 'shop' },
    addressType: 'IPv4',
    endpoints: on.map((node) => ({
      addresses: ['10.0.0.1'],
      nodeName: node.replace('!', ''),
      conditions: { serving: !node.startsWith('!') },
    })),
  };
}
