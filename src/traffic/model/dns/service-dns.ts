// From one Service and its EndpointSlices to its names, by the Kubernetes DNS specification 1.1.
// Knows no other Service, so that each can be translated alone.

import ipaddr from 'ipaddr.js';
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice, Endpoint as SliceEndpoint } from 'kubernetes-types/discovery/v1.js';
import { addressRecord, dashedAddress, reverseName } from './address-names.ts';
import type { DnsPart, DnsRecord } from './ir-dns.ts';

/** As CoreDNS: one target carries this, several share it. */
const FULL_WEIGHT = 100;

/** The specification's word for publishNotReadyAddresses, from before there was that field. */
const TOLERATE_UNREADY = 'service.alpha.kubernetes.io/tolerate-unready-endpoints';

/**
 * `domain` is the cluster's, e.g. `cluster.local`. A headless Service without ready endpoints has no name at all, as the
 * specification wants. Endpoints of other Services have names too, as with CoreDNS: a pod is found by its address.
 */
export function serviceNames(service: Service, slices: readonly EndpointSlice[], domain: string): DnsPart {
  const names = new Names();
  const { name = '', namespace = '' } = service.metadata ?? {};
  const own = `${name}.${namespace}.svc.${domain}`.toLowerCase();
  const { spec } = service;
  if (spec?.type === 'ExternalName') {
    const target = (spec.externalName ?? '').replace(/\.$/, '').toLowerCase();
    // An address is no name to point at.
    if (target !== '' && !ipaddr.isValid(target)) names.add(own, { type: 'CNAME', target });
    return names.part;
  }
  const addresses = clusterAddresses(service);
  const headless = addresses.includes('None');
  if (!headless) {
    for (const address of addresses) {
      names.add(own, addressRecord(address));
      names.addReverse(address, own);
    }
    if (addresses.length > 0) addPorts(names, service, own);
  }
  const usable = isTolerant(service) ? () => true : isReady;
  addEndpoints(names, slices, own, headless ? [] : addresses, usable);
  return names.part;
}

/** Whoever deals with its endpoints is to disregard whether they are ready (ServiceSpec.publishNotReadyAddresses). */
function isTolerant({ metadata, spec }: Service): boolean {
  return spec?.publishNotReadyAddresses === true || metadata?.annotations?.[TOLERATE_UNREADY] === 'true';
}

/** Left out: upstream's reading of an old slice. */
const isReady = ({ conditions }: SliceEndpoint): boolean => conditions?.ready !== false;

function clusterAddresses(service: Service): readonly string[] {
  const { clusterIPs = [], clusterIP = '' } = service.spec ?? {};
  return (clusterIPs.length > 0 ? clusterIPs : [clusterIP]).filter((address) => address !== '');
}

function addPorts(names: Names, service: Service, own: string): void {
  for (const { name = '', protocol = 'TCP', port } of service.spec?.ports ?? []) {
    if (name === '') continue;
    names.add(portOwner(name, protocol, own), { type: 'SRV', priority: 0, weight: FULL_WEIGHT, port, target: own });
  }
}

/** `addresses` are the Service's own; one without any is headless. */
function addEndpoints(
  names: Names,
  slices: readonly EndpointSlice[],
  own: string,
  addresses: readonly string[],
  usable: (endpoint: SliceEndpoint) => boolean,
): void {
  const headless = addresses.length === 0;
  const targets = new Map<string, { readonly owner: string; readonly port: number; readonly target: string }>();
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = endpoint.addresses;
      if (address === undefined || !usable(endpoint)) continue;
      const target = `${endpointLabel(endpoint, address)}.${own}`;
      names.add(target, addressRecord(address));
      // An address that is the Service's is called by the Service's name.
      if (!addresses.includes(address)) names.addReverse(address, target);
      if (!headless) continue;
      names.add(own, addressRecord(address));
      for (const { name = '', protocol = 'TCP', port = 0 } of slice.ports ?? []) {
        if (name === '' || port === 0) continue;
        const owner = portOwner(name, protocol, own);
        targets.set(`${owner} ${port} ${target}`, { owner, port, target });
      }
    }
  }
  for (const [owner, list] of Map.groupBy(targets.values(), (each) => each.owner)) {
    const weight = Math.max(1, Math.floor(FULL_WEIGHT / list.length));
    for (const { port, target } of list) names.add(owner, { type: 'SRV', priority: 0, weight, port, target });
  }
}

function endpointLabel({ hostname = '' }: SliceEndpoint, address: string): string {
  return hostname === '' ? dashedAddress(address) : hostname.toLowerCase();
}

function portOwner(port: string, protocol: string, own: string): string {
  return `_${port}._${protocol}.${own}`.toLowerCase();
}

/** Records by owner, each once: a pod may stand in two slices while it moves between them. */
class Names {
  readonly part = new Map<string, DnsRecord[]>();
  readonly #seen = new Set<string>();

  add(owner: string, record: DnsRecord): void {
    const key = `${owner} ${JSON.stringify(record)}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const records = this.part.get(owner);
    if (records === undefined) this.part.set(owner, [record]);
    else records.push(record);
  }

  addReverse(address: string, target: string): void {
    const owner = reverseName(address);
    if (owner !== undefined) this.add(owner, { type: 'PTR', target });
  }
}
