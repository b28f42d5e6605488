// Reads protocol buffers field by field, for tests that look into what was written.
// Knows the wire format only; no message is described here.

interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class ProtobufReader {
  readonly #fields: readonly Field[];

  /** Throws when the bytes are not a sequence of fields that ends with the last byte. */
  constructor(bytes: Uint8Array) {
    const fields: Field[] = [];
    let at = 0;
    const varint = (): number => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        if (byte === undefined) throw new Error('Message ends within a number');
        value += (byte % 128) * scale;
        if (byte < 128) return value;
      }
    };
    while (at < bytes.length) {
      const tag = varint();
      const length = tag % 8 === 2 ? varint() : undefined;
      const start = at;
      if (length === undefined) varint();
      else at += length;
      if (at > bytes.length) throw new Error('Message ends within a field');
      fields.push({ number: Math.floor(tag / 8), bytes: bytes.subarray(start, at) });
    }
    this.#fields = fields;
  }

  texts(number: number): string[] {
    return this.#fields.filter((field) => field.number === number).map((field) => Buffer.from(field.bytes).toString());
  }

  text(number: number): string | undefined {
    return this.texts(number)[0];
  }

  messages(number: number): ProtobufReader[] {
    return this.#fields.filter((field) => field.number === number).map((field) => new ProtobufReader(field.bytes));
  }

  message(number: number): ProtobufReader | undefined {
    return this.messages(number)[0];
  }
}
