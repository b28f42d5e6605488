// The hash must be the one that everybody else computes: two programs elect by it.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha256 } from './sha256.ts';

const platform = (text: string): string => createHash('sha256').update(text).digest('hex');

it.each(['', 'abc', 'node-1#192.0.2.1', 'ä€😀'])('is that of the platform for "%s"', (text) => {
  expect(sha256(text)).toBe(platform(text));
});

it('is that of the platform at every length around a block', () => {
  for (let length = 0; length < 200; length++) expect(sha256('a'.repeat(length))).toBe(platform('a'.repeat(length)));
});

it('is that of the platform for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(sha256(text)).toBe(platform(text));
    }),
  );
});
