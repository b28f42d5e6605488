// Writes protocol buffers from front to back: what is nested is written first, somewhere else.
// Knows the wire format; no message.

/** Text up to so many characters is written one by one: a call into the runtime costs more. */
const SHORT = 100;

export class ProtoBuffer {
  #bytes: Buffer;
  length = 0;

  constructor(bytes = 1024) {
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  clear(): void {
    this.length = 0;
  }

  /** A copy of what was written, which others may be given. */
  copy(): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.length);
    copy.set(this.#bytes.subarray(0, this.length));
    return copy;
  }

  /** A non-negative integer below 2^53. */
  varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.length++] = rest;
  }

  unsigned(field: number, value: number): void {
    this.varint(field * 8);
    this.varint(value);
  }

  fixed64(field: number, value: bigint): void {
    this.varint(field * 8 + 1);
    this.#room(8);
    this.length = this.#bytes.writeBigUInt64LE(value, this.length);
  }

  fixed32(field: number, value: number): void {
    this.varint(field * 8 + 5);
    this.#room(4);
    this.length = this.#bytes.writeUInt32LE(value, this.length);
  }

  text(field: number, value: string): void {
    if (value.length <= SHORT && this.#ascii(field, value)) return;
    const size = Buffer.byteLength(value);
    this.#open(field, size);
    this.length += this.#bytes.write(value, this.length, size, 'utf8');
  }

  hex(field: number, digits: string): void {
    this.#open(field, digits.length / 2);
    this.length += this.#bytes.write(digits, this.length, 'hex');
  }

  /** A message that is written already. */
  message(field: number, content: ProtoBuffer): void {
    const size = content.length;
    this.#open(field, size);
    content.#bytes.copy(this.#bytes, this.length, 0, size);
    this.length += size;
  }

  /** More of what is written already. */
  append(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.length);
    this.length += value.length;
  }

  /** False, with nothing written, for text that is not as many bytes as characters. */
  #ascii(field: number, value: string): boolean {
    const before = this.length;
    this.#open(field, value.length);
    const bytes = this.#bytes;
    const start = this.length;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code > 127) {
        this.length = before;
        return false;
      }
      bytes[start + at] = code;
    }
    this.length = start + value.length;
    return true;
  }

  #open(field: number, size: number): void {
    this.varint(field * 8 + 2);
    this.varint(size);
    this.#room(size);
  }

  #room(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const next = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + count));
    this.#bytes.copy(next, 0, 0, this.length);
    this.#bytes = next;
  }
}
