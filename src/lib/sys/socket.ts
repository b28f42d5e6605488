// Sockets that Node cannot make (netlink, packet, raw) and options that it cannot set, by file descriptor.
// Never waits: every socket made here is non-blocking. Knows no protocol above the socket.
import { closeSync } from 'node:fs';
import { SystemCallError } from './errno.ts';
import { libc } from './libc.ts';
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_PACKET,
  decodeSocketAddress,
  encodeSocketAddress,
  type SocketAddress,
} from './socket-address.ts';
import { checked, outcome } from './system-call.ts';

export const SOCKET_DOMAINS = { inet: AF_INET, inet6: AF_INET6, netlink: AF_NETLINK, packet: AF_PACKET } as const;
export const SOCKET_TYPES = { stream: 1, datagram: 2, raw: 3 } as const;

/** Levels of `setSocketOption`; further ones stand in the kernel's `linux/socket.h` (netlink 270, packet 263). */
export const SOL_SOCKET = 1;
export const SOL_TCP = 6;

const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const AGAIN = 11;
const LONGEST_ADDRESS = 128;

/**
 * A new socket of the calling thread's network namespace (network-namespace.ts); non-blocking, closed in children.
 * The caller closes the number, or gives it away (node-streams.ts). A packet socket's `protocol` is an EtherType.
 */
export function openSocket(domain: keyof typeof SOCKET_DOMAINS, type: keyof typeof SOCKET_TYPES, protocol = 0): number {
  const flags = SOCKET_TYPES[type] | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const wire = domain === 'packet' ? ((protocol & 0xff) << 8) | (protocol >> 8) : protocol;
  return checked('socket', libc().socket(SOCKET_DOMAINS[domain], flags, wire), `domain "${domain}"`);
}

export function bindSocket(fd: number, address: SocketAddress): void {
  const bytes = encodeSocketAddress(address);
  checked('bind', libc().bind(fd, bytes, bytes.length), describe(address));
}

export function localAddress(fd: number): SocketAddress | undefined {
  const bytes = new Uint8Array(LONGEST_ADDRESS);
  const length = new Uint32Array([bytes.length]);
  checked('getsockname', libc().getsockname(fd, bytes, new Uint8Array(length.buffer)));
  return decodeSocketAddress(bytes.subarray(0, length[0]));
}

/** A number is written as a C int. */
export function setSocketOption(fd: number, level: number, option: number, value: number | Uint8Array): void {
  const bytes = typeof value === 'number' ? new Uint8Array(new Int32Array([value]).buffer) : value;
  checked('setsockopt', libc().setsockopt(fd, level, option, bytes, bytes.length), `level ${level}, option ${option}`);
}

/** What the kernel wrote, at most `size` bytes. */
export function socketOption(fd: number, level: number, option: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const length = new Uint32Array([size]);
  checked('getsockopt', libc().getsockopt(fd, level, option, bytes, new Uint8Array(length.buffer)), `option ${option}`);
  return bytes.subarray(0, length[0]);
}

/** Bytes sent, or undefined when the kernel would have to wait for room. */
export function send(fd: number, bytes: Uint8Array, to?: SocketAddress): number | undefined {
  const address = to === undefined ? null : encodeSocketAddress(to);
  const sent = outcome(libc().sendto(fd, bytes, bytes.length, 0, address, address?.length ?? 0));
  if (sent === -AGAIN) return undefined;
  if (sent < 0) throw new SystemCallError('sendto', -sent, to && describe(to));
  return sent;
}

export interface Received {
  /** A view into the buffer that was handed in. */
  readonly bytes: Uint8Array;
  readonly from: SocketAddress | undefined;
}

/** One message into `buffer`, or undefined when none waits. What does not fit into `buffer` is lost. */
export function receive(fd: number, buffer: Uint8Array): Received | undefined {
  const address = new Uint8Array(LONGEST_ADDRESS);
  const length = new Uint32Array([address.length]);
  const count = outcome(libc().recvfrom(fd, buffer, buffer.length, 0, address, new Uint8Array(length.buffer)));
  if (count === -AGAIN) return undefined;
  if (count < 0) throw new SystemCallError('recvfrom', -count);
  return { bytes: buffer.subarray(0, count), from: decodeSocketAddress(address.subarray(0, length[0])) };
}

/** Messages of one wake-up; then the loop turns, so that a flood on one socket does not starve the rest. */
const PER_WAKE_UP = 64;

/**
 * Calls `onMessage` for each message that arrives, from the event loop; `onError` for what the kernel says instead
 * (ENOBUFS on netlink: messages were lost, list anew). `bytes` are valid during the call only. Returns what ends it;
 * end it before closing `fd`. Does not keep the process alive.
 */
export function receiveAll(
  fd: number,
  onMessage: (message: Received) => void,
  onError: (error: Error) => void,
  bufferSize = 65_536,
): () => void {
  const buffer = new Uint8Array(bufferSize);
  let open = true;
  const stop = libc().watchReadable(fd, () => {
    for (let count = 0; open && count < PER_WAKE_UP; count++) {
      let message: Received | undefined;
      try {
        message = receive(fd, buffer);
      } catch (error) {
        onError(error as Error);
        return;
      }
      if (message === undefined) return;
      onMessage(message);
    }
  });
  return () => {
    if (!open) return;
    open = false;
    stop();
  };
}

export function closeSocket(fd: number): void {
  closeSync(fd);
}

function describe(address: SocketAddress): string {
  if (address.family === 'inet') return `${address.address} port ${address.port}`;
  if (address.family === 'netlink') return `netlink port ${address.port}`;
  return `interface ${address.link}`;
}
