// Messages to bytes and back, what fits and what does not, and bytes that are no message.
// Knows no server.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { FrameReader, frame } from './frames.ts';
import { type Message, message, type ResourceRecord, types } from './message.ts';
import { labelsOf, nameBytes, readName } from './name.ts';

const label = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll(/[.\\]/g, '\\$&'));
const name = fc.array(label, { maxLength: 6 }).map((labels) => labels.join('.'));
const uint16 = fc.integer({ min: 0, max: 0xffff });
const plainData = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

const record: fc.Arbitrary<ResourceRecord> = fc
  .record({
    name,
    type: fc.constantFrom(1, 16, 28, 5, 33),
    class: uint16,
    ttl: fc.nat(),
    data: plainData,
    target: name,
  })
  .map(({ target, ...rest }) => {
    if (rest.type === types.CNAME) return { ...rest, data: nameBytes(target) };
    if (rest.type === types.SRV) return { ...rest, data: Buffer.concat([Buffer.alloc(6, 1), nameBytes(target)]) };
    return rest;
  });

const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    id: uint16,
    response: fc.boolean(),
    opcode: fc.integer({ min: 0, max: 15 }),
    authoritative: fc.boolean(),
    recursionDesired: fc.boolean(),
    recursionAvailable: fc.boolean(),
    authenticData: fc.boolean(),
    checkingDisabled: fc.boolean(),
    rcode: fc.integer({ min: 0, max: 15 }),
    questions: fc.array(fc.record({ name, type: uint16, class: uint16 }), { maxLength: 2 }),
    answers: fc.array(record, { maxLength: 5 }),
    authorities: fc.array(record, { maxLength: 2 }),
    additionals: fc.array(record, { maxLength: 2 }),
    edns: fc.record({ udpSize: uint16, version: fc.constant(0), dnssecOk: fc.boolean() }),
  })
  .map((parts) => message(parts));

describe('a message', () => {
  it('is the same after it was bytes', () => {
    fc.assert(fc.property(anyMessage, (original) => void expect(decode(encode(original, 65_535))).toEqual(original)));
  });

  it('never exceeds its size, and says when answers were left out', () => {
    fc.assert(
      fc.property(anyMessage, fc.integer({ min: 512, max: 700 }), (original, size) => {
        const bytes = encode({ ...original, questions: original.questions.slice(0, 1) }, size);
        expect(bytes.length).toBeLessThanOrEqual(size);
        const read = decode(bytes);
        const whole = (['answers', 'authorities'] as const).every(
          (section) => read?.[section].length === original[section].length,
        );
        expect(read?.truncated).toBe(!whole);
        expect(read?.edns).toEqual(original.edns);
      }),
    );
  });

  it('names an owner once and points back at it, spelled as asked', () => {
    const answers = [1, 2, 3].map((last) => ({
      name: 'Web.shop.svc.cluster.local',
      type: types.A,
      class: 1,
      ttl: 5,
      data: Buffer.from([10, 0, 0, last]),
    }));
    const questions = [{ name: 'Web.shop.svc.cluster.local', type: types.A, class: 1 }];
    const bytes = encode(message({ questions, answers }), 512);
    expect(bytes.length).toBe(12 + 28 + 4 + 3 * 16);
    expect(decode(bytes)?.answers).toEqual(answers);
  });

  it('carries the upper bits of a response code in its EDNS record', () => {
    const edns = { udpSize: 1232, version: 0, dnssecOk: true };
    expect(decode(encode(message({ rcode: 16, edns }), 512))).toMatchObject({ rcode: 16, edns });
  });
});

describe('bytes from anybody', () => {
  it('are read without a throw, and without an end that is not theirs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decode(Buffer.from(bytes))),
      { numRuns: 2000 },
    );
  });

  it('are no message when a pointer leads around, or ahead', () => {
    const header = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    const tail = [0, 1, 0, 1];
    expect(decode(Buffer.concat([header, Buffer.from([0xc0, 12, ...tail])]))).toBeUndefined();
    expect(decode(Buffer.concat([header, Buffer.from([1, 97, 0xc0, 12, ...tail])]))).toBeUndefined();
    expect(decode(Buffer.concat([header, Buffer.from([0xc0, 14, 0, ...tail])]))).toBeUndefined();
    expect(decode(Buffer.concat([header, Buffer.from([64, ...tail])]))).toBeUndefined();
  });

  it('are no message with two EDNS records', () => {
    const opt = Buffer.from([0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0]);
    const header = Buffer.from([0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(decode(Buffer.concat([header, opt]))?.edns?.udpSize).toBe(1024);
    header[11] = 2;
    expect(decode(Buffer.concat([header, opt, opt]))).toBeUndefined();
  });
});

describe('a name', () => {
  it('is read back as it was written, and refused when it is too long', () => {
    fc.assert(
      fc.property(name, (text) => {
        const bytes = nameBytes(text);
        expect(readName(bytes, 0)).toEqual({ name: text, end: bytes.length });
      }),
    );
    expect(labelsOf('a'.repeat(64))).toBeUndefined();
    expect(labelsOf('a..b')).toBeUndefined();
    expect(labelsOf(Array(128).fill('a').join('.'))).toBeUndefined();
    expect(labelsOf(Array(127).fill('a').join('.'))).toHaveLength(127);
  });
});

describe('messages on a stream', () => {
  it('come out whole however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(plainData, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 })),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map(frame));
          const reader = new FrameReader();
          const got: Buffer[] = [];
          let offset = 0;
          for (const cut of [...cuts, stream.length]) {
            got.push(...reader.push(stream.subarray(offset, offset + cut)));
            offset += cut;
          }
          expect(got.map((each) => each.toString('hex'))).toEqual(messages.map((each) => each.toString('hex')));
        },
      ),
    );
  });
});
