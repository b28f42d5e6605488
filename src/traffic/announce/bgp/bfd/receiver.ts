// The socket that BFD packets come in at; where the kernel can be asked, only those that no router has passed on.
// Knows no packet beyond its TTL.
import { createSocket, type Socket } from 'node:dgram';
import { libc, libcObstacle } from '#lib/sys/libc.ts';
import { bindSocket, closeSocket, openSocket, SOL_SOCKET, setSocketOption } from '#lib/sys/socket.ts';
import type { Family } from '../wire/family.ts';

const SO_ATTACH_FILTER = 26;
const SOL_IPV6 = 41;
const IPV6_V6ONLY = 26;
const ANY: Readonly<Record<Family, string>> = { ipv4: '0.0.0.0', ipv6: '::' };
const FULL_TTL = 255;
/** Where the kernel finds the header of the network layer, and the TTL or hop limit within. */
const NETWORK_HEADER = 0xfff0_0000;
const TTL_AT: Readonly<Record<Family, number>> = { ipv4: 8, ipv6: 7 };

/** Listens on `port`; `direct` packets have a TTL of 255 (RFC 5881, 5), as far as that can be seen here. */
export function bfdReceiver(family: Family, port: number, direct: boolean): Socket {
  const ipv6 = family === 'ipv6';
  const socket = createSocket({ type: ipv6 ? 'udp6' : 'udp4', ipv6Only: ipv6 });
  if (!direct || libcObstacle() !== undefined) {
    return socket.bind({ port, address: ANY[family], exclusive: true });
  }
  let fd: number | undefined;
  try {
    fd = openSocket(ipv6 ? 'inet6' : 'inet', 'datagram');
    if (ipv6) setSocketOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    onlyFullTtl(fd, family);
    bindSocket(fd, { family: 'inet', address: ANY[family], port });
    return socket.bind({ fd });
  } catch (error) {
    if (fd !== undefined) closeSocket(fd);
    // As Node tells it: to whoever listens by then.
    queueMicrotask(() => socket.emit('error', error as Error));
    return socket;
  }
}

/** A classic filter program: load the byte, compare, take all of the packet or none of it. */
function onlyFullTtl(fd: number, family: Family): void {
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  const steps: readonly (readonly [code: number, ifTrue: number, ifFalse: number, value: number])[] = [
    [0x30, 0, 0, NETWORK_HEADER + TTL_AT[family]],
    [0x15, 0, 1, FULL_TTL],
    [0x06, 0, 0, 0xffff_ffff],
    [0x06, 0, 0, 0],
  ];
  const program = new Uint8Array(steps.length * 8);
  const view = new DataView(program.buffer);
  for (const [index, [code, ifTrue, ifFalse, value]] of steps.entries()) {
    view.setUint16(index * 8, code, little);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, value, little);
  }
  // struct sock_fprog: a count, and a pointer on the next boundary of eight bytes.
  const described = new DataView(new ArrayBuffer(16));
  described.setUint16(0, steps.length, little);
  described.setBigUint64(8, BigInt(libc().address(program)), little);
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(described.buffer));
}
