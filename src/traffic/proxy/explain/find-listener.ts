// At which listener, or at which address of a Service, a request of somebody's description arrives.
// Knows no route.
import type { Listener, ServicePort } from '#traffic/model/ir.ts';
import type { Question } from './explanation.ts';

export type Arrived =
  | { readonly type: 'listener'; readonly listener: Listener }
  | { readonly type: 'service'; readonly service: ServicePort };

export type Arrival = Arrived | { readonly type: 'none'; readonly summary: string; readonly remedy: string };

const EVERY_ADDRESS = new Set(['', '0.0.0.0', '::']);

/** `listeners` with the ports that they have, not with the 0 that somebody wrote. */
export function findArrival(
  question: Question,
  listeners: readonly Listener[],
  services: Iterable<ServicePort>,
): Arrival {
  if (question.listener !== '') {
    const listener = listeners.find(({ name }) => name === question.listener);
    if (listener !== undefined) return { type: 'listener', listener };
    return none(`There is no listener "${question.listener}"`, listeners);
  }
  for (const service of services) if (serves(service, question)) return { type: 'service', service };
  const there = listeners.filter(({ port, protocol }) => port === question.port && protocol !== 'udp');
  const address = question.host.replace(/^\[|\]$/g, '');
  const exact = there.find((listener) => listener.address === address);
  const listener = exact ?? there.find((one) => EVERY_ADDRESS.has(one.address)) ?? there[0];
  if (listener !== undefined) return { type: 'listener', listener };
  return none(`Nothing listens on port ${question.port}`, listeners);
}

function serves(service: ServicePort, { host, port }: Question): boolean {
  const addresses = [...service.clusterIPs, ...service.externalIPs, ...service.loadBalancerIPs];
  if (addresses.includes(host)) return service.port === port;
  return service.nodePort !== 0 && service.nodePort === port;
}

function none(summary: string, listeners: readonly Listener[]): Arrival {
  if (listeners.length === 0) return { type: 'none', summary, remedy: 'There are no listeners at all' };
  const there = listeners.map(({ name, protocol, port }) => `${name} (${protocol}, port ${port})`).join(', ');
  return {
    type: 'none',
    summary,
    remedy: `There are: ${there}; ask for one of these ports, or name one with --listener`,
  };
}
