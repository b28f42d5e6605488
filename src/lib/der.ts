// Reads DER, the binary form of certificates and requests for them: values with a tag and a length, one inside another.
// Knows the encoding; nothing of what is encoded.

export interface DerValue {
  /** The identifier octet, e.g. 0x30 for a SEQUENCE. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

export const DER = { bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30, set: 0x31 } as const;

/** The values that follow each other in `bytes`. Throws when they are no DER. */
export function derValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = valueAt(bytes, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** The values in a value that holds others. Throws when it does not have this tag. */
export function derChildren(value: DerValue | undefined, tag: number): DerValue[] {
  if (value?.tag !== tag) throw new Error(`Expected a value of tag ${tag} and found ${value?.tag ?? 'none'}`);
  return derValues(value.content);
}

function valueAt(bytes: Uint8Array, start: number): DerValue {
  const tag = bytes[start] ?? 0;
  let at = start + 1;
  let length = bytes[at++] ?? 0;
  if ((tag & 0x1f) === 0x1f || length === 0x80) throw new Error('This form of tag or length is not DER');
  if (length > 0x80) {
    const octets = length - 0x80;
    if (octets > 4) throw new Error('A value claims to be larger than any can be');
    length = 0;
    for (let read = 0; read < octets; read++) length = length * 256 + (bytes[at++] ?? 0);
  }
  const end = at + length;
  if (end > bytes.length) throw new Error('A value ends before the length that it claims');
  return { tag, content: bytes.subarray(at, end), whole: bytes.subarray(start, end) };
}

/** `1.2.840.113549.1.9.14` */
export function oidText({ content }: DerValue): string {
  const numbers: number[] = [];
  let number = 0;
  for (const octet of content) {
    number = number * 128 + (octet & 0x7f);
    if (octet < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}
