// Messages that are one value in JSON: times, quantities, numbers or names, and JSON itself.
// Knows these few; all others follow the table.
import { ProtobufError } from './error.ts';
import { WIRE, type WireReader } from './wire/reader.ts';
import type { WireWriter } from './wire/writer.ts';

export interface WellKnown {
  /** Undefined for the zero value that JSON leaves out. Throws `ProtobufError`. */
  readonly decode: (reader: WireReader) => unknown;
  /** Writes the fields, highest first. Throws `ProtobufError`. */
  readonly encode: (writer: WireWriter, value: unknown) => void;
}

/** Seconds of the years 1 to 9999, which RFC 3339 can say. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;
const SECONDS = 1;
const NANOS = 2;

/** `google.protobuf.Timestamp`; metav1.Time has whole seconds, MicroTime microseconds. */
function time(digits: 0 | 6): WellKnown {
  return {
    decode(reader) {
      // An empty message is Go's zero time, which is null in JSON.
      if (reader.empty) return undefined;
      let seconds = 0;
      let nanos = 0;
      while (reader.next()) {
        if (reader.number === SECONDS && reader.wire === WIRE.varint) seconds = reader.int64();
        else if (reader.number === NANOS && reader.wire === WIRE.varint) nanos = reader.int32();
        else reader.skip();
      }
      if (seconds < FIRST_SECOND || seconds > LAST_SECOND)
        throw new ProtobufError(`${seconds} s is no time of this calendar`);
      if (nanos < 0 || nanos > 999_999_999) throw new ProtobufError(`${nanos} ns is no fraction of a second`);
      const text = new Date(seconds * 1000).toISOString().slice(0, 19);
      return digits === 0 ? `${text}Z` : `${text}.${String(nanos).padStart(9, '0').slice(0, digits)}Z`;
    },
    encode(writer, value) {
      const millis = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(millis)) throw new ProtobufError(`${JSON.stringify(value)} is no RFC 3339 time`);
      const fraction = /\.(\d{1,9})/.exec(String(value))?.[1] ?? '';
      integer(writer, NANOS, digits === 0 ? 0 : Number(fraction.slice(0, digits).padEnd(9, '0')));
      integer(writer, SECONDS, Math.floor(millis / 1000));
    },
  };
}

const quantity: WellKnown = {
  decode(reader) {
    let text = '';
    while (reader.next()) {
      if (reader.number === 1 && reader.wire === WIRE.bytes) text = reader.text();
      else reader.skip();
    }
    return text === '' ? '0' : text;
  },
  encode(writer, value) {
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new ProtobufError('a quantity must be text or a number');
    text(writer, 1, String(value));
  },
};

const INT_OR_STRING = { type: 1, int: 2, string: 3 } as const;

const intOrString: WellKnown = {
  decode(reader) {
    let type = 0;
    let int = 0;
    let string = '';
    while (reader.next()) {
      if (reader.number === INT_OR_STRING.type && reader.wire === WIRE.varint) type = reader.int64();
      else if (reader.number === INT_OR_STRING.int && reader.wire === WIRE.varint) int = reader.int32();
      else if (reader.number === INT_OR_STRING.string && reader.wire === WIRE.bytes) string = reader.text();
      else reader.skip();
    }
    return type === 0 ? int : string;
  },
  encode(writer, value) {
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new ProtobufError('the value must be a number or text');
    text(writer, INT_OR_STRING.string, typeof value === 'string' ? value : '');
    integer(writer, INT_OR_STRING.int, typeof value === 'number' ? value : 0);
    integer(writer, INT_OR_STRING.type, typeof value === 'string' ? 1 : 0);
  },
};

function integer(writer: WireWriter, number: number, value: number): void {
  writer.integer(value);
  writer.tag(number, WIRE.varint);
}

function text(writer: WireWriter, number: number, value: string): void {
  const mark = writer.length;
  writer.text(value);
  writer.delimit(number, mark);
}

export const wellKnown: ReadonlyMap<string, WellKnown> = new Map([
  ['time', time(0)],
  ['microTime', time(6)],
  ['quantity', quantity],
  ['intOrString', intOrString],
]);
