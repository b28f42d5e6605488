// Spelling and membership of addresses.
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { canonicalCidr, canonicalIp, familyOf, inAnyOf } from './ip.ts';

/** Not those of IPv4 that are written as IPv6, whose prefixes below 96 hold more than one family. */
const plain = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !(canonicalIp(text) ?? '').startsWith('::ffff:'));

describe('an address', () => {
  it('has a family and one spelling', () => {
    expect(familyOf('10.0.0.1')).toBe('IPv4');
    expect(familyOf('2001:DB8::1')).toBe('IPv6');
    expect(canonicalIp('2001:0DB8:0::1')).toBe('2001:db8::1');
    for (const wrong of ['', '10.1', '0x0a000001', '10.0.0.256', 'fe80::1%eth0', '10.0.0.1/8', 'web']) {
      expect(canonicalIp(wrong), wrong).toBeUndefined();
    }
  });

  it('of four decimal parts is what the library says it is', () => {
    const digits = fc.stringMatching(/^[0-9]{0,4}$/);
    const written = fc.array(fc.oneof(fc.nat(300).map(String), digits), { minLength: 3, maxLength: 5 });
    fc.assert(
      fc.property(written, (parts) => {
        const text = parts.join('.');
        const is = ipaddr.isValid(text) && ipaddr.IPv4.isValidFourPartDecimal(text);
        expect(canonicalIp(text)).toBe(is ? ipaddr.parse(text).toString() : undefined);
        expect(familyOf(text)).toBe(is ? 'IPv4' : undefined);
      }),
    );
  });

  it('is in the ranges that hold it', () => {
    const within = inAnyOf(['10.1.2.3/8', 'fd00::/16', 'nonsense', '192.0.2.7/32']);
    expect(['10.255.0.1', 'fd00:1::1', '192.0.2.7'].map(within)).toEqual([true, true, true]);
    expect(['11.0.0.1', 'fe00::1', '192.0.2.8', 'nonsense', ''].map(within)).toEqual(Array(5).fill(false));
    expect(['10.0.0.1', '::1'].map(inAnyOf(['0.0.0.0/0']))).toEqual([true, false]);
  });

  it('is in its own CIDR, whatever the prefix', () => {
    fc.assert(
      fc.property(plain, fc.nat(128), (address, bits) => {
        const cidr = `${address}/${address.includes(':') ? bits : bits % 33}`;
        const canonical = canonicalCidr(cidr) ?? '';
        expect(inAnyOf([cidr])(address)).toBe(true);
        expect(inAnyOf([canonical])(address)).toBe(true);
        expect(canonicalCidr(canonical)).toBe(canonical);
      }),
    );
  });
});
