// What a speaker and its peers may be told, and what is wrong with it, in words.
// Knows no socket and no message.
import type { PrivateText } from '#traffic/model/ir.ts';
import { addressBytes, type Family } from './wire/family.ts';

export interface BfdConfig {
  /** Least time between two packets that we send once the session is up, in milliseconds; default 300. */
  readonly transmitMs?: number;
  /** Least time between two packets that we can take, in milliseconds; default 300. */
  readonly receiveMs?: number;
  /** Packets that may be missed; default 3. */
  readonly multiplier?: number;
  /** Says nothing before the peer has (RFC 5880, 6.1). */
  readonly passive?: boolean;
}

export interface PeerConfig {
  /** Names the peer in status, metrics and announcements. */
  readonly name: string;
  /** A link-local address needs its zone: `fe80::1%eth0`. */
  readonly address: string;
  /** Default 179. */
  readonly port?: number;
  /** AS of the peer. The same as ours means iBGP. `internal` stands for ours, `external` for any but ours. */
  readonly as: number | 'internal' | 'external';
  /** Ours towards this peer; default that of the speaker. */
  readonly localAs?: number;
  /** Source of connections; default what the kernel chooses. */
  readonly localAddress?: string;
  /** Never connects; waits for the peer to do so. Needs a speaker that listens. */
  readonly passive?: boolean;
  /** The peer is not on a network of ours; BFD then is that of RFC 5883. */
  readonly multihop?: boolean;
  /** Seconds of silence after which the peer counts as gone: 0 for never, else 3 to 65535; default 90. */
  readonly holdTimeSec?: number;
  /** Most seconds between two signs of life of ours, 1 to 65535; a third of the agreed hold time where that is less. */
  readonly keepaliveSec?: number;
  /** Least seconds between two attempts to connect, 1 to 65535; default 1, and longer after each failure up to 30. */
  readonly connectRetrySec?: number;
  /** An interface or a VRF that connections are bound to; not together with `bfd`. */
  readonly device?: string;
  /** Default both. */
  readonly families?: readonly Family[];
  /** Next hops where an announcement names none; default the own address on the network of the session. */
  readonly nextHop?: { readonly ipv4?: string; readonly ipv6?: string };
  /** Seconds that the peer keeps our routes when this process dies, 1 to 4095; default 120. `false`: it drops them. */
  readonly restartTimeSec?: number | false;
  /** Secret of TCP MD5 signatures (RFC 2385). */
  readonly password?: PrivateText;
  /** Takes and sends packets only with a TTL of 255, which none from beyond a router has (RFC 5082). Both sides must. */
  readonly ttlSecurity?: boolean;
  readonly bfd?: BfdConfig;
}

export const DEFAULT_PORT = 179;
export const DEFAULT_HOLD_TIME = 90;
const DEFAULT_RESTART_TIME = 120;
/** Bytes that the kernel takes. */
const MAX_SECRET = 80;
/** Longest name of an interface, in bytes. */
const MAX_DEVICE = 15;
const MAX_AS = 0xffff_ffff;

/** Seconds; undefined where graceful restart is not wanted. */
export function restartTimeOf(peer: PeerConfig): number | undefined {
  return peer.restartTimeSec === false ? undefined : (peer.restartTimeSec ?? DEFAULT_RESTART_TIME);
}

/** What is wrong with a peer; empty when nothing is. Each text names the field and what would do. */
export function peerProblems(peer: PeerConfig): string[] {
  const problems: string[] = [];
  const check = (field: string, value: unknown, good: boolean, remedy: string): void => {
    if (!good) problems.push(`Peer "${peer.name}": ${field} is ${JSON.stringify(value)}, ${remedy}`);
  };
  const whole = (value: number, least: number, most: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most;
  const { port = DEFAULT_PORT, holdTimeSec = DEFAULT_HOLD_TIME, nextHop = {}, bfd = {} } = peer;
  check('name', peer.name, peer.name !== '', 'give it one');
  check('address', peer.address, addressBytes(peer.address) !== undefined, 'which is no IP address');
  const linkLocal = /^fe[89ab]/i.test(peer.address) && peer.address.includes(':');
  check('address', peer.address, !linkLocal || peer.address.includes('%'), 'add its zone, as in "fe80::1%eth0"');
  check('port', port, whole(port, 1, 65_535), 'use 1 to 65535');
  const goodAs = typeof peer.as === 'number' ? whole(peer.as, 1, MAX_AS) : ['internal', 'external'].includes(peer.as);
  check('as', peer.as, goodAs, `use 1 to ${MAX_AS}, internal or external`);
  if (peer.localAs !== undefined) check('localAs', peer.localAs, whole(peer.localAs, 1, MAX_AS), `use 1 to ${MAX_AS}`);
  check('holdTimeSec', holdTimeSec, whole(holdTimeSec, 3, 65_535) || holdTimeSec === 0, 'use 0 or 3 to 65535');
  for (const field of ['keepaliveSec', 'connectRetrySec'] as const) {
    const value = peer[field];
    if (value !== undefined) check(field, value, value >= 1 && value <= 65_535, 'use 1 to 65535');
  }
  if (peer.device !== undefined) {
    const size = Buffer.byteLength(peer.device);
    check(
      'device',
      peer.device,
      size > 0 && size <= MAX_DEVICE,
      `use the name of an interface, 1 to ${MAX_DEVICE} bytes`,
    );
    check('bfd', peer.bfd, peer.bfd === undefined, 'which does not work with a device: leave one of the two out');
  }
  const restart = restartTimeOf(peer) ?? 1;
  check('restartTimeSec', restart, whole(restart, 1, 4095), 'use 1 to 4095, or false');
  const { localAddress } = peer;
  if (localAddress !== undefined) {
    const same = addressBytes(localAddress)?.length === addressBytes(peer.address)?.length;
    check('localAddress', localAddress, same, 'use an address of the same family as the peer');
  }
  for (const [family, size] of [
    ['ipv4', 4],
    ['ipv6', 16],
  ] as const) {
    const hop = nextHop[family];
    if (hop !== undefined)
      check(`nextHop.${family}`, hop, addressBytes(hop)?.length === size, `use an ${family} address`);
  }
  check('families', peer.families, peer.families?.length !== 0, 'name ipv4, ipv6 or both');
  for (const field of ['transmitMs', 'receiveMs'] as const) {
    const value = bfd[field] ?? 300;
    check(`bfd.${field}`, value, whole(value, 10, 60_000), 'use 10 to 60000 milliseconds');
  }
  const secret = Buffer.byteLength(peer.password?.value ?? '-');
  check('password', '[redacted]', secret > 0 && secret <= MAX_SECRET, `use 1 to ${MAX_SECRET} bytes`);
  const multiplier = bfd.multiplier ?? 3;
  check('bfd.multiplier', multiplier, whole(multiplier, 1, 255), 'use 1 to 255');
  return problems;
}
