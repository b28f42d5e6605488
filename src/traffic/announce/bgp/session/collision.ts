// Two connections to one peer: which one stays (RFC 4271, 6.8; RFC 6286; RFC 4724, 4.2).
// Pure.
import { addressBytes } from '../wire/family.ts';

export interface Side {
  readonly routerId: string;
  readonly as: number;
}

/** Whether the connection that the peer made is the one to keep: it is when the peer has the greater identifier. */
export function keepsIncoming(own: Side, peer: Side): boolean {
  const order = number(own.routerId) - number(peer.routerId);
  return order === 0 ? own.as < peer.as : order < 0;
}

function number(routerId: string): number {
  return addressBytes(routerId)?.readUInt32BE() ?? 0;
}
