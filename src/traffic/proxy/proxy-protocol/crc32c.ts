// CRC-32C (Castagnoli), as the PROXY protocol checks its headers with.
// Knows nothing of what the bytes mean.

const table = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 0 ? rest >>> 1 : (rest >>> 1) ^ 0x82f63b78;
  table[byte] = rest;
}

/** Of `bytes`, in which the `zeroed` four bytes from that offset on count as 0. */
export function crc32c(bytes: Uint8Array, zeroed = -1): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    const byte = zeroed >= 0 && i >= zeroed && i < zeroed + 4 ? 0 : (bytes[i] as number);
    crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
