// ARP and NDP as bytes: what is written reads back, what is wrong is no message, and no bytes at all throw.
// Pure; the examples are those of the RFCs.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerArp, answerSolicitation, type Place } from '../answer.ts';
import { arpReply, decodeArp, encodeArp, gratuitousArps } from './arp.ts';
import { BROADCAST, ETHER_TYPE, newFrame } from './ethernet.ts';
import {
  ALL_NODES,
  answerTo,
  checksum,
  decodeSolicitation,
  multicastHardware,
  solicitedNode,
  unsolicitedAdvertisement,
} from './ndp.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Of one host. */
const hardware = bytes(6).map((value) => Uint8Array.of((value[0] as number) & 0xfe, ...value.subarray(1)));
const unicast6 = bytes(16).map((value) => Uint8Array.of(0x20, ...value.subarray(1)));

const OURS = Uint8Array.of(2, 0, 0, 0, 0, 1);
const THEIRS = Uint8Array.of(2, 0, 0, 0, 0, 2);
const VIP = Uint8Array.of(192, 0, 2, 7);
const VIP6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56);
const place: Place = {
  hardware: OURS,
  holds: (address) => [VIP, VIP6].some((one) => same(one, address)),
};

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(Buffer.from(b));
}

function request(target: Uint8Array, sender = THEIRS, from = Uint8Array.of(192, 0, 2, 2), to = BROADCAST): Uint8Array {
  const unknown = new Uint8Array(6);
  return encodeArp(to, sender, {
    operation: 'request',
    senderHardware: sender,
    senderAddress: from,
    targetHardware: unknown,
    targetAddress: target,
  });
}

interface Asked {
  readonly target: Uint8Array;
  readonly source?: Uint8Array;
  readonly hopLimit?: number;
  readonly option?: boolean;
  readonly sender?: Uint8Array;
}

const CLIENT6 = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);

function solicitation({ target, source = CLIENT6, hopLimit = 255, option = true, sender = THEIRS }: Asked): Uint8Array {
  const length = option ? 32 : 24;
  const frame = newFrame(multicastHardware(solicitedNode(target)), sender, ETHER_TYPE.ipv6, 40 + length);
  const ip = frame.subarray(14, 54);
  ip.set([0x60, 0, 0, 0, 0, length, 58, hopLimit]);
  ip.set(source, 8);
  ip.set(solicitedNode(target), 24);
  const icmp = frame.subarray(54);
  icmp[0] = 135;
  icmp.set(target, 8);
  if (option) icmp.set([1, 1, ...sender], 24);
  const sum = checksum(source, solicitedNode(target), icmp);
  icmp.set([sum >> 8, sum & 0xff], 2);
  return frame;
}

describe('ARP', () => {
  it('reads what it writes, padded or not', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('request' as const, 'reply' as const),
        bytes(6),
        bytes(4),
        bytes(6),
        bytes(4),
        fc.uint8Array({ maxLength: 40 }),
        (operation, senderHardware, senderAddress, targetHardware, targetAddress, padding) => {
          const message = { operation, senderHardware, senderAddress, targetHardware, targetAddress };
          const frame = encodeArp(BROADCAST, senderHardware, message);
          expect(decodeArp(Uint8Array.of(...frame, ...padding))).toEqual(message);
        },
      ),
    );
  });

  it('throws at no bytes, and answers nothing that it does not hold', () => {
    const nothing: Place = { ...place, holds: () => false };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (frame, looksLikeIt) => {
        if (looksLikeIt && frame.length > 22) frame.set([8, 6, 0, 1, 8, 0, 6, 4, 0, 1], 12);
        decodeArp(frame);
        expect(answerArp(frame, nothing)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('answers to who asks, with the address of the interface', () => {
    fc.assert(
      fc.property(hardware, bytes(4), (sender, from) => {
        fc.pre(!same(sender, OURS) && !same(from, VIP));
        const answer = answerArp(request(VIP, sender, from), place);
        expect(answer).toBeDefined();
        expect(answer?.subarray(0, 6)).toEqual(sender);
        expect(decodeArp(answer as Uint8Array)).toEqual({
          operation: 'reply',
          senderHardware: OURS,
          senderAddress: VIP,
          targetHardware: sender,
          targetAddress: from,
        });
      }),
    );
  });

  it.each([
    ['a question to another host', request(VIP, THEIRS, Uint8Array.of(192, 0, 2, 2), Uint8Array.of(2, 0, 0, 0, 0, 9))],
    ['our own question', request(VIP, OURS)],
    ['somebody who announces the address', gratuitousArps(VIP, THEIRS)[0] as Uint8Array],
    ['an answer', arpReply(decodeArp(request(VIP)) as NonNullable<ReturnType<typeof decodeArp>>, THEIRS)],
    ['a question for another address', request(Uint8Array.of(192, 0, 2, 8))],
    ['a question of a group', request(VIP, BROADCAST)],
  ])('does not answer %s', (_, frame) => {
    expect(answerArp(frame, place)).toBeUndefined();
  });

  it('answers a probe of who has no address yet, and one that is sent to this host alone', () => {
    expect(answerArp(request(VIP, THEIRS, new Uint8Array(4)), place)).toBeDefined();
    expect(answerArp(request(VIP, THEIRS, Uint8Array.of(192, 0, 2, 2), OURS), place)).toBeDefined();
  });

  it('answers no frame of its own, whoever it says has sent it', () => {
    const frame = request(VIP, Uint8Array.of(2, 0, 0, 0, 0, 99), Uint8Array.of(192, 0, 2, 9));
    expect(answerArp(frame, place)).toBeDefined();
    frame.set(OURS, 6);
    expect(answerArp(frame, place)).toBeUndefined();
  });

  it('announces in both forms, to all', () => {
    const messages = gratuitousArps(VIP, OURS).map((frame) => [frame.subarray(0, 6), decodeArp(frame)]);
    const said = { senderHardware: OURS, senderAddress: VIP, targetAddress: VIP };
    expect(messages).toMatchObject([
      [BROADCAST, { operation: 'request', ...said }],
      [BROADCAST, { operation: 'reply', ...said }],
    ]);
  });
});

describe('NDP', () => {
  it('throws at no bytes, and answers nothing that it does not hold', () => {
    const nothing: Place = { ...place, holds: () => false };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 140 }), fc.integer({ min: 0, max: 200 }), (noise, at) => {
        const frame = solicitation({ target: VIP6 });
        frame.set(noise.subarray(0, Math.max(0, frame.length - at)), Math.min(at, frame.length));
        for (const one of [noise, frame, frame.subarray(0, at)]) {
          decodeSolicitation(one);
          expect(answerSolicitation(one, nothing)).toBeUndefined();
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes no frame of which a bit is another', () => {
    const frame = solicitation({ target: VIP6 });
    fc.assert(
      // Beyond Ethernet, and where a checksum looks: version, class and flow are nobody's business here.
      fc.property(fc.integer({ min: 18 * 8, max: frame.length * 8 - 1 }), (bit) => {
        const other = frame.slice();
        other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(decodeSolicitation(other)).toBeUndefined();
      }),
    );
  });

  it('answers to who asks, with the override flag and a checksum that fits', () => {
    fc.assert(
      fc.property(hardware, unicast6, (sender, source) => {
        fc.pre(!same(sender, OURS));
        const answer = answerSolicitation(solicitation({ target: VIP6, sender, source }), place) as Uint8Array;
        expect(answer.subarray(0, 6)).toEqual(sender);
        const [ip, icmp] = [answer.subarray(14, 54), answer.subarray(54)];
        expect([ip.subarray(24, 40), icmp[0], icmp[4], icmp.subarray(8, 24)]).toEqual([source, 136, 0x60, VIP6]);
        expect(icmp.subarray(24)).toEqual(Uint8Array.of(2, 1, ...OURS));
        expect(checksum(ip.subarray(8, 24), ip.subarray(24, 40), icmp)).toBe(0);
      }),
    );
  });

  it('tells all when it is asked by who has no address yet', () => {
    const frame = solicitation({ target: VIP6, source: new Uint8Array(16), option: false });
    const answer = answerSolicitation(frame, place) as Uint8Array;
    expect(answer.subarray(0, 6)).toEqual(Uint8Array.of(0x33, 0x33, 0, 0, 0, 1));
    expect([answer.subarray(38, 54), answer[58]]).toEqual([ALL_NODES, 0x20]);
  });

  it.each([
    ['from beyond a router', solicitation({ target: VIP6, hopLimit: 254 })],
    ['for a group', solicitation({ target: ALL_NODES })],
    ['of nobody who names a hardware address', solicitation({ target: VIP6, source: new Uint8Array(16) })],
    ['for another address', solicitation({ target: Uint8Array.of(...VIP6.subarray(0, 15), 0x57) })],
    ['of our own', solicitation({ target: VIP6, sender: OURS })],
  ])('answers no question %s', (_, frame) => {
    expect(answerSolicitation(frame, place)).toBeUndefined();
  });

  it('announces to all nodes, unasked', () => {
    const frame = unsolicitedAdvertisement(VIP6, OURS);
    expect([frame.subarray(0, 6), frame.subarray(22, 38), frame[58]]).toEqual([
      multicastHardware(ALL_NODES),
      VIP6,
      0x20,
    ]);
  });

  it('names groups as RFC 4291 and 2464 have it', () => {
    expect(Buffer.from(solicitedNode(VIP6)).toString('hex')).toBe('ff0200000000000000000001ff123456');
    expect(Buffer.from(multicastHardware(solicitedNode(VIP6))).toString('hex')).toBe('3333ff123456');
    const question = decodeSolicitation(solicitation({ target: VIP6, option: false }));
    expect(question && answerTo(question, OURS).subarray(0, 6)).toEqual(THEIRS);
  });
});
