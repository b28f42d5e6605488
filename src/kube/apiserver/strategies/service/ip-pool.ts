// Hands out addresses of one CIDR, IPv4 or IPv6, each to one holder.
// Knows numbers and text of addresses; nothing of Services.
import ipaddr from 'ipaddr.js';

export type Reservation = 'reserved' | 'taken' | 'outside';
export type Family = 'IPv4' | 'IPv6';

/** Of a larger range, this many addresses are used. */
const MAX_SIZE = 2 ** 32;

/** Throws when `cidr` is no network with at least four addresses and, for IPv4, at most 2^24. */
export class IpPool {
  readonly cidr: string;
  readonly family: Family;
  readonly #base: bigint;
  readonly #size: number;
  readonly #taken = new Set<number>();
  readonly #random: () => number;

  constructor(cidr: string, random: () => number) {
    const [address = '', bits = ''] = cidr.split('/');
    const base = parse(address);
    const prefix = Number(bits);
    const [least, most, width] = base?.family === 'IPv6' ? [64, 126, 128] : [8, 30, 32];
    if (base === undefined || !/^\d+$/.test(bits) || prefix > most || prefix < least) {
      throw new Error(
        `Service CIDR "${cidr}" is not an IPv4 network between /8 and /30, or an IPv6 one between /64 and /126. Write one as 10.96.0.0/16 or fd00:10:96::/112`,
      );
    }
    this.cidr = cidr;
    this.family = base.family;
    const hostBits = BigInt(width - prefix);
    this.#size = Math.min(2 ** Number(hostBits), MAX_SIZE);
    this.#base = (base.value >> hostBits) << hostBits;
    this.#random = random;
  }

  /** The first usable address: the API server's own Service. */
  first(): string {
    return this.#text(1);
  }

  reserve(address: string): Reservation {
    const offset = this.#offset(address);
    if (offset === undefined) return 'outside';
    if (this.#taken.has(offset)) return 'taken';
    this.#taken.add(offset);
    return 'reserved';
  }

  release(address: string): void {
    const offset = this.#offset(address);
    if (offset !== undefined) this.#taken.delete(offset);
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
    this.#taken.add(offset);
    return this.#text(offset);
  }

  #freeIn(from: number, to: number): number | undefined {
    const count = to - from + 1;
    if (count <= 0) return undefined;
    const start = Math.floor(this.#random() * count);
    for (let step = 0; step < count; step++) {
      const offset = from + ((start + step) % count);
      if (!this.#taken.has(offset)) return offset;
    }
    return undefined;
  }

  /** Undefined for the network and broadcast addresses too, which nobody may have. */
  #offset(address: string): number | undefined {
    const parsed = parse(address);
    if (parsed === undefined || parsed.family !== this.family) return undefined;
    const offset = parsed.value - this.#base;
    return offset >= 1n && offset <= BigInt(this.#size - 2) ? Number(offset) : undefined;
  }

  #text(offset: number): string {
    const value = this.#base + BigInt(offset);
    const length = this.family === 'IPv4' ? 4 : 16;
    const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 255n));
    return ipaddr.fromByteArray(bytes).toString();
  }
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
