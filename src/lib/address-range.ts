// IP addresses of both families as numbers, and ranges of them: read, written, compared.
// Knows no network: what a range is for is the caller's matter.
import ipaddr from 'ipaddr.js';

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** From `first` to `last`, both included. */
export interface AddressRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

const DOTTED = /^\d{1,3}(\.\d{1,3}){3}$/;

/**
 * `undefined` for what is no address: IPv4 in dotted decimal without leading zeros, IPv6 without a zone. An IPv4 address
 * written as IPv6 (`::ffff:192.0.2.1`) is that IPv4 address.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) {
    if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
    const parsed = ipaddr.IPv6.parse(text);
    const address = parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed;
    return fromBytes(address.toByteArray());
  }
  if (!DOTTED.test(text)) return undefined;
  const octets = text.split('.').map(Number);
  if (octets.some((octet) => octet > 255) || octets.join('.') !== text) return undefined;
  return fromBytes(octets);
}

function fromBytes(bytes: readonly number[]): Address {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** The one text of an address (IPv6 as RFC 5952 has it), so that texts can be compared. */
export function formatAddress({ family, value }: Address): string {
  const count = bitsOf(family) / 8;
  const bytes = Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * (count - 1 - at))) & 255n));
  return family === 4 ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String();
}

/**
 * A CIDR block, whose bits beyond the prefix count as zero, or two addresses with a hyphen between. `undefined` for what
 * is neither, for two families, for an end before the start, and for `::ffff:192.0.2.0/95` and shorter prefixes, which
 * hold more than IPv4 addresses.
 */
export function parseRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/');
  if (slash >= 0) {
    const written = text.slice(0, slash).trim();
    const address = parseAddress(written);
    const bits = text.slice(slash + 1).trim();
    if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined;
    const length = Number(bits) - (address.family === 4 && written.includes(':') ? 96 : 0);
    return length < 0 || length > bitsOf(address.family) ? undefined : blockOf(address, length);
  }
  const hyphen = text.indexOf('-');
  if (hyphen < 0) return undefined;
  const first = parseAddress(text.slice(0, hyphen).trim());
  const last = parseAddress(text.slice(hyphen + 1).trim());
  if (first === undefined || last === undefined || first.family !== last.family) return undefined;
  return first.value > last.value ? undefined : { family: first.family, first: first.value, last: last.value };
}

/** The block of `length` bits that an address lies in. */
export function blockOf({ family, value }: Address, length: number): AddressRange {
  const rest = BigInt(bitsOf(family) - length);
  const first = (value >> rest) << rest;
  return { family, first, last: first + (1n << rest) - 1n };
}

export function sizeOf({ first, last }: AddressRange): bigint {
  return last - first + 1n;
}

export function contains(range: AddressRange, { family, value }: Address): boolean {
  return range.family === family && range.first <= value && value <= range.last;
}

export function overlap(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** `a/length` where the range is one block, `a-b` elsewhere. */
export function formatRange({ family, first, last }: AddressRange): string {
  const size = last - first + 1n;
  const host = size.toString(2).length - 1;
  const start = formatAddress({ family, value: first });
  if (size === 1n << BigInt(host) && first % size === 0n) return `${start}/${bitsOf(family) - host}`;
  return `${start}-${formatAddress({ family, value: last })}`;
}

/** The fewest blocks that make up exactly the range, in order. */
export function blocksOf({ family, first, last }: AddressRange): { readonly length: number; readonly first: bigint }[] {
  const blocks: { length: number; first: bigint }[] = [];
  for (let at = first; at <= last; ) {
    let host = 0;
    while (host < bitsOf(family) && at % (2n << BigInt(host)) === 0n && at + (2n << BigInt(host)) - 1n <= last)
      host += 1;
    blocks.push({ length: bitsOf(family) - host, first: at });
    at += 1n << BigInt(host);
  }
  return blocks;
}
