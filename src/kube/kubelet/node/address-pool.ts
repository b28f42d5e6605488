// Pod addresses out of a node's range: none is held twice, and a freed one rests as long as the range allows.
// Knows nothing of pods; an owner is any string.

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value / 2 ** shift) & 255).join('.');
}

/** Hands out IPv4 addresses of a CIDR in turn; the first (the gateway's) and the last are never given. */
export class AddressPool {
  readonly #first: number;
  readonly #count: number;
  readonly #held = new Map<string, number>();
  readonly #taken = new Set<number>();
  #cursor = 0;

  /** `cidr` like `127.244.0.0/24`; throws when it is not one, or holds fewer than four addresses. */
  constructor(cidr: string) {
    const [base = '', bits = ''] = cidr.split('/');
    const size = 2 ** (32 - Number(bits));
    if (!/^\d+(\.\d+){3}\/\d+$/.test(cidr) || !Number.isInteger(size) || size < 4) {
      throw new Error(`Pod range "${cidr}" is not an IPv4 CIDR of at least 4 addresses, like 127.244.0.0/24`);
    }
    this.#first = Math.floor(toNumber(base) / size) * size + 2;
    this.#count = size - 3;
  }

  /** The owner's address, the same until it is released; throws when every address is held. */
  acquire(owner: string): string {
    const held = this.#held.get(owner);
    if (held !== undefined) return toAddress(held);
    for (let tries = 0; tries < this.#count; tries++) {
      const value = this.#first + this.#cursor;
      this.#cursor = (this.#cursor + 1) % this.#count;
      if (this.#taken.has(value)) continue;
      this.#taken.add(value);
      this.#held.set(owner, value);
      return toAddress(value);
    }
    throw new Error(`All ${this.#count} pod addresses of the node are in use: delete pods, or give it a larger range`);
  }

  release(owner: string): void {
    const value = this.#held.get(owner);
    if (value === undefined) return;
    this.#held.delete(owner);
    this.#taken.delete(value);
  }
}
