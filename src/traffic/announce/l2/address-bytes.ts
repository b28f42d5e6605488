// Addresses as the bytes that stand in packets, and as keys to look them up by.
// Pure.
import { bitsOf, parseAddress } from '#lib/address-range.ts';

/** Four or sixteen bytes; undefined for what is no address. */
export function addressBytes(text: string): Uint8Array | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const size = bitsOf(address.family) / 8;
  return Uint8Array.from({ length: size }, (_, at) => Number((address.value >> BigInt(8 * (size - 1 - at))) & 255n));
}

/** Equal for equal bytes. */
export function bytesKey(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
