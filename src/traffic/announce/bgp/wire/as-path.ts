// AS paths: segments of numbers of two or four bytes (RFC 4271, 6793, 5065).
// Knows no other attribute.
import { ByteReader, uint } from './bytes.ts';
import type { AsSegment } from './message.ts';

/** Stands for a number that does not fit in two bytes. */
export const AS_TRANS = 23456;
export const MAX_TWO_OCTET_AS = 0xffff;

const KINDS: readonly AsSegment['kind'][] = ['set', 'sequence', 'confed_sequence', 'confed_set'];

export function encodeAsPath(path: readonly AsSegment[], size: 2 | 4): Buffer {
  return Buffer.concat(
    path.flatMap(({ kind, ases }) => [
      Buffer.of(KINDS.indexOf(kind) + 1, ases.length),
      ...ases.map((as) => uint(size === 2 && as > MAX_TWO_OCTET_AS ? AS_TRANS : as, size)),
    ]),
  );
}

/** Undefined where the bytes are no path; throws TooShort. */
export function decodeAsPath(bytes: Buffer, size: 2 | 4): AsSegment[] | undefined {
  const reader = new ByteReader(bytes);
  const path: AsSegment[] = [];
  while (reader.left > 0) {
    const kind = KINDS[reader.u8() - 1];
    const count = reader.u8();
    if (kind === undefined || count === 0) return undefined;
    path.push({ kind, ases: Array.from({ length: count }, () => (size === 2 ? reader.u16() : reader.u32())) });
  }
  return path;
}
