// The cluster IPs and node ports that Services hold, kept true by following the stored objects.
// Knows which fields of an object hold one; when to ask for them is the strategy's matter.
import { DEFAULT_SERVICE_CIDR, isAllocated, isReadyRange } from '#kube/api/service-ranges.ts';
import { type AnyObject, digArray, digNumber, digString } from '../../registry/any-object.ts';
import type { Collection } from '../../registry/collection.ts';
import { usableRange } from './ip-pool.ts';
import { IpPools } from './ip-pools.ts';
import { PortPool, type PortRange } from './port-pool.ts';

export interface ServiceAllocations {
  readonly ips: IpPools;
  readonly ports: PortPool;
}

export interface AllocationSources {
  readonly services: Collection;
  /** ServiceCIDRs: what addresses are taken from; while there are none, it is what the server was started with. */
  readonly ranges: Collection;
  /** IPAddresses: those that somebody else has made keep an address from Services. */
  readonly addresses: Collection;
}

/** `serviceCidr`: one range, or one of each family after a comma. What is released follows from what is stored, so a crash between two steps leaks nothing. */
export function followServices(
  { services, ranges, addresses }: AllocationSources,
  serviceCidr: string,
  nodePortRange: PortRange,
  random: () => number,
): ServiceAllocations {
  const ips = new IpPools(serviceCidr, random);
  const ports = new PortPool(nodePortRange, random);
  // Kept for the API server's own Service, even while that does not exist.
  ips.hold(ips.first());
  const hold = (service: AnyObject | undefined): void => {
    for (const ip of clusterIpsOf(service)) ips.hold(ip);
    for (const port of nodePortsOf(service)) ports.reserve(port);
  };
  for (const { object } of services.list()) hold(object);
  services.subscribe(({ type, now, before }) => {
    for (const ip of clusterIpsOf(before?.object)) if (ip !== ips.first()) ips.release(ip);
    for (const port of nodePortsOf(before?.object)) ports.release(port);
    if (type === 'put') hold(now.object);
  });
  for (const { object } of addresses.list()) if (!isAllocated(object)) ips.hold(nameOf(object));
  addresses.subscribe(({ type, now, before }) => {
    if (before !== undefined && !isAllocated(before.object)) ips.release(nameOf(before.object));
    if (type === 'put' && !isAllocated(now.object)) ips.hold(nameOf(now.object));
  });
  const useRanges = (): void => {
    const stored = ranges.list().map(({ object }) => object);
    if (stored.length > 0) ips.use(readyRanges(stored));
  };
  useRanges();
  ranges.subscribe(useRanges);
  return { ips, ports };
}

const nameOf = (object: AnyObject): string => object.metadata?.name ?? '';

/** The default one first, and each once: two objects may name the same. Ranges too small or too large for us give nothing. */
function readyRanges(stored: readonly AnyObject[]): string[] {
  const ready = stored.filter((object) => isReadyRange(object));
  const isDefault = (object: AnyObject): boolean => nameOf(object) === DEFAULT_SERVICE_CIDR;
  const ordered = [...ready.filter(isDefault), ...ready.filter((object) => !isDefault(object))];
  return [...new Set(ordered.flatMap((object) => digArray(object, 'spec', 'cidrs').map(String)))].filter(usableRange);
}

/** The addresses a Service holds; headless and ExternalName Services hold none. */
export function clusterIpsOf(service: AnyObject | undefined): string[] {
  if (digString(service, 'spec', 'type') === 'ExternalName') return [];
  const listed = digArray(service, 'spec', 'clusterIPs').map(String);
  const all = listed.length > 0 ? listed : [digString(service, 'spec', 'clusterIP')];
  return all.filter((ip) => ip !== '' && ip !== 'None');
}

/** Every node port once, the health check's included: TCP and UDP of one Service may share a number. */
export function nodePortsOf(service: AnyObject | undefined): Set<number> {
  const ports = digArray(service, 'spec', 'ports').map((port) => digNumber(port, 'nodePort') ?? 0);
  ports.push(digNumber(service, 'spec', 'healthCheckNodePort') ?? 0);
  return new Set(ports.filter((port) => port > 0));
}
