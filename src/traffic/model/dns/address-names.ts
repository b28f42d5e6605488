// Addresses as parts of names: dashed, and reversed as RFC 1035 (3.5) and RFC 3596 (2.5) want them.
// Pure text; a text that is no address has no name.
import ipaddr from 'ipaddr.js';

/** `10-244-1-2`, `fd00-10-244--5`: what an endpoint without a hostname is called, upstream's words for it. */
export function dashedAddress(address: string): string {
  return address.toLowerCase().replaceAll(/[.:]/g, '-');
}

/** The address that `dashedAddress` was given, for either family; undefined for a label that is none. */
export function addressOfDashed(label: string): string | undefined {
  const four = label.replaceAll('-', '.');
  if (ipaddr.IPv4.isValidFourPartDecimal(four)) return four;
  const six = label.replaceAll('-', ':');
  return six.includes(':') && ipaddr.IPv6.isValid(six) ? six : undefined;
}

/** `2.1.244.10.in-addr.arpa` or 32 nibbles below `ip6.arpa`; undefined for what is no address. */
export function reverseName(address: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  if (!ipaddr.IPv6.isValid(address)) return undefined;
  const bytes = ipaddr.IPv6.parse(address).toByteArray();
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  return `${nibbles.map((nibble) => nibble.toString(16)).join('.')}.ip6.arpa`;
}

/** A record of the address's own family. */
export function addressRecord(address: string): { readonly type: 'A' | 'AAAA'; readonly address: string } {
  return { type: address.includes(':') ? 'AAAA' : 'A', address };
}
