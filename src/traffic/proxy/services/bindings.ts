// Which addresses and ports a Service is served on, and what to tell when one cannot be bound.
// Knows nothing of sockets.

import type { ServicePort } from '#traffic/model/ir.ts';

export interface Binding {
  /** Unique: `namespace/service:port@address:port/protocol`. */
  readonly key: string;
  /** What `Engine.address` knows it by: `namespace/service:port@address:port`, with the port asked for. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly service: ServicePort;
  /** It is a cluster IP. */
  readonly inside: boolean;
}

/**
 * Cluster IPs; the node port on every node address; external and load-balancer addresses where `isLocal` says that
 * this machine has them. SCTP is not served: no user-space socket for it exists.
 */
export function bindingsOf(
  service: ServicePort,
  nodeAddresses: readonly string[],
  isLocal: (address: string) => boolean,
): Binding[] {
  if (service.protocol === 'SCTP') return [];
  const bindings = new Map<string, Binding>();
  const add = (address: string, port: number, inside = false): void => {
    const name = `${service.name}@${address}:${port}`;
    const key = `${name}/${service.protocol}`;
    bindings.set(key, { key, name, address, port, service, inside });
  };
  for (const address of service.clusterIPs) add(address, service.port, true);
  for (const address of service.externalIPs) if (isLocal(address)) add(address, service.port);
  for (const address of service.loadBalancerIPs) if (isLocal(address)) add(address, service.port);
  if (service.nodePort > 0) for (const address of nodeAddresses) add(address, service.nodePort);
  return [...bindings.values()];
}

/** One sentence that names the Service, the address and the remedy. */
export function listenFailure(binding: Binding, code: string, message: string): string {
  const where = `Cannot serve Service "${binding.service.name}" on ${binding.address}:${binding.port}`;
  if (code === 'EACCES') {
    const sysctl = `sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${binding.port}`;
    return `${where}: ports below 1024 need privileges; allow it with "${sysctl}", run as root, or choose a Service port of 1024 or more`;
  }
  if (code === 'EADDRINUSE') return `${where}: the port is taken; stop the process that listens there`;
  if (code === 'EADDRNOTAVAIL') {
    return `${where}: this machine has no such address; choose Service addresses within 127.0.0.0/8`;
  }
  return `${where}: ${message}`;
}
