// Reads one protobuf message into its fields, strictly: a message that is cut short is none.
// Knows the wire format; no message. Throws RangeError, for whoever reads nested ones.

/** By number, in the order of the message: varints as numbers, what has a length as bytes; fixed ones are skipped. */
export type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

export function fieldsOfMessage(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('Cut short');
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) return value;
    }
    throw new RangeError('Number is too long');
  };
  const skip = (count: number): Uint8Array => {
    if (at + count > bytes.length) throw new RangeError('Cut short');
    at += count;
    return bytes.subarray(at - count, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const kind = tag % 8;
    if (field === 0) throw new RangeError('No field has number 0');
    let value: number | Uint8Array | undefined;
    if (kind === 0) value = varint();
    else if (kind === 2) value = skip(varint());
    else if (kind === 1 || kind === 5) skip(kind === 1 ? 8 : 4);
    else throw new RangeError(`Unknown kind ${kind}`);
    if (value === undefined) continue;
    const known = fields.get(field);
    if (known === undefined) fields.set(field, [value]);
    else known.push(value);
  }
  return fields;
}

/** The last one counts; 0 when there is none. */
export function numberOf(fields: Fields, field: number): number {
  const value = fields.get(field)?.at(-1) ?? 0;
  if (typeof value !== 'number') throw new RangeError('Not a number');
  return value;
}

export function textOf(fields: Fields, field: number): string {
  return textsOf(fields, field).at(-1) ?? '';
}

export function textsOf(fields: Fields, field: number): string[] {
  return (fields.get(field) ?? []).map((value) => {
    if (typeof value === 'number') throw new RangeError('Not text');
    return Buffer.from(value).toString();
  });
}
