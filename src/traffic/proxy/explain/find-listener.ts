// At which listener, or at which address of a Service, a request of somebody's description arrives.
// Knows no route.
import { coversHost, EVERY_HOST } from '#traffic/model/gateway/hostnames.ts';
import type { Listener, ServicePort, TrafficModel, VirtualHost } from '#traffic/model/ir.ts';
import type { Question } from './explanation.ts';

export type Arrived =
  | { readonly type: 'listener'; readonly listener: Listener }
  | { readonly type: 'service'; readonly service: ServicePort };

export type Arrival = Arrived | { readonly type: 'none'; readonly summary: string; readonly remedy: string };

const EVERY_ADDRESS = new Set(['', '0.0.0.0', '::']);

type Tables = Pick<TrafficModel, 'services' | 'virtualHosts'>;

/**
 * `listeners` with the ports that they have, not with the 0 that somebody wrote. Several may have the port, each at an
 * address of its own: then it is the one that the name in the URL would lead to, which has routes for it.
 */
export function findArrival(
  question: Question,
  { services, virtualHosts }: Tables,
  listeners: readonly Listener[],
): Arrival {
  if (question.listener !== '') {
    const listener = listeners.find(({ name }) => name === question.listener);
    if (listener !== undefined) return { type: 'listener', listener };
    return none(`There is no listener "${question.listener}"`, listeners);
  }
  for (const service of services.values()) if (serves(service, question)) return { type: 'service', service };
  const there = listeners.filter(({ port, protocol }) => port === question.port && protocol !== 'udp');
  const address = question.host.replace(/^\[|\]$/g, '');
  const exact = there.find((listener) => listener.address === address);
  const listener =
    exact ??
    there.find((one) => EVERY_ADDRESS.has(one.address)) ??
    there.find((one) => hasHost(one, question.host, virtualHosts.values(), false)) ??
    there.find((one) => hasHost(one, question.host, virtualHosts.values(), true)) ??
    there[0];
  if (listener !== undefined) return { type: 'listener', listener };
  for (const service of services.values()) {
    if (service.port === question.port && namesOf(service).includes(question.host)) return { type: 'service', service };
  }
  return none(`Nothing listens on port ${question.port}`, listeners);
}

/** By which pods of other namespaces find it; what the cluster's domain is called is not known here. */
function namesOf({ name }: ServicePort): string[] {
  const [namespace = '', service = ''] = (name.split(':')[0] ?? '').split('/');
  const short = `${service}.${namespace}`;
  return [short, `${short}.svc`, `${short}.svc.cluster.local`];
}

/** Whether it has routes, or names of TLS, for the host; `anyHost` takes those for every host. */
function hasHost(listener: Listener, host: string, hosts: Iterable<VirtualHost>, anyHost: boolean): boolean {
  const takes = (pattern: string): boolean => (anyHost || pattern !== EVERY_HOST) && coversHost(pattern, host);
  if (listener.passthrough?.some(({ hostnames }) => hostnames.some(takes)) === true) return true;
  for (const { hostname, listeners, routes } of hosts) {
    if (listeners !== undefined && !listeners.includes(listener.name)) continue;
    if (routes.length > 0 && takes(hostname)) return true;
  }
  return anyHost && listener.clusters !== undefined;
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
