// BFD control packets (RFC 5880, 4.1): to bytes and back, without authentication.
// Knows the rules a packet must keep whoever it is for; which session takes it is decided elsewhere.

export const BFD_STATES = ['admin_down', 'down', 'init', 'up'] as const;
export type BfdState = (typeof BFD_STATES)[number];

/** RFC 5880, 4.1. */
export const DIAGNOSTIC = { none: 0, timeExpired: 1, neighborDown: 3, adminDown: 7 } as const;

export interface BfdPacket {
  readonly diagnostic: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  readonly multiplier: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  /** Microseconds, as the next two. */
  readonly desiredMinTx: number;
  readonly requiredMinRx: number;
  readonly requiredMinEchoRx: number;
}

const LENGTH = 24;
const VERSION = 1;
const POLL = 0x20;
const FINAL = 0x10;
const AUTHENTICATED = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;

export function encodeBfd(packet: BfdPacket): Buffer {
  const bytes = Buffer.alloc(LENGTH);
  bytes[0] = (VERSION << 5) | packet.diagnostic;
  bytes[1] = (BFD_STATES.indexOf(packet.state) << 6) | (packet.poll ? POLL : 0) | (packet.final ? FINAL : 0);
  bytes[2] = packet.multiplier;
  bytes[3] = LENGTH;
  bytes.writeUInt32BE(packet.myDiscriminator, 4);
  bytes.writeUInt32BE(packet.yourDiscriminator, 8);
  bytes.writeUInt32BE(packet.desiredMinTx, 12);
  bytes.writeUInt32BE(packet.requiredMinRx, 16);
  bytes.writeUInt32BE(packet.requiredMinEchoRx, 20);
  return bytes;
}

/** Undefined for what RFC 5880, 6.8.6 says to discard. Never throws. */
export function decodeBfd(bytes: Buffer): BfdPacket | undefined {
  if (bytes.length < LENGTH) return undefined;
  const [first, flags, multiplier, length] = bytes as unknown as [number, number, number, number];
  const state = BFD_STATES[flags >> 6] as BfdState;
  const packet: BfdPacket = {
    diagnostic: first & 0x1f,
    state,
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    multiplier,
    myDiscriminator: bytes.readUInt32BE(4),
    yourDiscriminator: bytes.readUInt32BE(8),
    desiredMinTx: bytes.readUInt32BE(12),
    requiredMinRx: bytes.readUInt32BE(16),
    requiredMinEchoRx: bytes.readUInt32BE(20),
  };
  const lost = packet.yourDiscriminator === 0 && (state === 'init' || state === 'up');
  const unwanted = (flags & (AUTHENTICATED | MULTIPOINT)) !== 0;
  if (first >> 5 !== VERSION || length < LENGTH || length > bytes.length || unwanted || lost) return undefined;
  return multiplier === 0 || packet.myDiscriminator === 0 || (flags & DEMAND) !== 0 ? undefined : packet;
}
