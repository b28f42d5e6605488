// Service ports of a cluster of any size, as a node's rules are made of them.
// Knows no driver.
import type { L4ServicePort } from '../../src/traffic/model/l4/service-port.ts';
import type { NodeFacts } from '../../src/traffic/snapshot/rules/node-facts.ts';
import { l4Endpoint, l4Port, nodeFacts } from '../../src/traffic/snapshot/rules/testing.ts';

export const NODE: NodeFacts = nodeFacts({
  addresses: ['10.200.0.1'],
  nodePortAddresses: [],
  podRanges: ['10.128.0.0/9'],
  serviceRanges: ['10.96.0.0/12'],
});

export function clusterIp(number: number): string {
  return `10.${96 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

export function podIp(number: number): string {
  return `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

/** Two endpoints of its own for each Service, unless said otherwise. */
export function service(number: number, endpoints = 2, firstPod = 2 * number): L4ServicePort {
  const pods = Array.from({ length: endpoints }, (_, at) => l4Endpoint(podIp(firstPod + at)));
  return l4Port({ service: `shop/service-${number}`, clusterIP: clusterIp(number), endpoints: pods });
}

export function services(count: number): ReadonlyMap<string, L4ServicePort> {
  const ports = Array.from({ length: count }, (_, at) => service(at));
  return new Map(ports.map((port) => [port.name, port]));
}
