// The bytes of the few wire types that are written.
import { expect, test } from 'vitest';
import { ProtobufWriter } from './protobuf-writer.ts';
import { ProtobufReader } from './testing/protobuf-reader.ts';

test('writes tags, lengths and values as the format says', () => {
  const out = new ProtobufWriter().text(1, 'testing').flag(2, true).flag(3, false).text(4, '').text(5, undefined);
  expect(Buffer.from(out.finish()).toString('hex')).toBe('0a0774657374696e671001');
});

test('writes an empty message, for it is there', () => {
  expect([...new ProtobufWriter().message(1, () => undefined).finish()]).toEqual([10, 0]);
});

test('field numbers and lengths may need several bytes', () => {
  const text = 'ü'.repeat(10_000);
  const read = new ProtobufReader(new ProtobufWriter().text(31, text).text(2047, 'x').finish());
  expect(read.text(31)).toBe(text);
  expect(read.text(2047)).toBe('x');
});
