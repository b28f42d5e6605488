// Address families as BGP numbers them, and addresses as text and bytes.
// Knows no message.
import { isIP, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Family = 'ipv4' | 'ipv6';

export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
/** Address family identifiers of RFC 4760. */
export const AFI: Readonly<Record<Family, number>> = { ipv4: 1, ipv6: 2 };
export const SAFI_UNICAST = 1;

/** The family that a pair of identifiers stands for, or undefined for all that is not unicast IP. */
export function familyOf(afi: number, safi: number): Family | undefined {
  if (safi !== SAFI_UNICAST) return undefined;
  return FAMILIES.find((family) => AFI[family] === afi);
}

/** `text` must be an address; a zone (`%eth0`) does not count. */
export function addressFamily(text: string): Family {
  return isIPv6(text) ? 'ipv6' : 'ipv4';
}

/** The bytes of an address, or undefined when `text` is none. A zone is left out. */
export function addressBytes(text: string): Buffer | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return Buffer.from(text.split('.').map(Number));
  return Buffer.from(ipaddr.parse(withoutZone(text)).toByteArray());
}

/** 4 or 16 bytes as an address, in the form of RFC 5952. */
export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : ipaddr.fromByteArray([...bytes]).toString();
}

export function withoutZone(address: string): string {
  return address.split('%')[0] as string;
}

export function isLinkLocal(address: string): boolean {
  const bytes = addressBytes(address);
  return bytes?.length === 16 && bytes[0] === 0xfe && ((bytes[1] as number) & 0xc0) === 0x80;
}

/** One address in one way of writing it, so that texts can be compared; an IPv4 address mapped into IPv6 is IPv4. */
export function canonicalAddress(address: string): string {
  const bytes = addressBytes(address);
  if (bytes === undefined) return address;
  const parsed = ipaddr.process(withoutZone(address));
  return parsed.toString();
}

/** Who a packet or connection comes from, as one text: the same link-local address on two links is two of them. */
export function addressKey(address: string): string {
  const canonical = canonicalAddress(address);
  return isLinkLocal(canonical) ? `${canonical}%${address.split('%')[1] ?? ''}` : canonical;
}
