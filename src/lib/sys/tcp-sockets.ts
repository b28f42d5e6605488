// TCP connections of a network namespace as the kernel lists them, and their end on demand (sock_diag, SOCK_DESTROY).
// Knows the kernel's messages; which connections should end is decided elsewhere.
import ipaddr from 'ipaddr.js';
import { SystemCallError } from './errno.ts';
import { closeSocket, openSocket, receive, send } from './socket.ts';
import { AF_INET, AF_INET6 } from './socket-address.ts';

export interface TcpSocket {
  /** Of IPv4 also where the socket is one of IPv6 (::ffff:a.b.c.d). */
  readonly local: { readonly address: string; readonly port: number };
  readonly peer: { readonly address: string; readonly port: number };
  /** Unique on the machine. */
  readonly cookie: bigint;
}

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const REQUEST_DUMP = 0x301;
const REQUEST_ACK = 0x5;
const IPPROTO_TCP = 6;
/** ESTABLISHED, SYN_SENT and CLOSE_WAIT: whoever has one of these may yet wait for the other side. */
const STATES = (1 << 1) | (1 << 2) | (1 << 8);
const HEADER = 16;
/** `struct inet_diag_req_v2`; its identity of the socket begins at 8, that of the answer (`inet_diag_msg`) at 4. */
const REQUEST = 56;
const ANSWER = 72;
const IDENTITY = 48;
const ENOENT = 2;
const KERNEL = { family: 'netlink', port: 0, groups: 0 } as const;
const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Ends the connections of the calling thread's network namespace that `isMeant`: their owner gets ECONNABORTED, the
 * other side RST. Returns how many. Needs CAP_NET_ADMIN; throws a `SystemCallError`, EOPNOTSUPP where the kernel was
 * built without CONFIG_INET_DIAG_DESTROY.
 */
export function destroyTcp(isMeant: (socket: TcpSocket) => boolean): number {
  const fd = openSocket('netlink', 'raw', NETLINK_SOCK_DIAG);
  try {
    let count = 0;
    for (const family of [AF_INET, AF_INET6]) {
      const meant: Uint8Array[] = [];
      send(fd, request(SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, family), KERNEL);
      readAnswers(fd, (message) => {
        const identity = message.slice(HEADER + 4, HEADER + 4 + IDENTITY);
        if (isMeant(socketOf(identity, message[HEADER] === AF_INET))) meant.push(identity);
      });
      for (const identity of meant) {
        send(fd, request(SOCK_DESTROY, REQUEST_ACK, family, identity), KERNEL);
        // One that has just ended by itself is as wanted.
        if (readAnswers(fd, () => undefined) !== ENOENT) count += 1;
      }
    }
    return count;
  } finally {
    closeSocket(fd);
  }
}

function request(type: number, flags: number, family: number, identity?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + REQUEST);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, little);
  view.setUint16(4, type, little);
  view.setUint16(6, flags, little);
  bytes[HEADER] = family;
  bytes[HEADER + 1] = IPPROTO_TCP;
  view.setUint32(HEADER + 4, STATES, little);
  if (identity !== undefined) bytes.set(identity, HEADER + 8);
  return bytes;
}

/** To the end of the answer. Returns ENOENT for what is not there, else 0; throws other refusals. */
function readAnswers(fd: number, onSocket: (message: Uint8Array) => void): number {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    // The kernel has answered by the time a request is sent, and goes on as its answers are read.
    const message = receive(fd, buffer);
    if (message === undefined) throw new Error('the kernel did not end its answer about TCP sockets');
    const view = new DataView(buffer.buffer, 0, message.bytes.length);
    for (let at = 0; at + HEADER <= view.byteLength; ) {
      const length = view.getUint32(at, little);
      const type = view.getUint16(at + 4, little);
      if (length < HEADER || at + length > view.byteLength) break;
      if (type === NLMSG_DONE) return 0;
      if (type === NLMSG_ERROR) {
        const error = -view.getInt32(at + HEADER, little);
        if (error !== 0 && error !== ENOENT) throw new SystemCallError('sock_diag', error);
        return error;
      }
      if (type === SOCK_DIAG_BY_FAMILY && length >= HEADER + ANSWER) onSocket(buffer.subarray(at, at + length));
      at += (length + 3) & ~3;
    }
  }
}

/** `struct inet_diag_sockid`: ports and addresses in network order, an interface, and the cookie. */
function socketOf(identity: Uint8Array, isV4: boolean): TcpSocket {
  const view = new DataView(identity.buffer, identity.byteOffset, identity.byteLength);
  const address = (at: number): string => {
    const parsed = ipaddr.fromByteArray([...identity.subarray(at, at + (isV4 ? 4 : 16))]);
    return parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()
      ? parsed.toIPv4Address().toString()
      : parsed.toString();
  };
  return {
    local: { address: address(4), port: view.getUint16(0) },
    peer: { address: address(20), port: view.getUint16(2) },
    cookie: view.getBigUint64(40, little),
  };
}
