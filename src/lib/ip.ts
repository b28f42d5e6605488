// IP addresses and CIDRs as people write them: families, one spelling for each address, membership.
// Pure: knows numbers, and no machine.
import ipaddr from 'ipaddr.js';
import { type AddressRange, contains, formatRange, parseAddress, parseRange } from './address-range.ts';

export type Family = 'IPv4' | 'IPv6';

/** An address of IPv4 in its one spelling, as nearly all are that are asked about; others take a closer look. */
function isPlainIpv4(text: string): boolean {
  let [parts, digits, value] = [0, 0, 0];
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? DOT : text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0 || value > 255) return false;
      parts++;
      [digits, value] = [0, 0];
    } else {
      const digit = code - ZERO;
      // No zero before other digits, which some read as octal.
      if (digit < 0 || digit > 9 || (digits > 0 && value === 0) || digits === 3) return false;
      value = value * 10 + digit;
      digits++;
    }
  }
  return parts === 4;
}

const DOT = 46;
const ZERO = 48;

/** The family of an address or a CIDR, undefined when it is neither. Four decimal parts are asked of IPv4. */
export function familyOf(text: string): Family | undefined {
  if (isPlainIpv4(text)) return 'IPv4';
  const address = text.split('/', 1)[0] ?? '';
  const valid = text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text);
  if (!valid || address.includes('%')) return undefined;
  if (address.includes(':')) return 'IPv6';
  return ipaddr.IPv4.isValidFourPartDecimal(address) ? 'IPv4' : undefined;
}

/** The one spelling of an address: `2001:db8::1`, not `2001:0DB8:0::1`. Undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  if (isPlainIpv4(text)) return text;
  return text.includes('/') || familyOf(text) === undefined ? undefined : ipaddr.parse(text).toString();
}

/** A CIDR in its one spelling, with the bits beyond the prefix cleared. Undefined when it is none. */
export function canonicalCidr(text: string): string | undefined {
  const block = readCidr(text);
  return block === undefined ? undefined : formatRange(block);
}

/** Membership in any of some CIDRs; those that cannot be read hold nobody. */
export function inAnyOf(cidrs: readonly string[]): (address: string) => boolean {
  const blocks = cidrs.map(readCidr).filter((block) => block !== undefined);
  return (text) => {
    const address = parseAddress(text);
    return address !== undefined && blocks.some((block) => contains(block, address));
  };
}

/** Of ranges, only those that are written as a CIDR. */
function readCidr(text: string): AddressRange | undefined {
  return text.includes('/') ? parseRange(text) : undefined;
}
