// Hands out IPv4 addresses of one CIDR, each to one holder.
// Knows numbers and text of addresses; nothing of Services.

export type Reservation = 'reserved' | 'taken' | 'outside';

/** Throws when `cidr` is not an IPv4 network with at least four addresses. */
export class IpPool {
  readonly cidr: string;
  readonly #base: number;
  readonly #size: number;
  readonly #taken = new Set<number>();
  readonly #random: () => number;

  constructor(cidr: string, random: () => number) {
    const [address = '', bits = ''] = cidr.split('/');
    const base = toNumber(address);
    const prefix = Number(bits);
    if (base === undefined || !/^\d+$/.test(bits) || prefix > 30 || prefix < 8) {
      throw new Error(`Service CIDR "${cidr}" is not an IPv4 network between /8 and /30. Write one as 10.96.0.0/16`);
    }
    this.cidr = cidr;
    this.#size = 2 ** (32 - prefix);
    this.#base = Math.floor(base / this.#size) * this.#size;
    this.#random = random;
  }

  /** The first usable address: the API server's own Service. */
  first(): string {
    return toText(this.#base + 1);
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
    return toText(this.#base + offset);
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
    const value = toNumber(address);
    if (value === undefined) return undefined;
    const offset = value - this.#base;
    return offset >= 1 && offset <= this.#size - 2 ? offset : undefined;
  }
}

function toNumber(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}
