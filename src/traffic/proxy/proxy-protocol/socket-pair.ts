// The two ends of a connection, and IP addresses as bytes and text.
// Knows nothing of the PROXY protocol's layout.

import { isIPv4 } from 'node:net';

export interface SocketEnd {
  /** IPv4 or IPv6 text; never an IPv4-mapped IPv6 address. */
  readonly address: string;
  readonly port: number;
}

/** Who connected, and to what. */
export interface SocketPair {
  readonly source: SocketEnd;
  readonly destination: SocketEnd;
}

export function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** Canonical text (RFC 5952); an IPv4-mapped address as IPv4. */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[at + i] as number) << 8) | (bytes[at + i + 1] as number));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return ipv4Text(bytes, at + 12);
  let [bestAt, best] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > best) [bestAt, best] = [i, run];
  }
  const text = (list: readonly number[]): string => list.map((group) => group.toString(16)).join(':');
  return bestAt < 0 ? text(groups) : `${text(groups.slice(0, bestAt))}::${text(groups.slice(bestAt + best))}`;
}

/** The sixteen bytes of an address; IPv4 as IPv4-mapped. The text must be an address. */
export function ipv6Bytes(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  if (isIPv4(address)) {
    bytes.fill(0xff, 10, 12);
    bytes.set(address.split('.').map(Number), 12);
    return bytes;
  }
  // A tail in dotted form is two groups.
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain =
    dotted === null
      ? address
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail)];
  left.forEach((group, i) => {
    bytes.writeUInt16BE(group, i * 2);
  });
  right.forEach((group, i) => {
    bytes.writeUInt16BE(group, 16 - (right.length - i) * 2);
  });
  return bytes;
}
