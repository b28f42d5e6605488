// Reading and writing the bytes of a message in order, and never beyond their end.
// Knows no field of any protocol.

/** The bytes end before the field does. */
export class TooShort extends Error {}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.take(1)[0] as number;
  }

  u16(): number {
    return this.take(2).readUInt16BE();
  }

  u32(): number {
    return this.take(4).readUInt32BE();
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Buffer {
    if (length > this.left) throw new TooShort(`${length} bytes wanted, ${this.left} left`);
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  rest(): Buffer {
    return this.take(this.left);
  }
}

/** `value` in `size` bytes, the most significant first. */
export function uint(value: number, size: 1 | 2 | 4): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}
