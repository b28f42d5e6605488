// Hands out addresses of one CIDR, IPv4 or IPv6, each to one holder.
// Knows numbers and text of addresses; nothing of Services.
import ipaddr from 'ipaddr.js';

/** `edge`: the first or last of a range, which nobody may have. */
export type Reservation = 'reserved' | 'taken' | 'outside' | 'edge';
export type Family = 'IPv4' | 'IPv6';

/** Of a larger range, this many addresses are used. */
const MAX_SIZE = 2 ** 32;

/** Throws when `cidr` is no network with at least four addresses and, for IPv4, at most 2^24. */
export class IpPool {
  readonly cidr: string;
  readonly family: Family;
  readonly #base: bigint;
  readonly #size: number;
  readonly #taken: Set<bigint>;
  readonly #random: () => number;

  /** `taken` is shared with ranges that may hold the same addresses. */
  constructor(cidr: string, random: () => number, taken = new Set<bigint>()) {
    const range = readRange(cidr);
    if (range === undefined) {
      throw new Error(
        `Service CIDR "${cidr}" is not an IPv4 network between /8 and /30, or an IPv6 one between /64 and /126. Write one as 10.96.0.0/16 or fd00:10:96::/112`,
      );
    }
    const { family, value, hostBits } = range;
    this.cidr = cidr;
    this.family = family;
    this.#size = Math.min(2 ** Number(hostBits), MAX_SIZE);
    this.#base = (value >> hostBits) << hostBits;
    this.#random = random;
    this.#taken = taken;
  }

  /** The first usable address: the API server's own Service. */
  first(): string {
    return this.#text(1);
  }

  reserve(address: string): Reservation {
    const value = this.#valueOf(address);
    if (value === undefined) return 'outside';
    if (!this.#isUsable(value)) return 'edge';
    if (this.#taken.has(value)) return 'taken';
    this.#taken.add(value);
    return 'reserved';
  }

  /**
   * A free address, reserved; undefined when there is none. As upstream, the lower part of the range is left to
   * addresses asked for by name until the rest is used up.
   */
  next(): string | undefined {
    const last = this.#size - 2;
    const setAside = Math.min(Math.max(16, Math.floor(this.#size / 16)), 256, last);
    const offset = this.#freeIn(setAside + 1, last) ?? this.#freeIn(1, setAside);
    if (offset === undefined) return undefined;
    this.#taken.add(this.#base + BigInt(offset));
    return this.#text(offset);
  }

  #freeIn(from: number, to: number): number | undefined {
    const count = to - from + 1;
    if (count <= 0) return undefined;
    const start = Math.floor(this.#random() * count);
    for (let step = 0; step < count; step++) {
      const offset = from + ((start + step) % count);
      if (!this.#taken.has(this.#base + BigInt(offset))) return offset;
    }
    return undefined;
  }

  /** Undefined for an address that is not of the range. */
  #valueOf(address: string): bigint | undefined {
    const parsed = parse(address);
    if (parsed === undefined || parsed.family !== this.family) return undefined;
    const offset = parsed.value - this.#base;
    return offset >= 0n && offset < BigInt(this.#size) ? parsed.value : undefined;
  }

  /** The network and broadcast addresses are nobody's. */
  #isUsable(value: bigint): boolean {
    const offset = value - this.#base;
    return offset >= 1n && offset <= BigInt(this.#size - 2);
  }

  #text(offset: number): string {
    const value = this.#base + BigInt(offset);
    const length = this.family === 'IPv4' ? 4 : 16;
    const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 255n));
    return ipaddr.fromByteArray(bytes).toString();
  }
}

/** Whether addresses can be handed out of it. */
export function usableRange(cidr: string): boolean {
  return readRange(cidr) !== undefined;
}

function readRange(cidr: string): { family: Family; value: bigint; hostBits: bigint } | undefined {
  const [address = '', bits = ''] = cidr.split('/');
  const base = parse(address);
  const prefix = Number(bits);
  const [least, most, width] = base?.family === 'IPv6' ? [64, 126, 128] : [8, 30, 32];
  if (base === undefined || !/^\d+$/.test(bits) || prefix > most || prefix < least) return undefined;
  return { ...base, hostBits: BigInt(width - prefix) };
}

/** The one spelling of an address; undefined for what is none. */
export function canonicalAddress(address: string): string | undefined {
  return parse(address) === undefined ? undefined : ipaddr.parse(address).toString();
}

/** The address as a number; undefined for what is none. */
export function addressValue(address: string): bigint | undefined {
  return parse(address)?.value;
}

/** An address without a prefix or a zone; undefined for anything else. */
function parse(address: string): { readonly family: Family; readonly value: bigint } | undefined {
  const family = ipaddr.IPv4.isValidFourPartDecimal(address)
    ? 'IPv4'
    : ipaddr.IPv6.isValid(address) && !address.includes('%')
      ? 'IPv6'
      : undefined;
  if (family === undefined) return undefined;
  const bytes = ipaddr.parse(address).toByteArray();
  return { family, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
}
