// The PROXY protocol, both versions, read and written: what is taken, and what is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeProxyHeader } from './compose.ts';
import { crc32c } from './crc32c.ts';
import { readProxyHeader } from './read.ts';
import { ipv6Bytes, ipv6Text } from './socket-pair.ts';

const signature = '0d0a0d0a000d0a515549540a';
const v2 = (hex: string): Buffer => Buffer.from(signature + hex.replaceAll(' ', ''), 'hex');
const v1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const addresses = '0a000001 c0a80001 1234 01bb';
const pair = {
  source: { address: '10.0.0.1', port: 0x1234 },
  destination: { address: '192.168.0.1', port: 443 },
};

/** A v2 header over IPv4 with these TLVs, as hex. */
function withTlvs(tlvs: string): Buffer {
  const body = (addresses + tlvs).replaceAll(' ', '');
  return v2(`2111 ${(body.length / 2).toString(16).padStart(4, '0')}${body}`);
}

function withChecksum(tlvs: string, spoil = 0): Buffer {
  const header = withTlvs(`${tlvs}030004 00000000`);
  header.writeUInt32BE((crc32c(header) ^ spoil) >>> 0, header.length - 4);
  return header;
}

describe('readProxyHeader', () => {
  it.each<[string, Buffer, unknown]>([
    [
      'version 1 before an escaped path',
      v1('PROXY TCP4 10.0.0.1 192.168.0.1 4660 443\r\nGET /a%20b HTTP/1.1\r\n'),
      { type: 'header', length: 42, pair },
    ],
    ['version 1, IPv4', v1('PROXY TCP4 10.0.0.1 192.168.0.1 4660 443\r\nGET'), { type: 'header', length: 42, pair }],
    [
      'version 1, IPv6',
      v1('PROXY TCP6 2001:DB8::1 ::1 1 65535\r\n'),
      {
        type: 'header',
        length: 36,
        pair: { source: { address: '2001:DB8::1', port: 1 }, destination: { address: '::1', port: 65_535 } },
      },
    ],
    ['version 1, unknown', v1('PROXY UNKNOWN\r\n'), { type: 'header', length: 15, pair: undefined }],
    [
      'version 1, unknown with anything',
      v1('PROXY UNKNOWN x y z\r\n'),
      { type: 'header', length: 21, pair: undefined },
    ],
    ['version 2, IPv4', v2(`2111 000c ${addresses} 47`), { type: 'header', length: 28, pair }],
    ['version 2, local', v2('2000 0000'), { type: 'header', length: 16, pair: undefined }],
    ['version 2, local with leftovers', v2('20ff 0003 ffffff'), { type: 'header', length: 19, pair: undefined }],
    ['version 2, unspecified', v2('2100 0002 ffff'), { type: 'header', length: 18, pair: undefined }],
    ['version 2, UNIX', v2(`2131 00d8 ${'00'.repeat(216)}`), { type: 'header', length: 232, pair: undefined }],
    [
      'version 2, IPv4 mapped',
      v2(`2121 0024 ${'00'.repeat(10)}ffff0a000001 ${'00'.repeat(15)}01 0001 0002`),
      {
        type: 'header',
        length: 52,
        pair: { source: { address: '10.0.0.1', port: 1 }, destination: { address: '::1', port: 2 } },
      },
    ],
    ['TLVs of any kind', withTlvs('04 0002 0000 ea 0000 01 0002 6832'), { type: 'header', length: 41, pair }],
    ['a checksum that fits', withChecksum('01 0002 6832'), { type: 'header', length: 40, pair }],
    ['nested TLVs', withTlvs('20 000d 0500000000 21 0005 544c537631'), { type: 'header', length: 44, pair }],
  ])('takes %s', (_what, bytes, reading) => {
    expect(readProxyHeader(bytes)).toEqual(reading);
  });

  it.each<[string, Buffer]>([
    ['a request', v1('GET / HTTP/1.1\r\n')],
    ['a TLS record', Buffer.from([22, 3, 1])],
    ['no family', v1('PROXY \r\n')],
    ['two spaces', v1('PROXY TCP4  10.0.0.1 10.0.0.2 1 2\r\n')],
    ['the wrong family', v1('PROXY TCP6 10.0.0.1 10.0.0.2 1 2\r\n')],
    ['a leading zero in an address', v1('PROXY TCP4 010.0.0.1 10.0.0.2 1 2\r\n')],
    ['a leading zero in a port', v1('PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n')],
    ['a port out of range', v1('PROXY TCP4 10.0.0.1 10.0.0.2 1 65536\r\n')],
    ['a sixth field', v1('PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n')],
    ['a zone', v1('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n')],
    ['a bare line feed', v1('PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n')],
    ['an endless line', v1(`PROXY UNKNOWN ${'x'.repeat(120)}`)],
    ['version 3', v2('3111 000c')],
    ['an unknown command', v2('2211 000c')],
    ['a datagram', v2(`2112 000c ${addresses}`)],
    ['an unknown family', v2('2141 0000')],
    ['addresses cut short', v2('2111 000b')],
    ['a header too long', v2('2111 ffff')],
    ['a TLV header cut short', withTlvs('04 00')],
    ['a TLV cut short', withTlvs('04 0002 00')],
    ['a checksum of the wrong length', withTlvs('03 0003 000000')],
    ['a checksum that does not fit', withChecksum('01 0002 6832', 1)],
    ['two checksums', withChecksum('03 0004 00000000')],
    ['an endless id', withTlvs(`05 0081 ${'00'.repeat(129)}`)],
    ['nested TLVs that do not fit', withTlvs('20 0006 050000000021')],
  ])('refuses %s', (_what, bytes) => {
    expect(readProxyHeader(bytes).type).toBe('malformed');
  });

  it('waits for the rest, wherever it is cut', () => {
    for (const whole of [v1('PROXY TCP4 10.0.0.1 192.168.0.1 4660 443\r\n'), withChecksum('01 0002 6832')]) {
      for (let end = 0; end < whole.length; end++) {
        expect(readProxyHeader(whole.subarray(0, end))).toEqual({ type: 'partial' });
      }
    }
  });

  it('reads back what is written', () => {
    const end = fc.record({ address: fc.oneof(fc.ipV4(), canonicalIpv6()), port: fc.nat(65_535) });
    fc.assert(
      fc.property(fc.constantFrom('v1' as const, 'v2' as const), end, end, (version, source, destination) => {
        const header = composeProxyHeader(version, { source, destination });
        expect(readProxyHeader(header)).toEqual({
          type: 'header',
          length: header.length,
          pair: { source, destination },
        });
      }),
    );
    for (const version of ['v1', 'v2'] as const) {
      const header = composeProxyHeader(version, undefined);
      expect(readProxyHeader(header)).toEqual({ type: 'header', length: header.length, pair: undefined });
    }
  });

  it('never throws and never reads beyond what came', () => {
    const start = fc.constantFrom(
      signature,
      `${signature}2111`,
      `${signature}2121`,
      `${signature}2100`,
      Buffer.from('PROXY TCP4 ').toString('hex'),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (hex, rest) => {
        const bytes = Buffer.concat([Buffer.from(hex, 'hex'), rest]);
        const reading = readProxyHeader(bytes);
        if (reading.type === 'header') expect(reading.length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });
});

it('knows the check value of CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

it('writes IPv6 addresses in their canonical form', () => {
  for (const text of ['::', '::1', '2001:db8::1', '2001:db8:0:1::2', 'fe80::', '1:2:3:4:5:6:7:8', '1:0:2:3:4:5:6:7']) {
    expect(ipv6Text(ipv6Bytes(text), 0)).toBe(text);
  }
  expect(ipv6Text(ipv6Bytes('::ffff:1.2.3.4'), 0)).toBe('1.2.3.4');
  expect(ipv6Text(ipv6Bytes('64:ff9b::1.2.3.4'), 0)).toBe('64:ff9b::102:304');
});

/** IPv6 addresses in canonical form that are not IPv4-mapped. */
function canonicalIpv6(): fc.Arbitrary<string> {
  return fc
    .ipV6()
    .map((text) => ipv6Text(ipv6Bytes(text), 0))
    .filter((text) => text.includes(':'));
}
