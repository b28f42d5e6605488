// Reads a question of the usual form straight from its bytes, with nothing allocated but the name.
// Whatever is unusual is left to `decode`: this says only that it is not plain.
import { HEADER } from './decode.ts';
import { types } from './message.ts';

/** Flags that a plain question may have: recursion desired, authentic data, checking disabled. */
const UNUSUAL = 0xffff & ~(0x0100 | 0x0020 | 0x0010);
const CLASS_IN = 1;
/** Types beyond are questions about the zone or the transport (RFC 6895, 3.1). */
const LAST_DATA_TYPE = 127;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const OPT_SIZE = 11;
const MAX_LABEL = 63;
/** Characters of a name whose bytes are 255: its first length and its end are none. */
const MAX_NAME = 253;

const name = Buffer.alloc(256);

/** One object for all: it is read before the next question is. */
export class PlainQuestion {
  /** As asked, but in lower case. */
  name = '';
  /** Bytes of the name, its lengths and its end included. */
  nameLength = 0;
  type = 0;
  flags = 0;
  /** -1 without EDNS. */
  udpSize = -1;
  dnssecOk = false;

  /** False for all that is not one plain question, in class IN, with EDNS version 0 or without. */
  read(bytes: Buffer, start: number, length: number): boolean {
    if (length < HEADER + 5) return false;
    this.flags = word(bytes, start + 2);
    if ((this.flags & UNUSUAL) !== 0 || word(bytes, start + 4) !== 1) return false;
    if (word(bytes, start + 6) !== 0 || word(bytes, start + 8) !== 0) return false;
    const end = this.#readName(bytes, start + HEADER, start + length);
    if (end < 0 || end + 4 > start + length) return false;
    this.type = word(bytes, end);
    if (word(bytes, end + 2) !== CLASS_IN || this.type > LAST_DATA_TYPE || this.type === types.OPT) return false;
    const additional = word(bytes, start + 10);
    this.udpSize = -1;
    this.dnssecOk = false;
    if (additional === 0) return true;
    return additional === 1 && this.#readOpt(bytes, end + 4, start + length);
  }

  /** Where the name ends; -1 for one that is compressed, is the root, has odd bytes or is too long. */
  #readName(bytes: Buffer, start: number, limit: number): number {
    let at = start;
    let written = 0;
    for (;;) {
      const size = bytes[at] as number;
      if (size === 0) break;
      if (size > MAX_LABEL || at + size + 1 >= limit || written + size > MAX_NAME) return -1;
      if (written > 0) name[written++] = DOT;
      for (const end = at + size; at < end; ) {
        at += 1;
        const byte = bytes[at] as number;
        if (byte === DOT || byte === BACKSLASH) return -1;
        name[written++] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
      }
      at += 1;
    }
    if (written === 0 || written > MAX_NAME) return -1;
    this.name = name.toString('latin1', 0, written);
    this.nameLength = at + 1 - start;
    return at + 1;
  }

  #readOpt(bytes: Buffer, start: number, limit: number): boolean {
    if (start + OPT_SIZE > limit || bytes[start] !== 0 || word(bytes, start + 1) !== types.OPT) return false;
    // The version, and that its options end with the message.
    if (bytes[start + 6] !== 0 || start + OPT_SIZE + word(bytes, start + 9) > limit) return false;
    this.udpSize = word(bytes, start + 3);
    this.dnssecOk = ((bytes[start + 7] as number) & 0x80) !== 0;
    return true;
  }
}

function word(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
