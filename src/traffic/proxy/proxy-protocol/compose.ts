// Writes the PROXY protocol header that tells a backend who the client is.
// Knows nothing of sockets; addresses of two families meet as IPv6.

import { isIPv4 } from 'node:net';
import { ipv6Bytes, ipv6Text, type SocketPair } from './socket-pair.ts';

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const PROXY = 0x21;

/** Without a `pair` the header says that the connection is the proxy's own, e.g. a health check. */
export function composeProxyHeader(version: 'v1' | 'v2', pair: SocketPair | undefined): Buffer {
  return version === 'v1' ? Buffer.from(composeV1(pair), 'latin1') : composeV2(pair);
}

function composeV1(pair: SocketPair | undefined): string {
  if (pair === undefined) return 'PROXY UNKNOWN\r\n';
  const { source, destination } = pair;
  const four = isIPv4(source.address) && isIPv4(destination.address);
  const text = four ? (address: string): string => address : mappedText;
  return `PROXY ${four ? 'TCP4' : 'TCP6'} ${text(source.address)} ${text(destination.address)} ${source.port} ${destination.port}\r\n`;
}

/** As IPv6 text, IPv4 in its mapped form. */
function mappedText(address: string): string {
  return isIPv4(address) ? `::ffff:${address}` : ipv6Text(ipv6Bytes(address), 0);
}

function composeV2(pair: SocketPair | undefined): Buffer {
  // LOCAL, unspecified, no addresses.
  if (pair === undefined) return Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])]);
  const { source, destination } = pair;
  const four = isIPv4(source.address) && isIPv4(destination.address);
  const bytes = (address: string): Buffer => (four ? ipv6Bytes(address).subarray(12) : ipv6Bytes(address));
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const head = Buffer.from([PROXY, four ? 0x11 : 0x21, 0, four ? 12 : 36]);
  return Buffer.concat([signature, head, bytes(source.address), bytes(destination.address), ports]);
}
