// Why sockets of Gateways could not be opened, in words that their owners can act on.
// Pure; knows no engine.
import type { SocketFaults } from '#traffic/model/gateway/gateway-status.ts';
import type { Listener } from '#traffic/model/ir.ts';

export function socketFaults(
  listeners: ReadonlyMap<string, Listener>,
  errors: ReadonlyMap<string, Error>,
): SocketFaults {
  const faults = new Map<string, string>();
  for (const [name, error] of errors) {
    const listener = listeners.get(name);
    if (listener !== undefined) faults.set(name, describe(listener, error));
  }
  return faults;
}

function describe({ address, port }: Listener, error: Error & { readonly code?: string }): string {
  const where = `${address}:${port}`;
  switch (error.code) {
    case 'EACCES':
      return `${where} needs more rights than this user has: start evenkeel as root, or choose a port above 1023`;
    case 'EADDRINUSE':
      return `${where} is taken by another process of this machine: end it, or choose another port`;
    case 'EADDRNOTAVAIL':
      return `${where} cannot be listened at, for this machine has no such address: ask for one that it has`;
    default:
      return `${where}: ${error.message}`;
  }
}
