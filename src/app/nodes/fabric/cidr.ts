// Arithmetic on ranges of addresses of either family.
// Pure: knows numbers, and no machine.
import ipaddr from 'ipaddr.js';

export interface Cidr {
  readonly family: 4 | 6;
  /** First address, as a number. */
  readonly base: bigint;
  readonly bits: number;
}

function size(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** `undefined` when the text is no range, or has bits set beyond its prefix. */
export function parseCidr(text: string): Cidr | undefined {
  if (!ipaddr.isValidCIDR(text) || (!text.includes(':') && !/^\d+(\.\d+){3}\//.test(text))) return undefined;
  const [address, bits] = ipaddr.parseCIDR(text);
  const bytes = address.toByteArray();
  const base = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const family = bytes.length === 4 ? 4 : 6;
  const cidr = { family, base, bits } as const;
  return base % count(cidr) === 0n ? cidr : undefined;
}

/** The range that an address with a prefix lies in, e.g. `10.1.0.0/16` of `10.1.2.3/16`; `undefined` for other text. */
export function networkOf(text: string): string | undefined {
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [address, bits] = ipaddr.parseCIDR(text);
  const family = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${family.networkAddressFromCIDR(text)}/${bits}`;
}

/** How many addresses it holds. */
export function count({ family, bits }: Cidr): bigint {
  return 1n << BigInt(size(family) - bits);
}

/** The address at a place of the range, as text; place 0 is its first. */
export function addressAt(cidr: Cidr, place: bigint): string {
  const bytes = size(cidr.family) / 8;
  const value = cidr.base + place;
  const octets = Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * (bytes - 1 - at))) & 255n));
  return ipaddr.fromByteArray(octets).toString();
}

export function formatCidr(cidr: Cidr): string {
  return `${addressAt(cidr, 0n)}/${cidr.bits}`;
}

/** The `index`th of the ranges of `bits` that it divides into. */
export function subnet(cidr: Cidr, bits: number, index: number): Cidr {
  const step = 1n << BigInt(size(cidr.family) - bits);
  return { family: cidr.family, base: cidr.base + step * BigInt(index), bits };
}

/** Whether some address lies in both. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  const [wide, narrow] = a.bits < b.bits ? [a, b] : [b, a];
  return narrow.base - (narrow.base % count(wide)) === wide.base;
}

/** Whether every address of `inner` lies in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  return inner.bits >= outer.bits && overlaps(outer, inner);
}
