// Fast 32-bit hashes for spreading things over buckets; not for secrets.
// Knows nothing of what is hashed.

/** FNV-1a over the UTF-16 code units, finished with `mix32`; 0 to 2^32 - 1. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return mix32(hash);
}

/** Spreads every bit of `value` over the whole word (the finaliser of MurmurHash3); 0 to 2^32 - 1. */
export function mix32(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
