// Opens the sockets of the user-space driver, in whichever network namespace, for addresses no interface has.
// Knows no rule. Without koffi, Node's own sockets do: in this namespace, for addresses it has, and nobody is dropped.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Server, type Socket } from 'node:net';
import type { Family } from '#lib/ip.ts';
import { libc, libcObstacle } from '#lib/sys/libc.ts';
import { inNetworkNamespace } from '#lib/sys/network-namespace.ts';
import { connectOn, descriptorOf, listenOn } from '#lib/sys/node-streams.ts';
import { bindSocket, closeSocket, openSocket, SOL_SOCKET, setSocketOption } from '#lib/sys/socket.ts';
import { filterBytes, type Instruction } from './source-filter.ts';

const SO_REUSEADDR = 2;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const SOL_IP = 0;
const SOL_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** Bound to an address that no interface has; and answering from it though it is in no table of local addresses. */
const OPTIONS = {
  IPv4: { level: SOL_IP, freebind: 15, transparent: 19 },
  IPv6: { level: SOL_IPV6, freebind: 78, transparent: 75 },
} as const;
const BACKLOG = 1024;

export interface Place {
  readonly family: Family;
  readonly address: string;
  readonly port: number;
  /** Packets for it are led here by routes of ours, whether an interface has the address or not. */
  readonly led: boolean;
}

export class DriverSockets {
  readonly #netns: string | undefined;
  readonly #direct: boolean;

  constructor(netns: string | undefined) {
    this.#netns = netns;
    this.#direct = libcObstacle() === undefined;
  }

  /** Whether sources can be dropped before they are answered. */
  get filters(): boolean {
    return this.#direct;
  }

  /** Rejects with what binding threw. */
  async listen(server: Server, place: Place, filter: readonly Instruction[] | undefined): Promise<void> {
    if (this.#direct) {
      await listenOn(server, this.#bound('stream', place, filter), { backlog: BACKLOG });
      return;
    }
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const { address, port, family } = place;
      server.listen({ host: address, port, backlog: BACKLOG, ipv6Only: family === 'IPv6' }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  /** Rejects with what binding threw; `fd` is for `refilter`. */
  async datagrams(
    place: Place,
    filter: readonly Instruction[] | undefined,
  ): Promise<{ readonly socket: UdpSocket; readonly fd: number | undefined }> {
    const { family, address, port } = place;
    const fd = this.#direct ? this.#bound('datagram', place, filter) : undefined;
    const socket = createSocket({ type: typeOf(family), ...(family === 'IPv6' ? { ipv6Only: true } : {}) });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(fd === undefined ? { address, port, exclusive: true } : { fd, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return { socket, fd };
  }

  /** Those that were accepted before keep the program they came with. */
  refilter(holder: Server | number | undefined, filter: readonly Instruction[] | undefined): void {
    const fd = typeof holder === 'object' ? descriptorOf(holder) : holder;
    if (this.#direct && fd !== undefined) attach(fd, filter);
  }

  /** Throws where no socket is left; else its `error` and `close` say what comes of it. */
  connect(address: string, port: number): Socket {
    if (this.#netns === undefined) {
      return connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    }
    const socket = connectOn(this.#open(familyOfAddress(address), 'stream'), { family: 'inet', address, port });
    socket.allowHalfOpen = true;
    return socket.setNoDelay(true);
  }

  /** A socket for datagrams to one endpoint; throws where no socket is left. */
  towards(address: string): UdpSocket {
    const family = familyOfAddress(address);
    const socket = createSocket(typeOf(family));
    if (this.#netns === undefined) return socket;
    const fd = this.#open(family, 'datagram');
    // Bound before it is read from and connected: bound by connecting, of IPv6, answers to clients were lost now and then.
    if (family === 'IPv6') setSocketOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    bindSocket(fd, { family: 'inet', address: family === 'IPv4' ? '0.0.0.0' : '::', port: 0 });
    return socket.bind({ fd, exclusive: true });
  }

  /** For ICMP; undefined where this process may not. */
  raw(family: Family, protocol: number): number | undefined {
    if (!this.#direct) return undefined;
    try {
      return this.#open(family, 'raw', protocol);
    } catch {
      return undefined;
    }
  }

  #bound(type: 'stream' | 'datagram', place: Place, filter: readonly Instruction[] | undefined): number {
    const { family, address, port, led } = place;
    const fd = this.#open(family, type);
    try {
      const { level, freebind, transparent } = OPTIONS[family];
      if (type === 'stream') setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (family === 'IPv6') setSocketOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
      if (led) {
        setSocketOption(fd, level, freebind, 1);
        setSocketOption(fd, level, transparent, 1);
      }
      // Before the first packet can come.
      if (filter !== undefined) attach(fd, filter);
      bindSocket(fd, { family: 'inet', address, port });
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
    return fd;
  }

  #open(family: Family, type: 'stream' | 'datagram' | 'raw', protocol?: number): number {
    const open = (): number => openSocket(family === 'IPv4' ? 'inet' : 'inet6', type, protocol);
    return this.#netns === undefined ? open() : inNetworkNamespace(this.#netns, open);
  }
}

function attach(fd: number, filter: readonly Instruction[] | undefined): void {
  if (filter === undefined) {
    try {
      setSocketOption(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
    } catch {
      // There was none.
    }
    return;
  }
  const bytes = filterBytes(filter);
  // struct sock_fprog: a count, and a pointer that the kernel follows within this call.
  const header = new Uint8Array(16);
  new Uint16Array(header.buffer)[0] = filter.length;
  new BigUint64Array(header.buffer)[1] = libc().address(bytes);
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, header);
}

function familyOfAddress(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

function typeOf(family: Family): 'udp4' | 'udp6' {
  return family === 'IPv4' ? 'udp4' : 'udp6';
}
