// IP addresses and CIDRs as people write them: families, one spelling for each address, membership.
// Pure: knows numbers, and no machine.
import ipaddr from 'ipaddr.js';

export type Family = 'IPv4' | 'IPv6';

/** The family of an address or a CIDR, undefined when it is neither. Four decimal parts are asked of IPv4. */
export function familyOf(text: string): Family | undefined {
  const address = text.split('/', 1)[0] ?? '';
  const valid = text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text);
  if (!valid || address.includes('%')) return undefined;
  if (address.includes(':')) return 'IPv6';
  return ipaddr.IPv4.isValidFourPartDecimal(address) ? 'IPv4' : undefined;
}

/** The one spelling of an address: `2001:db8::1`, not `2001:0DB8:0::1`. Undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  return text.includes('/') || familyOf(text) === undefined ? undefined : ipaddr.parse(text).toString();
}

/** A CIDR in its one spelling, with the bits beyond the prefix cleared. Undefined when it is none. */
export function canonicalCidr(text: string): string | undefined {
  const range = parseRange(text);
  if (range === undefined) return undefined;
  const bytes = Array.from({ length: range.size / 8 }, (_, at) =>
    Number((range.base >> BigInt(range.size - 8 * (at + 1))) & 255n),
  );
  return `${ipaddr.fromByteArray(bytes).toString()}/${range.prefix}`;
}

/** Membership in any of some CIDRs; those that cannot be read hold nobody. */
export function inAnyOf(cidrs: readonly string[]): (address: string) => boolean {
  const ranges = cidrs.map(parseRange).filter((range) => range !== undefined);
  return (address) => {
    const family = familyOf(address);
    if (family === undefined || address.includes('/')) return false;
    const size = family === 'IPv4' ? 32 : 128;
    const value = numberOfIp(address);
    return ranges.some((range) => range.size === size && (value & maskOf(range)) === range.base);
  };
}

interface Range {
  readonly size: 32 | 128;
  readonly prefix: number;
  readonly base: bigint;
}

function parseRange(text: string): Range | undefined {
  const family = familyOf(text);
  const [address = '', bits] = text.split('/');
  if (family === undefined || bits === undefined) return undefined;
  const size = family === 'IPv4' ? 32 : 128;
  const whole = { size, prefix: Number(bits), base: 0n } as const;
  return { ...whole, base: numberOfIp(address) & maskOf(whole) };
}

function maskOf({ size, prefix }: Range): bigint {
  return ((1n << BigInt(prefix)) - 1n) << BigInt(size - prefix);
}

function numberOfIp(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
