// Prefixes, communities and shutdown communications as people write and read them.
// No message around them.
import { describe, expect, it } from 'vitest';
import { parseCommunity } from './communities.ts';
import { notificationWords, shutdownData } from './fault.ts';
import { parsePrefix } from './prefix.ts';

describe('parsePrefix()', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0::/48', '2001:db8::/48'],
    ['2001:db8::1', '2001:db8::1/128'],
  ])('reads %s', (text, prefix) => {
    expect(parsePrefix(text)).toMatchObject({ text: prefix });
  });

  it.each([
    ['192.0.2.1/24', /use "192.0.2.0\/24"/],
    ['192.0.2.0/33', /between 0 and 32/],
    ['192.0.2.0/', /length/],
    ['10.1', /no prefix/],
    ['fe80::1%eth0/64', /no prefix/],
    ['192.0.2.0/24/24', /no prefix/],
  ])('says what is wrong with %s', (text, words) => {
    expect(parsePrefix(text)).toMatch(words);
  });
});

describe('parseCommunity()', () => {
  it.each([
    ['64512:100', { kind: 'standard', value: 64512 * 65536 + 100 }],
    ['no-export', { kind: 'standard', value: 0xffffff01 }],
    ['4200000000:1:2', { kind: 'large', value: [4200000000, 1, 2] }],
    ['large:1:2:3', { kind: 'large', value: [1, 2, 3] }],
  ])('reads %s', (text, parsed) => {
    expect(parseCommunity(text)).toEqual(parsed);
  });

  it.each(['65536:1', '1', '1:2:3:4', 'large:1:2', '1:4294967296:2', '-1:2', 'constructor'])('refuses %s', (text) => {
    expect(parseCommunity(text)).toMatch(/no community/);
  });
});

describe('a shutdown communication', () => {
  it('is read as it was written', () => {
    expect(notificationWords(6, 2, shutdownData('Node drains ☂'))).toBe(
      'cease, administrative shutdown: "Node drains ☂"',
    );
  });

  it('is cut between characters, and at 255 bytes', () => {
    const data = shutdownData(`${'a'.repeat(254)}☂`);
    expect(data.length).toBe(255);
    expect(data[0]).toBe(254);
  });

  it('cannot write on the terminal of who reads it', () => {
    expect(notificationWords(6, 2, shutdownData('a\x1b[31m\nb'))).toBe('cease, administrative shutdown: "a [31m b"');
    expect(notificationWords(6, 2, Buffer.of(9, 65))).toBe('cease, administrative shutdown');
  });
});
