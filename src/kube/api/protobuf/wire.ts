// The wire format of protocol buffers: the fields of one message, as numbers and raw values.
// Knows no message.

/** A varint or a fixed number is a bigint; strings, bytes and messages are bytes. */
export type WireValue = bigint | Uint8Array;

export interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

export class WireError extends Error {
  constructor(why: string) {
    super(`Not a protocol buffer: ${why}`);
    this.name = 'WireError';
  }
}

/** Throws `WireError` when the bytes are no message. */
export function readFields(bytes: Uint8Array): WireField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: WireField[] = [];
  let at = 0;
  const take = (count: number): number => {
    if (count > bytes.length - at) throw new WireError('the message ends within a field');
    at += count;
    return at - count;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[take(1)] ?? 0;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new WireError('a number is longer than ten bytes');
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = Math.floor(key / 8);
    switch (key % 8) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 1:
        fields.push({ number, value: view.getBigUint64(take(8), true) });
        break;
      case 2: {
        const length = Number(varint());
        const start = take(length);
        fields.push({ number, value: bytes.subarray(start, start + length) });
        break;
      }
      case 5:
        fields.push({ number, value: BigInt(view.getUint32(take(4), true)) });
        break;
      default:
        throw new WireError(`field ${number} has an unknown encoding`);
    }
  }
  return fields;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Throws `WireError` for bytes that are no text. */
export function text(value: WireValue): string {
  if (typeof value === 'bigint') throw new WireError('a number stands where a text must be');
  try {
    return utf8.decode(value);
  } catch {
    throw new WireError('a text is not UTF-8');
  }
}

export function bytesOf(value: WireValue): Uint8Array {
  if (typeof value === 'bigint') throw new WireError('a number stands where bytes must be');
  return value;
}

/** Signed, as the API's numbers are. */
export function integer(value: WireValue): number {
  if (typeof value !== 'bigint') throw new WireError('bytes stand where a number must be');
  return Number(BigInt.asIntN(64, value));
}

export function double(value: WireValue): number {
  if (typeof value !== 'bigint') throw new WireError('bytes stand where a number must be');
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value);
  return view.getFloat64(0);
}
