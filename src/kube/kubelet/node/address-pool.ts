// Pod addresses out of a node's range: none is held twice, and a freed one rests as long as the range allows.
// Knows nothing of pods; an owner is any string.
import ipaddr from 'ipaddr.js';

function toNumber(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function toAddress(value: bigint, bytes: number): string {
  const octets = Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * (bytes - 1 - at))) & 255n));
  return ipaddr.fromByteArray(octets).toString();
}

function parse(cidr: string): { base: bigint; bytes: number; size: bigint; prefix: number } {
  const problem = `Pod range "${cidr}" is not a CIDR of at least 4 addresses, like 10.244.0.0/24 or fd00:10:244::/64`;
  if (!ipaddr.isValidCIDR(cidr) || (!cidr.includes(':') && !/^\d+(\.\d+){3}\//.test(cidr))) throw new Error(problem);
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray().length;
  const size = 1n << BigInt(8 * bytes - prefix);
  if (size < 4n) throw new Error(problem);
  return { base: toNumber(address.toString()) & ~(size - 1n), bytes, size, prefix };
}

/** Hands out the addresses of a CIDR in turn; the first (the gateway's) and the last are never given. */
export class AddressPool {
  /** First address of the range, for the node's own end. */
  readonly gateway: string;
  /** The range itself, without the bits of a host. */
  readonly cidr: string;
  readonly #first: bigint;
  readonly #bytes: number;
  readonly #count: bigint;
  readonly #held = new Map<string, bigint>();
  readonly #taken = new Set<bigint>();
  #cursor = 0n;

  /** `cidr` like `10.244.0.0/24` or `fd00:10:244::/64`; throws when it is none, or holds fewer than four addresses. */
  constructor(cidr: string) {
    const { base, bytes, size, prefix } = parse(cidr);
    this.#bytes = bytes;
    this.#first = base + 2n;
    this.#count = size - 3n;
    this.gateway = toAddress(base + 1n, bytes);
    this.cidr = `${toAddress(base, bytes)}/${prefix}`;
  }

  get family(): 4 | 6 {
    return this.#bytes === 4 ? 4 : 6;
  }

  /** The owner's address, the same until it is released; throws when every address is held. */
  acquire(owner: string): string {
    const held = this.#held.get(owner);
    if (held !== undefined) return toAddress(held, this.#bytes);
    for (let tries = 0n; tries < this.#count; tries++) {
      const value = this.#first + this.#cursor;
      this.#cursor = (this.#cursor + 1n) % this.#count;
      if (this.#taken.has(value)) continue;
      this.#take(owner, value);
      return toAddress(value, this.#bytes);
    }
    throw new Error(`All ${this.#count} pod addresses of the node are in use: delete pods, or give it a larger range`);
  }

  /** Gives the owner this very address; `false` when it is none of the range's, another's, or the owner has one. */
  hold(owner: string, address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const value = toNumber(address);
    const ours = value >= this.#first && value < this.#first + this.#count;
    if (!ours || address.includes(':') !== (this.family === 6)) return false;
    if (this.#held.has(owner)) return this.#held.get(owner) === value;
    if (this.#taken.has(value)) return false;
    this.#take(owner, value);
    // What comes next is as far from it as the range allows.
    if (value - this.#first >= this.#cursor) this.#cursor = (value - this.#first + 1n) % this.#count;
    return true;
  }

  release(owner: string): void {
    const value = this.#held.get(owner);
    if (value === undefined) return;
    this.#held.delete(owner);
    this.#taken.delete(value);
  }

  #take(owner: string, value: bigint): void {
    this.#taken.add(value);
    this.#held.set(owner, value);
  }
}
