// Hashes must spread: close inputs may not land close together.
// Knows no exact hash value: which number it is does not matter, as long as it stays.
import { describe, expect, it } from 'vitest';
import { hash32, mix32 } from './hash.ts';

describe('hash32', () => {
  it('is a whole number of 32 bits, the same every time', () => {
    expect(hash32('')).toBe(hash32(''));
    for (const text of ['', 'a', 'ä', '192.0.2.1']) {
      expect(hash32(text)).toBe(hash32(text) >>> 0);
    }
  });

  it('fills 64 buckets evenly from neighbouring addresses', () => {
    const buckets = new Array<number>(64).fill(0);
    for (let host = 0; host < 6400; host++) {
      const bucket = hash32(`10.0.${host >> 8}.${host & 255}`) % 64;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    expect(Math.min(...buckets)).toBeGreaterThan(60);
    expect(Math.max(...buckets)).toBeLessThan(145);
  });
});

describe('mix32', () => {
  it('never sends two words to one', () => {
    const mixed = new Set(Array.from({ length: 100_000 }, (_, word) => mix32(word)));
    expect(mixed.size).toBe(100_000);
  });
});
