// Writes protocol buffers: the few wire types that our messages use.
// Knows no message.

/** Appends fields in the order of the calls; `finish` gives the bytes. */
export class ProtobufWriter {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** Text field; an empty or absent text is left out, as proto3 does. */
  text(field: number, value: string | undefined): this {
    if (value !== undefined && value !== '') this.bytes(field, Buffer.from(value, 'utf8'));
    return this;
  }

  /** Yes or no; false is left out, as proto3 does. */
  flag(field: number, value: boolean | undefined): this {
    if (value === true) this.#push(Uint8Array.of(...varint(field * 8), 1));
    return this;
  }

  /** A nested message, written also when it is empty: presence means something. */
  message(field: number, fill: (inner: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter();
    fill(inner);
    return this.bytes(field, inner.finish());
  }

  bytes(field: number, value: Uint8Array): this {
    this.#push(Uint8Array.of(...varint(field * 8 + 2), ...varint(value.length)));
    this.#push(value);
    return this;
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }

  #push(part: Uint8Array): void {
    this.#parts.push(part);
    this.#length += part.length;
  }
}

/** Base-128 digits, lowest first; `value` is a non-negative integer below 2^53. */
function varint(value: number): number[] {
  const digits: number[] = [];
  let rest = value;
  while (rest >= 128) {
    digits.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  digits.push(rest);
  return digits;
}
