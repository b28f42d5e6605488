// Reads the wire format of protocol buffers: tags, numbers and lengths, never beyond the end.
// Knows no message.
import { isUtf8 } from 'node:buffer';
import { ProtobufError } from '../error.ts';

/** How a field's value is laid out; the two group types of old are refused. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const FIELD_NUMBER_LIMIT = 2 ** 29;
const TWO_32 = 2 ** 32;

export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;
  /** The varint read last: its low and its high 32 bits. */
  #low = 0;
  #high = 0;
  /** Of the field whose tag was read last. */
  number = 0;
  wire = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes on to the next field; false at the end. Throws `ProtobufError` as everything here does. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#unsigned('a field number');
    this.wire = tag % 8;
    this.number = Math.floor(tag / 8);
    if (this.number === 0 || this.number >= FIELD_NUMBER_LIMIT) {
      throw new ProtobufError(`field number ${this.number} is not one`);
    }
    return true;
  }

  get empty(): boolean {
    return this.#at >= this.#end;
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  /** Exact up to 2^53, as JSON's numbers are. */
  int64(): number {
    this.#varint();
    return (this.#high | 0) * TWO_32 + (this.#low >>> 0);
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  text(): string {
    const length = this.#length();
    const start = this.#take(length);
    const text = this.#bytes.toString('utf8', start, start + length);
    // Only the rare text with a replacement character needs the second look.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, start + length))) {
      throw new ProtobufError('a text is not UTF-8');
    }
    return text;
  }

  bytes(): Buffer {
    const length = this.#length();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A reader of the message that begins here; this one goes on behind it. */
  message(): WireReader {
    const length = this.#length();
    const start = this.#take(length);
    return new WireReader(this.#bytes, start, start + length);
  }

  /** Passes over the value of the field whose tag was read. */
  skip(): void {
    if (this.wire === WIRE.varint) this.#varint();
    else if (this.wire === WIRE.fixed64) this.#take(8);
    else if (this.wire === WIRE.fixed32) this.#take(4);
    else if (this.wire === WIRE.bytes) this.#take(this.#length());
    else throw new ProtobufError(`field ${this.number} has the unknown wire type ${this.wire}`);
  }

  #length(): number {
    return this.#unsigned('a length');
  }

  #unsigned(what: string): number {
    this.#varint();
    if (this.#high !== 0) throw new ProtobufError(`${what} is too large`);
    return this.#low >>> 0;
  }

  #take(count: number): number {
    if (count > this.#end - this.#at) throw new ProtobufError('the message ends within a field');
    const start = this.#at;
    this.#at += count;
    return start;
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index += 1) {
      const byte = this.#bytes[this.#take(1)] ?? 0;
      const digits = byte & 127;
      if (index < 4) low |= digits << (7 * index);
      else if (index === 4) {
        low |= digits << 28;
        high = digits >>> 4;
      } else high |= digits << (7 * index - 32);
      if (byte < 128) {
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw new ProtobufError('a number is longer than ten bytes');
  }
}
