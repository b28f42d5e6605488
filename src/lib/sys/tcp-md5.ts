// The key of TCP MD5 signatures (RFC 2385) towards one peer: the socket option that BGP sessions with a password need.
// Knows nothing of BGP.

import { SOL_TCP, setSocketOption } from './socket.ts';
import { encodeSocketAddress, type InternetAddress } from './socket-address.ts';

const TCP_MD5SIG = 14;
const TCP_MD5SIG_EXT = 32;
const WITH_PREFIX = 1;
/** struct tcp_md5sig: sockaddr_storage (128), flags (1), prefix length (1), key length (2), interface (4), key (80). */
const SIZE = 216;
const LONGEST_KEY = 80;

/**
 * From now on segments to and from `peer` carry and need a signature by `key`; an empty key takes it away. Set it on a
 * listening socket, or before connecting; the port of `peer` is ignored. `prefixLength` covers a range of peers.
 * An IPv6 socket wants IPv4 peers written as `::ffff:192.0.2.1`. Throws for keys over 80 bytes.
 */
export function setTcpMd5Key(fd: number, peer: InternetAddress, key: Uint8Array, prefixLength?: number): void {
  if (key.length > LONGEST_KEY) {
    throw new RangeError(`TCP MD5 key for ${peer.address} has ${key.length} bytes; give at most ${LONGEST_KEY}`);
  }
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(encodeSocketAddress({ ...peer, port: 0 }), 0);
  if (prefixLength !== undefined) {
    bytes[128] = WITH_PREFIX;
    bytes[129] = prefixLength;
  }
  view.setUint16(130, key.length, new Uint8Array(new Uint16Array([1]).buffer)[0] === 1);
  bytes.set(key, 136);
  setSocketOption(fd, SOL_TCP, prefixLength === undefined ? TCP_MD5SIG : TCP_MD5SIG_EXT, bytes);
}
