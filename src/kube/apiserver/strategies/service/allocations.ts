// The cluster IPs and node ports that Services hold, kept true by following the stored Services.
// Knows which fields of a Service hold one; when to ask for them is the strategy's matter.
import { type AnyObject, digArray, digNumber, digString } from '../../registry/any-object.ts';
import type { Collection } from '../../registry/collection.ts';
import { IpPools } from './ip-pools.ts';
import { PortPool, type PortRange } from './port-pool.ts';

export interface ServiceAllocations {
  readonly ips: IpPools;
  readonly ports: PortPool;
}

/** `serviceCidr`: one range, or one of each family after a comma. What is released follows from what is stored, so a crash between two steps leaks nothing. */
export function followServices(
  collection: Collection,
  serviceCidr: string,
  nodePortRange: PortRange,
  random: () => number,
): ServiceAllocations {
  const ips = new IpPools(serviceCidr, random);
  const ports = new PortPool(nodePortRange, random);
  // Kept for the API server's own Service, even while that does not exist.
  ips.reserve(ips.first());
  const hold = (service: AnyObject | undefined): void => {
    for (const ip of clusterIpsOf(service)) ips.reserve(ip);
    for (const port of nodePortsOf(service)) ports.reserve(port);
  };
  for (const { object } of collection.list()) hold(object);
  collection.subscribe(({ type, now, before }) => {
    for (const ip of clusterIpsOf(before?.object)) if (ip !== ips.first()) ips.release(ip);
    for (const port of nodePortsOf(before?.object)) ports.release(port);
    if (type === 'put') hold(now.object);
  });
  return { ips, ports };
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
