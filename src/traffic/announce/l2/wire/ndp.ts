// Neighbour solicitations and advertisements of IPv6 over Ethernet (RFC 4861, 4.3, 4.4 and 7).
// Pure: bytes and data; never throws at bytes.
import { ETHER_TYPE, ETHERNET_HEADER, etherType, newFrame } from './ethernet.ts';

export interface Solicitation {
  readonly senderHardware: Uint8Array;
  /** Sixteen bytes. All zero where somebody asks whether an address is taken. */
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  /** The source link-layer address, where it was said. */
  readonly sourceHardware: Uint8Array | undefined;
}

export interface Advertisement {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly target: Uint8Array;
  readonly hardware: Uint8Array;
  readonly solicited: boolean;
}

const IPV6_HEADER = 40;
const ICMP = ETHERNET_HEADER + IPV6_HEADER;
const ICMPV6 = 58;
const TYPE = { solicitation: 135, advertisement: 136 } as const;
const OPTION = { sourceHardware: 1, targetHardware: 2 } as const;
/** Type, code, checksum, flags or nothing, and the target. */
const BODY = 24;
const ADVERTISEMENT = BODY + 8;
const HOP_LIMIT = 255;
const FLAG = { solicited: 0x40, override: 0x20 } as const;

export const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const SOLICITED_NODE = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff] as const;

/** Where questions for an address are sent to (RFC 4291, 2.7.1). */
export function solicitedNode(address: Uint8Array): Uint8Array {
  const group = new Uint8Array(16);
  group.set(SOLICITED_NODE);
  group.set(address.subarray(13), 13);
  return group;
}

/** RFC 2464, 7. */
export function multicastHardware(group: Uint8Array): Uint8Array {
  return Uint8Array.of(0x33, 0x33, ...group.subarray(12));
}

/** Undefined for what is no solicitation, or one that RFC 4861, 7.1.1, has ignored. */
export function decodeSolicitation(frame: Uint8Array): Solicitation | undefined {
  if (frame.length < ICMP + BODY || etherType(frame) !== ETHER_TYPE.ipv6) return undefined;
  const length = ((frame[ETHERNET_HEADER + 4] ?? 0) << 8) | (frame[ETHERNET_HEADER + 5] ?? 0);
  const fits = length >= BODY && ICMP + length <= frame.length;
  const ip = frame.subarray(ETHERNET_HEADER, ICMP);
  if (!fits || (ip[0] ?? 0) >> 4 !== 6 || ip[6] !== ICMPV6 || ip[7] !== HOP_LIMIT) return undefined;
  const icmp = frame.subarray(ICMP, ICMP + length);
  if (icmp[0] !== TYPE.solicitation || icmp[1] !== 0) return undefined;
  const source = ip.slice(8, 24);
  const destination = ip.subarray(24, 40);
  const target = icmp.slice(8, 24);
  if (target[0] === 0xff || checksum(source, destination, icmp) !== 0) return undefined;
  const option = sourceOption(icmp);
  if (option === 'malformed') return undefined;
  if (source.every((byte) => byte === 0)) {
    const toGroup = SOLICITED_NODE.every((byte, at) => destination[at] === byte);
    if (!toGroup || option !== undefined) return undefined;
  }
  return { senderHardware: frame.slice(6, 12), source, target, sourceHardware: option };
}

function sourceOption(icmp: Uint8Array): Uint8Array | undefined | 'malformed' {
  let found: Uint8Array | undefined;
  for (let at = BODY; at < icmp.length; ) {
    const size = (icmp[at + 1] ?? 0) * 8;
    if (size === 0 || at + size > icmp.length) return 'malformed';
    if (icmp[at] === OPTION.sourceHardware && size === 8) found = icmp.slice(at + 2, at + 8);
    at += size;
  }
  return found;
}

/** Always with the override flag: whoever knew another place for the address takes this one. */
export function encodeAdvertisement(to: Uint8Array, from: Uint8Array, message: Advertisement): Uint8Array {
  const frame = newFrame(to, from, ETHER_TYPE.ipv6, IPV6_HEADER + ADVERTISEMENT);
  const ip = frame.subarray(ETHERNET_HEADER, ICMP);
  ip[0] = 0x60;
  ip[5] = ADVERTISEMENT;
  ip[6] = ICMPV6;
  ip[7] = HOP_LIMIT;
  ip.set(message.source, 8);
  ip.set(message.destination, 24);
  const icmp = frame.subarray(ICMP);
  icmp[0] = TYPE.advertisement;
  icmp[4] = FLAG.override | (message.solicited ? FLAG.solicited : 0);
  icmp.set(message.target, 8);
  icmp[BODY] = OPTION.targetHardware;
  icmp[BODY + 1] = 1;
  icmp.set(message.hardware, BODY + 2);
  const sum = checksum(message.source, message.destination, icmp);
  icmp[2] = sum >> 8;
  icmp[3] = sum & 0xff;
  return frame;
}

/**
 * From the address itself, as of a host that has it: some ask for that. To whoever asked without an address of its own it
 * is told to all.
 */
export function answerTo(question: Solicitation, hardware: Uint8Array): Uint8Array {
  const nameless = question.source.every((byte) => byte === 0);
  const to = nameless ? multicastHardware(ALL_NODES) : (question.sourceHardware ?? question.senderHardware);
  return encodeAdvertisement(to, hardware, {
    source: question.target,
    destination: nameless ? ALL_NODES : question.source,
    target: question.target,
    hardware,
    solicited: !nameless,
  });
}

export function unsolicitedAdvertisement(target: Uint8Array, hardware: Uint8Array): Uint8Array {
  const message = { source: target, destination: ALL_NODES, target, hardware, solicited: false };
  return encodeAdvertisement(multicastHardware(ALL_NODES), hardware, message);
}

/** Of ICMPv6 with its pseudo-header (RFC 8200, 8.1). Over a message that carries its own it is 0. */
export function checksum(source: Uint8Array, destination: Uint8Array, icmp: Uint8Array): number {
  let sum = icmp.length + ICMPV6;
  for (const part of [source, destination, icmp]) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
