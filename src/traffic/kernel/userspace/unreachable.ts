// "Port unreachable" for datagrams that a Service refuses: the ICMP message that the kernel sends where no socket is.
// Knows who sent what to where; whether it is refused is decided elsewhere.
import type { Family } from '#lib/ip.ts';
import { closeSocket, send } from '#lib/sys/socket.ts';
import { encodeSocketAddress } from '#lib/sys/socket-address.ts';
import type { DriverSockets } from './sockets.ts';

export interface Refused {
  readonly family: Family;
  readonly client: string;
  readonly clientPort: number;
  readonly address: string;
  readonly port: number;
  /** Bytes of the datagram. */
  readonly length: number;
}

const ICMP = { IPv4: { protocol: 1, type: 3, code: 3 }, IPv6: { protocol: 58, type: 1, code: 4 } } as const;
const UDP = 17;
/** Nobody is told more often, whatever a flood brings. */
const MOST_A_SECOND = 1000;

/** The message: what it is, and the head of the datagram that it is about. The kernel sums those of IPv6 up itself. */
export function unreachableMessage(refused: Refused): Uint8Array {
  const { family, client, clientPort, address, port, length } = refused;
  const v4 = family === 'IPv4';
  const head = v4 ? 20 : 40;
  const message = new Uint8Array(8 + head + 8);
  const view = new DataView(message.buffer);
  message[0] = ICMP[family].type;
  message[1] = ICMP[family].code;
  if (v4) {
    view.setUint8(8, 0x45);
    view.setUint16(10, 20 + 8 + length);
    view.setUint8(16, 64);
    view.setUint8(17, UDP);
    message.set(bytesOf(client, family), 20);
    message.set(bytesOf(address, family), 24);
    view.setUint16(18, checksum(message.subarray(8, 28)));
  } else {
    view.setUint8(8, 0x60);
    view.setUint16(12, 8 + length);
    view.setUint8(14, UDP);
    view.setUint8(15, 64);
    message.set(bytesOf(client, family), 16);
    message.set(bytesOf(address, family), 32);
  }
  view.setUint16(8 + head, clientPort);
  view.setUint16(10 + head, port);
  view.setUint16(12 + head, 8 + length);
  if (v4) view.setUint16(2, checksum(message));
  return message;
}

export class Unreachable {
  readonly #sockets: DriverSockets;
  readonly #raw = new Map<Family, number | undefined>();
  #second = 0;
  #sent = 0;

  constructor(sockets: DriverSockets) {
    this.#sockets = sockets;
  }

  /** `now` is monotonic milliseconds. Where ICMP cannot be sent, nobody is told. */
  tell(refused: Refused, now: number): void {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#sent = 0;
    this.#second = second;
    if (this.#sent++ >= MOST_A_SECOND) return;
    const { family, client } = refused;
    if (!this.#raw.has(family)) this.#raw.set(family, this.#sockets.raw(family, ICMP[family].protocol));
    const fd = this.#raw.get(family);
    if (fd === undefined) return;
    try {
      send(fd, unreachableMessage(refused), { family: 'inet', address: client, port: 0 });
    } catch {
      // No way to the client: it could not be told in any other way either.
    }
  }

  close(): void {
    for (const fd of this.#raw.values()) if (fd !== undefined) closeSocket(fd);
    this.#raw.clear();
  }
}

function bytesOf(address: string, family: Family): Uint8Array {
  const bytes = encodeSocketAddress({ family: 'inet', address, port: 0 });
  return family === 'IPv4' ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
}

/** RFC 1071, over an even number of bytes. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
