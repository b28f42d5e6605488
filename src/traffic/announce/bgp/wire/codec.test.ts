// The codec of BGP: what is written is read again, and what is wrong gets the code that RFC 4271 and 7606 give it.
// Bytes in, messages out; no session.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage, MAX_LENGTH, readMessage } from './codec.ts';
import type { Family } from './family.ts';
import type { AsSegment, Capability, Dialect, Message, PathAttributes, UpdateMessage } from './message.ts';
import { parsePrefix } from './prefix.ts';

const dialect: Dialect = { fourOctetAs: true };
const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((value) => Buffer.from(value));
const family = fc.constantFrom<Family>('ipv4', 'ipv6');
const ipv4 = fc.ipV4();
const ipv6 = fc.uint8Array({ minLength: 14, maxLength: 14 }).map((tail) => {
  const groups = Array.from({ length: 7 }, (_, i) =>
    (((tail[i * 2] as number) << 8) | (tail[i * 2 + 1] as number)).toString(16),
  );
  return canonical(`2001:${groups.join(':')}`);
});

function canonical(address: string): string {
  const parsed = parsePrefix(address);
  return typeof parsed === 'string' ? parsed : (parsed.text.split('/')[0] as string);
}

/** A prefix of any length, whatever bits the address has. */
function prefixOf(address: string, length: number): string {
  const bits = parsePrefix(`${address}/${length}`);
  if (typeof bits !== 'string') return bits.text;
  return (bits.match(/use "([^"]+)"/) as RegExpMatchArray)[1] as string;
}

const prefix4 = fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([address, length]) => prefixOf(address, length));
const prefix6 = fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })).map(([address, length]) => prefixOf(address, length));

const asPath = fc.array(
  fc.record<AsSegment>({
    kind: fc.constantFrom('set', 'sequence', 'confed_sequence', 'confed_set'),
    ases: fc.array(u32, { minLength: 1, maxLength: 5 }),
  }),
  { maxLength: 3 },
);

const attributes: fc.Arbitrary<PathAttributes> = fc.record(
  {
    origin: fc.constantFrom('igp' as const, 'egp' as const, 'incomplete' as const),
    asPath,
    nextHop: ipv4,
    med: u32,
    localPref: u32,
    atomicAggregate: fc.constant(true as const),
    aggregator: fc.record({ as: u32, address: ipv4 }),
    communities: fc.array(u32, { minLength: 1, maxLength: 70 }),
    as4Path: asPath.filter((path) => path.length > 0),
    largeCommunities: fc.array(fc.tuple(u32, u32, u32), { minLength: 1, maxLength: 30 }),
    mpReach: fc.record({
      family: fc.constant<Family>('ipv6'),
      nextHops: fc.array(ipv6, { minLength: 1, maxLength: 2 }),
      prefixes: fc.array(prefix6, { maxLength: 20 }),
    }),
    mpUnreach: fc.record({ family: fc.constant<Family>('ipv6'), prefixes: fc.array(prefix6, { maxLength: 20 }) }),
    unknown: fc.tuple(bytes(300)).map(([value]) => [{ flags: 0xc0, type: 200, value }]),
  },
  { requiredKeys: ['origin', 'asPath', 'nextHop'] },
);

const capability: fc.Arbitrary<Capability> = fc.oneof(
  fc.record({ kind: fc.constant('multiprotocol' as const), family }),
  fc.record({ kind: fc.constant('route_refresh' as const) }),
  fc.record({ kind: fc.constant('four_octet_as' as const), as: u32 }),
  fc.record({
    kind: fc.constant('graceful_restart' as const),
    restarted: fc.boolean(),
    restartTime: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(fc.record({ family, forwarding: fc.boolean() }), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('unknown' as const), code: fc.integer({ min: 128, max: 255 }), value: bytes(60) }),
);

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constant('open' as const),
    version: u8,
    as: u16,
    holdTime: u16,
    routerId: ipv4,
    capabilities: fc.array(capability, { maxLength: 12 }),
  }),
  fc.record({
    type: fc.constant('update' as const),
    withdrawn: fc.array(prefix4, { maxLength: 20 }),
    attributes,
    announced: fc.array(prefix4, { maxLength: 20 }),
  }),
  fc.record({ type: fc.constant('notification' as const), code: u8, subcode: u8, data: bytes(200) }),
  fc.record({ type: fc.constant('keepalive' as const) }),
  fc.record({ type: fc.constant('route_refresh' as const), afi: u16, safi: u8, subtype: u8 }),
);

describe('what is written', () => {
  it('is read again, message for message', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const written = encodeMessage(sent, dialect);
        fc.pre(written.length <= MAX_LENGTH);
        expect(readMessage(written, dialect)).toEqual({ kind: 'message', message: sent, length: written.length });
      }),
      { numRuns: 1000 },
    );
  });

  it('is partial until its last byte, and does not touch what follows', () => {
    fc.assert(
      fc.property(message, fc.nat(), bytes(40), (sent, cut, more) => {
        const written = encodeMessage(sent, dialect);
        fc.pre(written.length <= MAX_LENGTH);
        expect(readMessage(written.subarray(0, cut % written.length), dialect)).toEqual({ kind: 'partial' });
        expect(readMessage(Buffer.concat([written, more]), dialect)).toMatchObject({ length: written.length });
      }),
    );
  });

  it('has AS_TRANS in place of what two bytes cannot hold', () => {
    const sent = update({ asPath: [{ kind: 'sequence', ases: [4_200_000_000, 64512] }] });
    const old = { fourOctetAs: false };
    const read = readMessage(encodeMessage(sent, old), old);
    expect(read).toMatchObject({ message: { attributes: { asPath: [{ ases: [23456, 64512] }] } } });
  });
});

function update(more: PathAttributes): UpdateMessage {
  const given = { origin: 'igp', asPath: [], nextHop: '192.0.2.1', ...more } as const;
  return { type: 'update', withdrawn: [], attributes: given, announced: ['198.51.100.0/24'] };
}

/** A whole message of that type around `body`. */
function framed(type: number, body: readonly number[]): Buffer {
  const length = 19 + body.length;
  return Buffer.from([...Array(16).fill(0xff), length >> 8, length & 0xff, type, ...body]);
}

function faultOf(wire: Buffer): unknown {
  const read = readMessage(wire, dialect);
  return read.kind === 'fault' ? [read.fault.code, read.fault.subcode, [...read.fault.data]] : read;
}

describe('what is wrong', () => {
  const unsynchronised = framed(4, []);
  unsynchronised[3] = 0;
  const short = framed(4, []);
  short[17] = 18;
  const long = framed(2, Array(4100).fill(0));
  const open = [4, 0xfc, 0, 0, 90, 192, 0, 2, 1];

  it.each<[string, Buffer, number[]]>([
    ['a marker with a zero', unsynchronised, [1, 1]],
    ['a length below the header', short, [1, 2, 0, 18]],
    ['a length beyond 4096', long, [1, 2, 0x10, 0x17]],
    ['a KEEPALIVE with a body', framed(4, [0]), [1, 2, 0, 20]],
    ['an OPEN without all its fields', framed(1, [4, 0, 1]), [1, 2, 0, 22]],
    ['an unknown type', framed(9, []), [1, 3, 9]],
    ['optional parameters beyond the OPEN', framed(1, [...open, 9, 2, 0]), [2, 0]],
    ['an optional parameter that is no capability', framed(1, [...open, 3, 1, 1, 0]), [2, 4]],
    ['a capability cut short', framed(1, [...open, 4, 2, 2, 65, 4]), [2, 0]],
    ['withdrawn routes beyond the UPDATE', framed(2, [0, 9, 0, 0]), [3, 1]],
    ['attributes beyond the UPDATE', framed(2, [0, 0, 0, 9]), [3, 1]],
    ['a prefix of 33 bits', framed(2, [0, 0, 0, 0, 33, 1, 2, 3, 4, 5]), [3, 10]],
    ['a prefix cut short', framed(2, [0, 0, 0, 0, 24, 1, 2]), [3, 10]],
    ['MP_UNREACH_NLRI twice', framed(2, [0, 0, 0, 12, 0x80, 15, 3, 0, 2, 1, 0x80, 15, 3, 0, 2, 1]), [3, 1]],
    [
      'MP_UNREACH_NLRI with a prefix cut short',
      framed(2, [0, 0, 0, 8, 0x80, 15, 5, 0, 2, 1, 64, 0x20]),
      [3, 9, 0x90, 15, 0, 5, 0, 2, 1, 64, 0x20],
    ],
  ])('%s ends the session', (_what, wire, [code, subcode, ...data]) => {
    expect(faultOf(wire)).toEqual([code, subcode, data]);
  });

  it.each<[string, number[], RegExp]>([
    ['an unknown ORIGIN', [0x40, 1, 1, 7], /ORIGIN/],
    ['an empty segment of AS_PATH', [0x40, 2, 2, 2, 0], /AS_PATH/],
    ['wrong flags', [0xc0, 1, 1, 0], /flags/],
    ['communities of five bytes', [0xc0, 8, 5, 1, 2, 3, 4, 5], /Communities of 5/],
    ['a well-known attribute that nobody knows', [0x40, 99, 0], /99/],
    ['attributes that end within one', [0x40, 1, 4, 0], /end within/],
  ])('%s costs only the routes of the message', (_what, attribute, words) => {
    const read = readMessage(framed(2, [0, 0, 0, attribute.length, ...attribute, 24, 198, 51, 100]), dialect);
    expect(read).toMatchObject({
      message: { announced: ['198.51.100.0/24'], malformed: expect.stringMatching(words) },
    });
  });

  it('a missing NEXT_HOP is missed only by IPv4', () => {
    const withNextHop = encodeMessage(update({}), dialect);
    expect(readMessage(withNextHop, dialect)).not.toHaveProperty('message.malformed');
    const { nextHop: _, ...rest } = update({}).attributes;
    const without = { ...update({}), attributes: rest };
    expect(readMessage(encodeMessage(without, dialect), dialect)).toHaveProperty(
      'message.malformed',
      'NEXT_HOP is missing',
    );
    const ipv6 = { family: 'ipv6', nextHops: ['2001:db8::1'], prefixes: ['2001:db8:1::/48'] } as const;
    const onlyIpv6 = encodeMessage({ ...without, announced: [], attributes: { ...rest, mpReach: ipv6 } }, dialect);
    expect(readMessage(onlyIpv6, dialect)).not.toHaveProperty('message.malformed');
  });

  it('bytes of any kind never throw', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), bytes(200), (type, body) => {
        const read = readMessage(framed(type, [...body]), dialect);
        if (read.kind === 'fault') expect([1, 2, 3]).toContain(read.fault.code);
      }),
      { numRuns: 3000 },
    );
  });
});
