// The tables that the programs read and write, and how this process writes their keys and values.
// One layout for both families: an IPv4 address is written as ::ffff:a.b.c.d, which is what IPv6 sockets call it, too.
import ipaddr from 'ipaddr.js';
import type { MapShape } from '../bpf/map.ts';

/** An address and port; 24 bytes: address (16), port in network order (2), zeros. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

export const PLACE_SIZE = 24;
export const PORT_AT = 16;
/** In the key of a front: which protocol. */
export const PROTOCOL_AT = 18;
/** What follows a place in longer keys and values. */
export const TAIL_AT = 24;

export const PROTOCOLS = { TCP: 6, UDP: 17 } as const;
export type SocketProtocol = keyof typeof PROTOCOLS;

/** Ways that are no set: leave the socket alone; refuse the connection. */
export const PASS = 0xffffffff;
export const REFUSE = 0xfffffffe;
/** A bit beside the set's number: sockets that are bound to an address are left alone. */
export const UNBOUND_ONLY = 0x40000000;

/** Bits of a member. */
export const MEMBER_CHOSEN = 1;
export const MEMBER_SERVING = 2;
/** Of an address of this node's, at port 0: a client that is bound to it may reach itself. */
export const MEMBER_LOCAL = 4;

/** Seconds after which a silent UDP flow may get another endpoint (netfilter's nf_conntrack_udp_timeout_stream). */
export const FLOW_SECONDS = 120;

export interface Capacities {
  /** Addresses and ports of Services, each node port on each address counted. */
  readonly fronts: number;
  readonly sets: number;
  /** Slots of all sets together, and members likewise. */
  readonly slots: number;
  /** Clients with affinity, UDP flows, and connections whose peer has another name: the oldest go first. */
  readonly clients: number;
  readonly flows: number;
  readonly reverse: number;
}

export const CAPACITIES: Capacities = {
  fronts: 1 << 19,
  sets: 1 << 17,
  slots: 1 << 22,
  clients: 1 << 16,
  flows: 1 << 16,
  reverse: 1 << 18,
};

export type TableName = 'fronts' | 'sets' | 'slots' | 'members' | 'clients' | 'flows' | 'reverse';

/** What this process decides; made anew at each start. */
export const DECIDED = ['fronts', 'sets', 'slots', 'members'] as const;
/** What the programs remember; kept from one run to the next. */
export const REMEMBERED = ['clients', 'flows', 'reverse'] as const;

const DOT = 46;
const ZERO = 48;

export function tableShapes(most: Capacities): Readonly<Record<TableName, MapShape>> {
  return {
    // place with protocol -> way of pods, way of the node.
    fronts: { name: 'fronts', type: 'hash', keySize: 24, valueSize: 8, capacity: most.fronts, onDemand: true },
    // set -> number of slots, seconds of affinity, number of the Service port.
    sets: { name: 'sets', type: 'array', keySize: 4, valueSize: 16, capacity: most.sets },
    // set, slot -> place.
    slots: { name: 'slots', type: 'hash', keySize: 8, valueSize: 24, capacity: most.slots, onDemand: true },
    // place, set, zeros -> bits.
    members: { name: 'members', type: 'hash', keySize: 32, valueSize: 4, capacity: most.slots, onDemand: true },
    // cookie of the network namespace, number of the Service port -> place, time.
    clients: { name: 'clients', type: 'lru_hash', keySize: 16, valueSize: 32, capacity: most.clients },
    // front, cookie of the socket -> place, time.
    flows: { name: 'flows', type: 'lru_hash', keySize: 32, valueSize: 32, capacity: most.flows },
    // place, cookie of the socket -> front.
    reverse: { name: 'reverse', type: 'lru_hash', keySize: 32, valueSize: 24, capacity: most.reverse },
  };
}

/**
 * Byte by byte, here and below: short arrays are memory of V8's own as long as nobody asks for their buffer, which becomes
 * an object and an allocation besides. Of 45,000 Services that was most of the time and of the memory of a start.
 */
function writePlace(bytes: Uint8Array, { address, port }: Place): void {
  if (address.includes(':')) bytes.set(ipaddr.parse(address).toByteArray(), 0);
  else {
    bytes[10] = bytes[11] = 0xff;
    let at = 12;
    let number = 0;
    for (let place = 0; place < address.length; place++) {
      const code = address.charCodeAt(place);
      if (code !== DOT) number = number * 10 + code - ZERO;
      else {
        bytes[at++] = number;
        number = 0;
      }
    }
    bytes[at] = number;
  }
  bytes[PORT_AT] = port >>> 8;
  bytes[PORT_AT + 1] = port & 0xff;
}

/** In the order of bytes of every machine that Node.js runs on. */
function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word & 0xff;
  bytes[at + 1] = (word >>> 8) & 0xff;
  bytes[at + 2] = (word >>> 16) & 0xff;
  bytes[at + 3] = word >>> 24;
}

export function placeBytes(place: Place): Uint8Array {
  const bytes = new Uint8Array(PLACE_SIZE);
  writePlace(bytes, place);
  return bytes;
}

export function frontKey(place: Place, protocol: SocketProtocol): Uint8Array {
  const bytes = placeBytes(place);
  bytes[PROTOCOL_AT] = PROTOCOLS[protocol];
  return bytes;
}

export function frontValue(pod: number, node: number): Uint8Array {
  return words(pod, node);
}

export function setKey(set: number): Uint8Array {
  return words(set);
}

/** `port`: a number of the Service port that stays the same from one run to the next. */
export function setValue(slots: number, affinitySeconds: number, port: bigint): Uint8Array {
  return words(slots, affinitySeconds, Number(port & 0xffffffffn), Number(port >> 32n));
}

export function slotKey(set: number, slot: number): Uint8Array {
  return words(set, slot);
}

export function memberKey(place: Place, set: number): Uint8Array {
  const bytes = new Uint8Array(32);
  writePlace(bytes, place);
  writeWord(bytes, TAIL_AT, set);
  return bytes;
}

export function memberValue(bits: number): Uint8Array {
  return words(bits);
}

function words(...numbers: number[]): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 4);
  for (let index = 0; index < numbers.length; index++) writeWord(bytes, index * 4, numbers[index] ?? 0);
  return bytes;
}
