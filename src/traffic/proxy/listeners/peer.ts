// The two ends of an accepted socket.
// Knows nothing of what is carried.

import type { Socket } from 'node:net';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';

/** Undefined when the client has gone already. */
export function socketPair(socket: Socket): SocketPair | undefined {
  const address = plainAddress(socket.remoteAddress);
  if (address === '') return undefined;
  return {
    source: { address, port: socket.remotePort ?? 0 },
    destination: { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 },
  };
}

/** An IPv4 client of a dual-stack socket counts under its IPv4 address. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
