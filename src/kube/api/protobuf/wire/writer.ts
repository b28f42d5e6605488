// Writes the wire format of protocol buffers, from the last byte to the first.
// Knows no message. Backwards, because a length stands before its content and is known only behind it.
import { ProtobufError } from '../error.ts';
import { WIRE } from './reader.ts';

export class WireWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #start = this.#buffer.length;

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  /** What was written; the writer is done with. */
  finish(): Buffer {
    return this.#buffer.subarray(this.#start);
  }

  tag(number: number, wire: number): void {
    this.unsigned(number * 8 + wire);
  }

  /** Closes what was written since `mark` (a `length`) as one value of bytes. */
  delimit(number: number, mark: number): void {
    this.unsigned(this.length - mark);
    this.tag(number, WIRE.bytes);
  }

  /** A non-negative integer up to 2^53. */
  unsigned(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
    let at = this.#take(size);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[at++] = (rest % 128) | 128;
    this.#buffer[at] = rest;
  }

  /** Negative numbers take ten bytes, as int32 and int64 do. Throws `ProtobufError` unless it is an exact integer. */
  integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new ProtobufError(`${value} is not an exact integer`);
    if (value >= 0) {
      this.unsigned(value);
      return;
    }
    let at = this.#take(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 128n; rest >>= 7n) this.#buffer[at++] = Number(rest & 127n) | 128;
    this.#buffer[at] = Number(rest);
  }

  double(value: number): void {
    const at = this.#take(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    const at = this.#take(size);
    this.#buffer.write(value, at, size, 'utf8');
  }

  bytes(value: Uint8Array): void {
    const at = this.#take(value.length);
    this.#buffer.set(value, at);
  }

  /** Makes room for `count` bytes before all others, maybe in another buffer: ask before `#buffer` is read. */
  #take(count: number): number {
    if (count > this.#start) this.#grow(count);
    this.#start -= count;
    return this.#start;
  }

  #grow(count: number): void {
    const written = this.length;
    const next = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, written + count));
    this.#buffer.copy(next, next.length - written, this.#start);
    this.#buffer = next;
    this.#start = next.length - written;
  }
}
