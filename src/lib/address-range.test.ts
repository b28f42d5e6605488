// Addresses and ranges: what is one, what is none, and that writing and reading are each other's inverse.
// Knows no pool.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Address,
  bitsOf,
  blockOf,
  blocksOf,
  contains,
  type Family,
  formatAddress,
  formatRange,
  overlap,
  parseAddress,
  parseRange,
  sizeOf,
} from './address-range.ts';

const family = fc.constantFrom<Family>(4, 6);
const address = family.chain((of) =>
  fc.bigInt(0n, (1n << BigInt(bitsOf(of))) - 1n).map((value): Address => ({ family: of, value })),
);
/** Those that are not written as an address of the other family. */
const plain = address.filter(({ family: of, value }) => of === 4 || value >> 32n !== 0xffffn);

describe('An address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::', '::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ])('%s is written %s', (text, written) => {
    const parsed = parseAddress(text);
    expect(parsed && formatAddress(parsed)).toBe(written);
  });

  it.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '0x1.2.3.4',
    'fe80::1%eth0',
    'localhost',
    '1.2.3.4 ',
    ':::',
  ])('"%s" is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('reads back as what was written', () => {
    fc.assert(
      fc.property(plain, (one) => {
        expect(parseAddress(formatAddress(one))).toEqual(one);
      }),
    );
  });

  it('of any text at all is an address or undefined, and never an error', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseAddress(text)));
  });
});

describe('A range', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.1-192.0.2.1', '192.0.2.1/32'],
    ['192.0.2.0 - 192.0.2.255', '192.0.2.0/24'],
    ['192.0.2.1-192.0.2.9', '192.0.2.1-192.0.2.9'],
    ['fd00::/120', 'fd00::/120'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::ffff:192.0.2.77/120', '192.0.2.0/24'],
  ])('%s is %s', (text, written) => {
    const parsed = parseRange(text);
    expect(parsed && formatRange(parsed)).toBe(written);
  });

  it.each([
    '192.0.2.1',
    '192.0.2.0/33',
    '::ffff:192.0.2.0/24',
    '192.0.2.0/',
    '192.0.2.0/024',
    '192.0.2.9-192.0.2.1',
    '192.0.2.1-fd00::1',
    '-',
    '/',
    '',
  ])('"%s" is none', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });

  it('holds its own ends, and its blocks are exactly it', () => {
    const range = fc.tuple(plain, fc.bigInt(0n, 5_000n)).map(([start, more]) => {
      const highest = (1n << BigInt(bitsOf(start.family))) - 1n;
      const last = start.value + more > highest ? highest : start.value + more;
      return { family: start.family, first: start.value, last };
    });
    fc.assert(
      fc.property(range, (one) => {
        expect(contains(one, { family: one.family, value: one.first })).toBe(true);
        expect(contains(one, { family: one.family, value: one.last })).toBe(true);
        let next = one.first;
        for (const block of blocksOf(one)) {
          expect(block.first).toBe(next);
          const whole = blockOf({ family: one.family, value: block.first }, block.length);
          expect(whole.first).toBe(next);
          next += sizeOf(whole);
        }
        expect(next).toBe(one.last + 1n);
        expect(overlap(one, one)).toBe(true);
      }),
    );
  });
});
