// The kernel's socket addresses as bytes (struct sockaddr_*), both ways.
// Knows no socket.
import ipaddr from 'ipaddr.js';

export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

/** An address and port of IPv4 or IPv6. `scope` is the interface index of a link-local address. */
export interface InternetAddress {
  readonly family: 'inet';
  readonly address: string;
  readonly port: number;
  readonly scope?: number;
}

/** `port` 0 is the kernel, or "choose one for me"; `groups` is a mask of the first 32 multicast groups. */
export interface NetlinkAddress {
  readonly family: 'netlink';
  readonly port: number;
  readonly groups: number;
}

/** `protocol` is an EtherType (0x0806 is ARP), `link` an interface index, `hardware` a MAC address. */
export interface PacketAddress {
  readonly family: 'packet';
  readonly protocol: number;
  readonly link: number;
  readonly hardware?: Uint8Array;
}

export type SocketAddress = InternetAddress | NetlinkAddress | PacketAddress;

/** Multi-byte fields of these structures are in the machine's order, except ports and protocols. */
const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Throws where the address is not one. */
export function encodeSocketAddress(address: SocketAddress): Uint8Array {
  if (address.family === 'inet') return encodeInternet(address);
  if (address.family === 'netlink') {
    const bytes = new DataView(new ArrayBuffer(12));
    bytes.setUint16(0, AF_NETLINK, little);
    bytes.setUint32(4, address.port, little);
    bytes.setUint32(8, address.groups, little);
    return new Uint8Array(bytes.buffer);
  }
  const hardware = address.hardware ?? new Uint8Array(0);
  if (hardware.length > 8) throw new RangeError(`Hardware address of ${hardware.length} bytes is longer than 8`);
  const bytes = new DataView(new ArrayBuffer(20));
  bytes.setUint16(0, AF_PACKET, little);
  bytes.setUint16(2, address.protocol);
  bytes.setInt32(4, address.link, little);
  bytes.setUint8(11, hardware.length);
  const all = new Uint8Array(bytes.buffer);
  all.set(hardware, 12);
  return all;
}

function encodeInternet(address: InternetAddress): Uint8Array {
  const parsed = ipaddr.parse(address.address);
  const raw = parsed.toByteArray();
  const six = raw.length === 16;
  const bytes = new DataView(new ArrayBuffer(six ? 28 : 16));
  bytes.setUint16(0, six ? AF_INET6 : AF_INET, little);
  bytes.setUint16(2, address.port);
  const all = new Uint8Array(bytes.buffer);
  all.set(raw, six ? 8 : 4);
  if (six) bytes.setUint32(24, address.scope ?? 0, little);
  return all;
}

/** The address in `bytes`, or undefined for a family that is none of these or bytes that are too few. */
export function decodeSocketAddress(bytes: Uint8Array): SocketAddress | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(0, little);
  if (family === AF_INET && bytes.length >= 8) {
    return { family: 'inet', address: bytes.subarray(4, 8).join('.'), port: view.getUint16(2) };
  }
  if (family === AF_INET6 && bytes.length >= 28) {
    const address = ipaddr.fromByteArray([...bytes.subarray(8, 24)]).toString();
    const scope = view.getUint32(24, little);
    return { family: 'inet', address, port: view.getUint16(2), ...(scope === 0 ? {} : { scope }) };
  }
  if (family === AF_NETLINK && bytes.length >= 12) {
    return { family: 'netlink', port: view.getUint32(4, little), groups: view.getUint32(8, little) };
  }
  if (family === AF_PACKET && bytes.length >= 12) {
    const length = Math.min(view.getUint8(11), 8, bytes.length - 12);
    return {
      family: 'packet',
      protocol: view.getUint16(2),
      link: view.getInt32(4, little),
      ...(length > 0 ? { hardware: bytes.slice(12, 12 + length) } : {}),
    };
  }
  return undefined;
}
