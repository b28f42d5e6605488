// From a message to bytes: owner names are compressed, and what does not fit is left out as RFC 2181 (9) wants it.
// Knows nothing of transports but the size it may fill.
import { HEADER } from './decode.ts';
import type { Message, ResourceRecord } from './message.ts';
import { types } from './message.ts';
import { labelsOf } from './name.ts';

const OPT_SIZE = 11;
/** The highest offset that a pointer can name. */
const MAX_POINTER = 0x3fff;

/**
 * At most `size` bytes. Records of answer and authority that do not fit are left out, and the message says that it is
 * truncated; additional ones are left out without a word. Throws for names that are none, and for more than 65,535 bytes.
 */
export function encode(message: Message, size: number): Buffer {
  const writer = new Writer(Math.min(size, 65_535), message.edns === undefined ? 0 : OPT_SIZE);
  for (const { name, type, class: kind } of message.questions) writer.question(name, type, kind);
  const counts = [0, 0, 0];
  let truncated = message.truncated;
  for (const [index, section] of [message.answers, message.authorities, message.additionals].entries()) {
    for (const record of section) {
      if (!truncated && writer.record(record)) {
        counts[index] = (counts[index] ?? 0) + 1;
        continue;
      }
      if (index < 2) truncated = true;
      break;
    }
  }
  if (message.edns !== undefined) {
    writer.opt(message.edns.udpSize, message.rcode >> 4, message.edns.version, message.edns.dnssecOk);
    counts[2] = (counts[2] ?? 0) + 1;
  }
  const bytes = writer.bytes();
  bytes.writeUInt16BE(message.id, 0);
  bytes.writeUInt16BE(flagsOf(message, truncated), 2);
  bytes.writeUInt16BE(message.questions.length, 4);
  for (const [index, count] of counts.entries()) bytes.writeUInt16BE(count, 6 + 2 * index);
  return bytes;
}

function flagsOf(message: Message, truncated: boolean): number {
  const bit = (on: boolean, mask: number): number => (on ? mask : 0);
  return (
    bit(message.response, 0x8000) |
    (message.opcode << 11) |
    bit(message.authoritative, 0x0400) |
    bit(truncated, 0x0200) |
    bit(message.recursionDesired, 0x0100) |
    bit(message.recursionAvailable, 0x0080) |
    bit(message.authenticData, 0x0020) |
    bit(message.checkingDisabled, 0x0010) |
    (message.rcode & 15)
  );
}

class Writer {
  readonly #limit: number;
  #buffer: Buffer;
  #length = HEADER;
  /** Where a name, or the end of one, stands. Spelling counts: an answer repeats the question as it was asked. */
  readonly #offsets = new Map<string, number>();

  constructor(size: number, reserved: number) {
    this.#limit = size - reserved;
    this.#buffer = Buffer.alloc(Math.min(size, 1024));
  }

  question(name: string, type: number, kind: number): void {
    this.#name(name);
    this.#room(4);
    this.#buffer.writeUInt16BE(type, this.#length);
    this.#buffer.writeUInt16BE(kind, this.#length + 2);
    this.#length += 4;
  }

  /** False, and nothing written, when it does not fit. */
  record({ name, type, class: kind, ttl, data }: ResourceRecord): boolean {
    const start = this.#length;
    this.#name(name);
    if (this.#length + 10 + data.length > this.#limit) {
      this.#length = start;
      for (const [suffix, offset] of this.#offsets) if (offset >= start) this.#offsets.delete(suffix);
      return false;
    }
    this.#room(10 + data.length);
    this.#buffer.writeUInt16BE(type, this.#length);
    this.#buffer.writeUInt16BE(kind, this.#length + 2);
    this.#buffer.writeUInt32BE(ttl >>> 0, this.#length + 4);
    this.#buffer.writeUInt16BE(data.length, this.#length + 8);
    data.copy(this.#buffer, this.#length + 10);
    this.#length += 10 + data.length;
    return true;
  }

  /** Its place was kept from the start. */
  opt(udpSize: number, upperRcode: number, version: number, dnssecOk: boolean): void {
    this.#room(OPT_SIZE);
    this.#buffer[this.#length] = 0;
    this.#buffer.writeUInt16BE(types.OPT, this.#length + 1);
    this.#buffer.writeUInt16BE(udpSize, this.#length + 3);
    this.#buffer[this.#length + 5] = upperRcode;
    this.#buffer[this.#length + 6] = version;
    this.#buffer.writeUInt16BE(dnssecOk ? 0x8000 : 0, this.#length + 7);
    this.#buffer.writeUInt16BE(0, this.#length + 9);
    this.#length += OPT_SIZE;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #name(name: string): void {
    const labels = labelsOf(name);
    if (labels === undefined) throw new Error(`"${name}" is no domain name`);
    for (let i = 0; i < labels.length; i++) {
      const suffix = labels.slice(i).join('\0');
      const known = this.#offsets.get(suffix);
      if (known !== undefined) {
        this.#room(2);
        this.#buffer.writeUInt16BE(0xc000 | known, this.#length);
        this.#length += 2;
        return;
      }
      if (this.#length <= MAX_POINTER) this.#offsets.set(suffix, this.#length);
      const label = labels[i] ?? '';
      this.#room(1 + label.length);
      this.#buffer[this.#length] = label.length;
      this.#buffer.write(label, this.#length + 1, 'latin1');
      this.#length += 1 + label.length;
    }
    this.#room(1);
    this.#buffer[this.#length] = 0;
    this.#length += 1;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + count));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
