// Prefixes as text (10.0.0.0/24) and as BGP writes them: a length in bits and just the bytes that it needs.
// Knows no message.
import { ByteReader } from './bytes.ts';
import { addressBytes, addressText, type Family } from './family.ts';

const SIZE: Readonly<Record<Family, number>> = { ipv4: 4, ipv6: 16 };

/** A prefix is longer than an address of its family. */
export class BadPrefix extends Error {}

export interface ParsedPrefix {
  /** In the one way it is written everywhere. */
  readonly text: string;
  readonly family: Family;
}

/** Reads `10.0.0.0/24`, `2001:db8::/64` or a bare address; a text says what is wrong. */
export function parsePrefix(text: string): ParsedPrefix | string {
  const [address = '', lengthText, ...more] = text.split('/');
  const bytes = address.includes('%') ? undefined : addressBytes(address);
  if (bytes === undefined || more.length > 0)
    return `"${text}" is no prefix: write it as 192.0.2.0/24 or 2001:db8::/64`;
  const bits = bytes.length * 8;
  const length = lengthText === undefined ? bits : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : -1;
  if (length < 0 || length > bits) return `"${text}" needs a length between 0 and ${bits}`;
  const masked = mask(bytes, length);
  if (!masked.equals(bytes)) return `"${text}" has bits beyond its length: use "${addressText(masked)}/${length}"`;
  return { text: `${addressText(bytes)}/${length}`, family: bytes.length === 4 ? 'ipv4' : 'ipv6' };
}

function mask(bytes: Buffer, length: number): Buffer {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, length - index * 8)))) as Buffer;
}

/** `prefix` must come from `parsePrefix`. */
export function encodePrefix(prefix: string): Buffer {
  const [address = '', length = ''] = prefix.split('/');
  const bits = Number(length);
  const bytes = addressBytes(address) as Buffer;
  return Buffer.concat([Buffer.of(bits), bytes.subarray(0, Math.ceil(bits / 8))]);
}

/** Bytes that `encodePrefix` takes. */
export function encodedLength(prefix: string): number {
  return 1 + Math.ceil(Number(prefix.slice(prefix.indexOf('/') + 1)) / 8);
}

/** All prefixes of a field; throws BadPrefix or TooShort. Bits beyond the length do not count (RFC 4271, 4.3). */
export function decodePrefixes(bytes: Buffer, family: Family): string[] {
  const reader = new ByteReader(bytes);
  const prefixes: string[] = [];
  const size = SIZE[family];
  while (reader.left > 0) {
    const length = reader.u8();
    if (length > size * 8) throw new BadPrefix(`A prefix of ${family} is ${length} bits long`);
    const whole = Buffer.alloc(size);
    reader.take(Math.ceil(length / 8)).copy(whole);
    prefixes.push(`${addressText(mask(whole, length))}/${length}`);
  }
  return prefixes;
}

export function prefixFamily(prefix: string): Family {
  return prefix.includes(':') ? 'ipv6' : 'ipv4';
}
