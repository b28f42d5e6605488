// Leads what pods send to a cluster IP to a proxy on their own node, and leaves every other way to the Service as it is.
// Pure; knows no route. Drivers see a port whose one endpoint is that proxy.
import type { Address } from '../ir-base.ts';
import type { L4ServicePort } from './service-port.ts';

export interface Detour {
  /** Of this node. */
  readonly address: Address;
  readonly port: number;
}

/** By `detourKey`. */
export type Detours = ReadonlyMap<string, Detour>;

export function detourKey({
  service,
  portName,
  family,
}: Pick<L4ServicePort, 'service' | 'portName' | 'family'>): string {
  return `${service}:${portName}/${family}`;
}

/** The port itself without a detour; else one for pods, and one for who comes from outside where there is a way in. */
export function withDetour(port: L4ServicePort, detours: Detours, node: string): readonly L4ServicePort[] {
  const detour = port.protocol === 'TCP' && port.clusterIP !== '' ? detours.get(detourKey(port)) : undefined;
  if (detour === undefined) return [port];
  const isOpen = port.nodePort !== 0 || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0;
  const inside: L4ServicePort = {
    ...port,
    externalIPs: [],
    loadBalancerIPs: [],
    loadBalancerSources: undefined,
    nodePort: 0,
    // The proxy is on the node, and chooses among all that there is.
    internalLocal: false,
    externalLocal: false,
    affinitySeconds: 0,
    pick: 'random',
    healthCheckNodePort: 0,
    endpoints: [
      {
        address: detour.address,
        port: detour.port,
        weight: 1,
        node,
        ready: true,
        serving: true,
        terminating: false,
        hintedNodes: [],
        hintedZones: [],
      },
    ],
  };
  if (!isOpen) return [inside];
  return [
    { ...inside, name: `${port.name}/mesh` },
    { ...port, clusterIP: '' },
  ];
}
