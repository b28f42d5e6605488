// One interface that takes part: its sockets for ARP and NDP, the groups it listens to, and what it sends.
// Knows frames and sockets; which addresses are held it asks.

import type { Logger } from '#lib/log.ts';
import { bindSocket, closeSocket, openSocket, receiveAll, send, setSocketOption } from '#lib/sys/socket.ts';
import { requireBytes } from '#lib/sys/socket-filter.ts';
import { bytesKey } from './address-bytes.ts';
import { answerArp, answerSolicitation, type Place } from './answer.ts';
import type { L2Interface } from './interfaces.ts';
import type { L2Metrics } from './metrics.ts';
import { decodeArp, gratuitousArps } from './wire/arp.ts';
import { ETHER_TYPE, sameBytes } from './wire/ethernet.ts';
import { multicastHardware, solicitedNode, unsolicitedAdvertisement } from './wire/ndp.ts';

const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_DROP_MEMBERSHIP = 2;
const PACKET_MR_MULTICAST = 0;
const IPPROTO_IPV6 = 41;
const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;
/** ICMPv6, neighbour solicitation, from this very network. */
const SOLICITATIONS = [
  { offset: 20, value: 58 },
  { offset: 54, value: 135 },
  { offset: 21, value: 255 },
] as const;
/** Longer ones are none of ours. */
const FRAME_SIZE = 2048;
const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export interface PortTools {
  /** Whether `address` is held on the interface of this name. */
  readonly holds: (address: Uint8Array, name: string) => boolean;
  /** Another host says that it has an address that we hold. */
  readonly onConflict: (address: Uint8Array, hardware: Uint8Array, name: string) => void;
  readonly onError: (error: Error) => void;
  readonly metrics: L2Metrics;
  readonly log: Logger;
}

export class Port {
  readonly link: L2Interface;
  readonly #tools: PortTools;
  readonly #place: Place;
  readonly #arp: number;
  readonly #ndp: number;
  /** Joins groups of IPv6 in the kernel, which tells switches; undefined where it has no IPv6. */
  readonly #joiner: number | undefined;
  /** By group, how many addresses need it, and the socket that is its member. */
  readonly #groups = new Map<string, { needed: number; readonly leave: () => void }>();
  readonly #stops: (() => void)[] = [];

  /** Throws a SystemCallError: mostly for want of CAP_NET_RAW, or because the interface has just gone. */
  constructor(link: L2Interface, tools: PortTools) {
    this.link = link;
    this.#tools = tools;
    this.#place = {
      hardware: link.hardware,
      holds: (address) => tools.holds(address, link.name),
    };
    this.#arp = this.#open(ETHER_TYPE.arp);
    this.#ndp = this.#open(ETHER_TYPE.ipv6);
    this.#joiner = openJoiner();
    this.#listen(this.#arp, 'arp', (frame) => {
      this.#watch(frame);
      return answerArp(frame, this.#place);
    });
    this.#listen(this.#ndp, 'ndp', (frame) => answerSolicitation(frame, this.#place));
  }

  /** Says once to all that the address is here. */
  announce(address: Uint8Array): void {
    const { hardware } = this.link;
    if (address.length === 4) {
      for (const frame of gratuitousArps(address, hardware)) this.#send(this.#arp, frame);
      this.#tools.metrics.announced('arp');
    } else {
      this.#send(this.#ndp, unsolicitedAdvertisement(address, hardware));
      this.#tools.metrics.announced('ndp');
    }
  }

  /** Questions for the address arrive here from now on. */
  join(address: Uint8Array): void {
    if (address.length === 4) return;
    const group = solicitedNode(address);
    const known = this.#groups.get(bytesKey(group));
    if (known !== undefined) known.needed += 1;
    else this.#groups.set(bytesKey(group), { needed: 1, leave: this.#enter(group) });
  }

  leave(address: Uint8Array): void {
    if (address.length === 4) return;
    const key = bytesKey(solicitedNode(address));
    const known = this.#groups.get(key);
    if (known === undefined) return;
    known.needed -= 1;
    if (known.needed > 0) return;
    this.#groups.delete(key);
    known.leave();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const fd of [this.#arp, this.#ndp, this.#joiner]) if (fd !== undefined) closeSocket(fd);
  }

  #open(protocol: number): number {
    // Without a protocol it hears nothing until it is bound: not of other interfaces, and not what no filter has seen.
    const fd = openSocket('packet', 'raw', 0);
    try {
      if (protocol === ETHER_TYPE.ipv6) requireBytes(fd, SOLICITATIONS);
      bindSocket(fd, { family: 'packet', protocol, link: this.link.index });
      return fd;
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
  }

  #listen(fd: number, protocol: 'arp' | 'ndp', answerOf: (frame: Uint8Array) => Uint8Array | undefined): void {
    const stop = receiveAll(
      fd,
      ({ bytes }) => {
        const answer = answerOf(bytes);
        if (answer === undefined) return;
        this.#send(fd, answer);
        this.#tools.metrics.answered(protocol);
      },
      this.#tools.onError,
      FRAME_SIZE,
    );
    this.#stops.push(stop);
  }

  #watch(frame: Uint8Array): void {
    const message = decodeArp(frame);
    if (message === undefined || sameBytes(message.senderHardware, this.link.hardware)) return;
    if (this.#place.holds(message.senderAddress)) {
      this.#tools.onConflict(message.senderAddress, message.senderHardware, this.link.name);
    }
  }

  #send(fd: number, frame: Uint8Array): void {
    try {
      // A full queue loses it, as the network may: it is asked for, or said, again.
      send(fd, frame);
    } catch (error) {
      this.#tools.onError(error as Error);
    }
  }

  /** How to leave again. */
  #enter(group: Uint8Array): () => void {
    const { index, name } = this.link;
    const joiner = this.#joiner;
    if (joiner !== undefined) {
      const request = new DataView(new ArrayBuffer(20));
      new Uint8Array(request.buffer).set(group);
      request.setUint32(16, index, little);
      const bytes = new Uint8Array(request.buffer);
      try {
        setSocketOption(joiner, IPPROTO_IPV6, IPV6_JOIN_GROUP, bytes);
        return () => quietly(() => setSocketOption(joiner, IPPROTO_IPV6, IPV6_LEAVE_GROUP, bytes));
      } catch (error) {
        const message = 'The kernel joins no group here; the interface alone is told';
        this.#tools.log.debug({ interface: name, error: (error as Error).message }, message);
      }
    }
    const request = new DataView(new ArrayBuffer(16));
    request.setInt32(0, index, little);
    request.setUint16(4, PACKET_MR_MULTICAST, little);
    request.setUint16(6, 6, little);
    const bytes = new Uint8Array(request.buffer);
    bytes.set(multicastHardware(group), 8);
    try {
      setSocketOption(this.#ndp, SOL_PACKET, PACKET_ADD_MEMBERSHIP, bytes);
    } catch (error) {
      this.#tools.onError(error as Error);
    }
    return () => quietly(() => setSocketOption(this.#ndp, SOL_PACKET, PACKET_DROP_MEMBERSHIP, bytes));
  }
}

function openJoiner(): number | undefined {
  try {
    return openSocket('inet6', 'datagram');
  } catch {
    return undefined;
  }
}

/** What ends with the interface may have ended with it. */
function quietly(fn: () => void): void {
  try {
    fn();
  } catch {}
}
