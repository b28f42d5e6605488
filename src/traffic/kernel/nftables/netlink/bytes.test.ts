// What is written for the kernel: held to bytes that `nft` 1.0.6 sent, and read back.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Family } from '#lib/ip.ts';
import { type Element, emptyBatch } from '../batch.ts';
import { encodeBatch } from './batch-bytes.ts';
import { Digest } from './digest.ts';
import { writeElement } from './element-bytes.ts';
import { elementName, elementWords } from './element-text.ts';
import { MessageBytes } from './message-bytes.ts';
import { readRefusal } from './nfnetlink-socket.ts';
import { writeRule } from './rule-bytes.ts';
import { elementOf } from './testing.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const written = (element: Element, family: Family = 'IPv4'): string => {
  const out = new MessageBytes(16);
  writeElement(out, family, element, false);
  return hex(out.written());
};

it('writes elements as nft does', () => {
  const front = '0a60000a0600000000500000';
  expect(written({ set: 'services', key: '10.96.0.10 . tcp . 80', value: 'goto random-2' })).toBe(
    `38000180 14000180 10000100${front} 20000280 1c000280 08000100fffffffc 0d00020072616e646f6d2d3200000000`.replaceAll(
      ' ',
      '',
    ),
  );
  expect(written({ set: 'services', key: '10.96.0.11 . tcp . 80', value: 'drop' })).toBe(
    '28000180 14000180 100001000a60000b0600000000500000 10000280 0c0002800800010000000000'.replaceAll(' ', ''),
  );
  const endpoint = { key: '10.96.0.10 . tcp . 80 . 1', value: '10.244.0.2 . 8080' };
  expect(written({ set: 'endpoints-tcp', ...endpoint })).toBe(
    `2c000180 18000180 14000100${front}01000000 10000280 0c0001000af400021f900000`.replaceAll(' ', ''),
  );
  expect(written({ set: 'allowed', key: '10.96.0.10 . tcp . 80 . 10.0.0.0/8', value: '' })).toBe(
    `34000180 18000180 14000100${front}0a000000 18000a80 14000100${front}0affffff`.replaceAll(' ', ''),
  );
});

it('writes rules as nft does, and refuses phrases that it does not know', () => {
  const out = new MessageBytes();
  writeRule(out, 'IPv4', 'goto random-2');
  const body = '0800010000000000 20000280 1c000280 08000100fffffffc 0d00020072616e646f6d2d3200000000';
  expect(hex(out.written())).toBe(`40000180 0e000100696d6d656469617465000000 2c000280 ${body}`.replaceAll(' ', ''));
  expect(() => writeRule(out, 'IPv4', 'ip saddr 10.0.0.1 accept')).toThrow('is not known');
});

it('reads back every element that it writes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Family>('IPv4', 'IPv6').chain((family) => fc.tuple(fc.constant(family), elementOf(family))),
      ([family, element]) => {
        const out = new MessageBytes(8);
        out.reserve(8);
        writeElement(out, family, element, false);
        const bytes = out.written();
        expect(
          elementWords(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 12, bytes.length, element.set),
        ).toEqual({
          key: element.key,
          value: element.value,
        });
      },
    ),
  );
});

it('refuses what it cannot write', () => {
  for (const key of [
    '10.96.0.10 . tcp',
    '10.96.0 . tcp . 80',
    '10.96.0.10 . gre . 80',
    '10.96.0.10 . tcp . 65536',
    '',
  ]) {
    expect(() => written({ set: 'services', key, value: 'drop' })).toThrow(RangeError);
  }
  for (const value of ['', 'goto', 'drop x', 'accept']) {
    expect(() => written({ set: 'services', key: '10.96.0.10 . tcp . 80', value })).toThrow(RangeError);
  }
  for (const address of ['1::2::3', ':::', '1:2:3:4:5:6:7', 'g::', '1:2:3:4:5:6:7:8:9']) {
    expect(() => written({ set: 'cluster-ips', key: address, value: '' }, 'IPv6')).toThrow(RangeError);
  }
  const ranges: Element = { set: 'pod-ranges', key: '10.0.0.0/8', value: '' };
  expect(() => encodeBatch({ ...emptyBatch('IPv4'), added: [ranges] }, 'evenkeel')).toThrow(RangeError);
});

it('splits the elements of one set over messages, and finds each one again by its place', () => {
  const added = Array.from(
    { length: 3_000 },
    (_, at): Element => ({ set: 'services', key: `10.1.${at >> 8}.${at & 255} . udp . 53`, value: 'goto random-3' }),
  );
  const { bytes, count, describe } = encodeBatch({ ...emptyBatch('IPv4'), added }, 'evenkeel');
  expect(count).toBe(3);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: string[] = [];
  for (let at = 0, sequence = 0; at < bytes.length; at += view.getUint32(at, true), sequence++) {
    if (view.getUint16(at + 4, true) >> 8 !== 10) continue;
    const end = at + view.getUint32(at, true);
    // Header, family, table, set and the head of the list.
    for (let place = at + 20 + 16 + 16 + 4; place < end; place += (view.getUint16(place, true) + 3) & ~3) {
      const key = elementName(bytes, place, 'services');
      found.push(key ?? '?');
      expect(describe(sequence, place - at)).toBe(`element "${key}" of services in table ip evenkeel`);
    }
  }
  expect(found).toEqual(added.map(({ key }) => key));
});

it('sums up the same elements alike in any order, and others differently', () => {
  const sum = (elements: readonly Element[]): Digest => {
    const digest = new Digest();
    for (const element of elements) {
      const out = new MessageBytes(8);
      writeElement(out, 'IPv4', element, false);
      digest.add(out.view, 4, out.length);
    }
    return digest;
  };
  const drawn = fc.uniqueArray(elementOf('IPv4'), {
    minLength: 2,
    maxLength: 20,
    selector: (one) => JSON.stringify(one),
  });
  fc.assert(
    fc.property(drawn, fc.nat(), (elements, at) => {
      expect(sum(elements).equals(sum(elements.toReversed()))).toBe(true);
      const without = elements.toSpliced(at % elements.length, 1);
      expect(sum(elements).equals(sum(without))).toBe(false);
      const [one = elements[0]] = without;
      expect(sum(elements).equals(sum([...without, one as Element]))).toBe(false);
    }),
  );
});

it('survives any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 96 }), (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      readRefusal(view, 0);
      new Digest().add(view, 0, bytes.length);
      for (const set of ['services', 'endpoints-udp', 'allowed', 'selves']) elementWords(view, 0, bytes.length, set);
      elementName(bytes, 0, 'services');
    }),
  );
});
