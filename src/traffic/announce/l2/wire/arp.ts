// ARP for IPv4 over Ethernet (RFC 826, RFC 5227): the questions and answers of who has which address.
// Pure: bytes and data; never throws at bytes.
import { BROADCAST, ETHER_TYPE, ETHERNET_HEADER, etherType, newFrame } from './ethernet.ts';

export interface ArpMessage {
  readonly operation: 'request' | 'reply';
  readonly senderHardware: Uint8Array;
  /** Four bytes. All zero where somebody asks whether an address is taken. */
  readonly senderAddress: Uint8Array;
  readonly targetHardware: Uint8Array;
  readonly targetAddress: Uint8Array;
}

const LENGTH = 28;
/** Ethernet, IPv4, six bytes and four. */
const FIXED = [0x00, 0x01, 0x08, 0x00, 6, 4] as const;
const OPERATION = { request: 1, reply: 2 } as const;
const NOBODY = new Uint8Array(6);

/** Undefined for what is no ARP of IPv4 over Ethernet. Frames are padded: what follows is ignored. */
export function decodeArp(frame: Uint8Array): ArpMessage | undefined {
  if (frame.length < ETHERNET_HEADER + LENGTH || etherType(frame) !== ETHER_TYPE.arp) return undefined;
  const bytes = frame.subarray(ETHERNET_HEADER);
  if (FIXED.some((byte, at) => bytes[at] !== byte) || bytes[6] !== 0) return undefined;
  const operation = bytes[7] === OPERATION.request ? 'request' : bytes[7] === OPERATION.reply ? 'reply' : undefined;
  if (operation === undefined) return undefined;
  return {
    operation,
    senderHardware: bytes.slice(8, 14),
    senderAddress: bytes.slice(14, 18),
    targetHardware: bytes.slice(18, 24),
    targetAddress: bytes.slice(24, 28),
  };
}

export function encodeArp(to: Uint8Array, from: Uint8Array, message: ArpMessage): Uint8Array {
  const frame = newFrame(to, from, ETHER_TYPE.arp, LENGTH);
  frame.set(FIXED, ETHERNET_HEADER);
  frame[ETHERNET_HEADER + 7] = OPERATION[message.operation];
  frame.set(message.senderHardware, ETHERNET_HEADER + 8);
  frame.set(message.senderAddress, ETHERNET_HEADER + 14);
  frame.set(message.targetHardware, ETHERNET_HEADER + 18);
  frame.set(message.targetAddress, ETHERNET_HEADER + 24);
  return frame;
}

/** The answer of `hardware` to a request for an address that it has. */
export function arpReply(request: ArpMessage, hardware: Uint8Array): Uint8Array {
  return encodeArp(request.senderHardware, hardware, {
    operation: 'reply',
    senderHardware: hardware,
    senderAddress: request.targetAddress,
    targetHardware: request.senderHardware,
    targetAddress: request.senderAddress,
  });
}

/** To all, in both forms: some hosts learn from the one only, some from the other. */
export function gratuitousArps(address: Uint8Array, hardware: Uint8Array): Uint8Array[] {
  return (['request', 'reply'] as const).map((operation) =>
    encodeArp(BROADCAST, hardware, {
      operation,
      senderHardware: hardware,
      senderAddress: address,
      targetHardware: operation === 'request' ? NOBODY : BROADCAST,
      targetAddress: address,
    }),
  );
}
