// Arithmetic on ranges of addresses of either family.
// Pure: knows numbers, and no machine.
import { bitsOf, type Family, formatAddress, parseAddress, parseRange } from '#lib/address-range.ts';

export interface Cidr {
  readonly family: Family;
  /** First address, as a number. */
  readonly base: bigint;
  readonly bits: number;
}

/** `undefined` when the text is no range, or has bits set beyond its prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', bits = ''] = text.split('/');
  const base = parseAddress(address);
  const range = parseRange(text);
  if (base === undefined || range === undefined || range.first !== base.value) return undefined;
  return { family: base.family, base: base.value, bits: Number(bits) };
}

/** How many addresses it holds. */
export function count({ family, bits }: Cidr): bigint {
  return 1n << BigInt(bitsOf(family) - bits);
}

/** The address at a place of the range, as text; place 0 is its first. */
export function addressAt({ family, base }: Cidr, place: bigint): string {
  return formatAddress({ family, value: base + place });
}

export function formatCidr(cidr: Cidr): string {
  return `${addressAt(cidr, 0n)}/${cidr.bits}`;
}

/** The `index`th of the ranges of `bits` that it divides into. */
export function subnet(cidr: Cidr, bits: number, index: number): Cidr {
  const step = 1n << BigInt(bitsOf(cidr.family) - bits);
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

/** The ranges that hold what `cidr` holds, but for one address; `cidr` itself when that is not in it. */
export function without(cidr: Cidr, address: Cidr): Cidr[] {
  if (!overlaps(cidr, address)) return [cidr];
  if (cidr.bits >= address.bits) return [];
  return [0, 1].flatMap((half) => without(subnet(cidr, cidr.bits + 1, half), address));
}
