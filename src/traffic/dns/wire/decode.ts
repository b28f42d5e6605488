// From bytes to a message. Bytes come from anybody: whatever they are, it returns, and never reads past their end.
// Knows nothing of what a message asks.
import { type Edns, type Message, type Question, type ResourceRecord, types } from './message.ts';
import { nameBytes, readName } from './name.ts';

export const HEADER = 12;

/** What can be said of bytes that are no message: enough to refuse them. */
export function headOf(bytes: Buffer): { id: number; response: boolean; opcode: number; rd: boolean } | undefined {
  if (bytes.length < HEADER) return undefined;
  const flags = bytes.readUInt16BE(2);
  return {
    id: bytes.readUInt16BE(0),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    rd: (flags & 0x0100) !== 0,
  };
}

/** Undefined when a count, a length or a name is not true, or there are two OPT records. */
export function decode(bytes: Buffer): Message | undefined {
  if (bytes.length < HEADER) return undefined;
  const flags = bytes.readUInt16BE(2);
  const questions: Question[] = [];
  let offset = HEADER;
  for (let left = bytes.readUInt16BE(4); left > 0; left--) {
    const read = readName(bytes, offset);
    if (read === undefined || read.end + 4 > bytes.length) return undefined;
    questions.push({ name: read.name, type: bytes.readUInt16BE(read.end), class: bytes.readUInt16BE(read.end + 2) });
    offset = read.end + 4;
  }
  const sections: ResourceRecord[][] = [];
  let edns: (Edns & { readonly upperRcode: number }) | undefined;
  for (const countAt of [6, 8, 10]) {
    const section: ResourceRecord[] = [];
    for (let left = bytes.readUInt16BE(countAt); left > 0; left--) {
      const read = readRecord(bytes, offset);
      if (read === undefined) return undefined;
      offset = read.end;
      if (read.record.type !== types.OPT) {
        section.push(read.record);
        continue;
      }
      if (countAt !== 10 || edns !== undefined || read.record.name !== '') return undefined;
      edns = ednsOf(read.record);
    }
    sections.push(section);
  }
  const [answers = [], authorities = [], additionals = []] = sections;
  return {
    id: bytes.readUInt16BE(0),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: (flags & 15) | ((edns?.upperRcode ?? 0) << 4),
    questions,
    answers,
    authorities,
    additionals,
    ...(edns === undefined ? {} : { edns: { udpSize: edns.udpSize, version: edns.version, dnssecOk: edns.dnssecOk } }),
  };
}

function ednsOf({ class: udpSize, ttl }: ResourceRecord): Edns & { readonly upperRcode: number } {
  return { udpSize, version: (ttl >>> 16) & 255, dnssecOk: (ttl & 0x8000) !== 0, upperRcode: ttl >>> 24 };
}

function readRecord(bytes: Buffer, start: number): { record: ResourceRecord; end: number } | undefined {
  const read = readName(bytes, start);
  if (read === undefined || read.end + 10 > bytes.length) return undefined;
  const type = bytes.readUInt16BE(read.end);
  const from = read.end + 10;
  const end = from + bytes.readUInt16BE(read.end + 8);
  if (end > bytes.length) return undefined;
  const data = plainData(bytes, type, from, end);
  if (data === undefined) return undefined;
  const record = {
    name: read.name,
    type,
    class: bytes.readUInt16BE(read.end + 2),
    ttl: bytes.readUInt32BE(read.end + 4),
    data,
  };
  return { record, end };
}

/** Where names stand in the data of a type: bytes ahead of them, and how many. Only these may be compressed. */
const namesWithin: Readonly<Record<number, { readonly ahead: number; readonly names: number }>> = {
  [types.NS]: { ahead: 0, names: 1 },
  [types.CNAME]: { ahead: 0, names: 1 },
  [types.PTR]: { ahead: 0, names: 1 },
  // DNAME
  39: { ahead: 0, names: 1 },
  [types.MX]: { ahead: 2, names: 1 },
  [types.SRV]: { ahead: 6, names: 1 },
  [types.SOA]: { ahead: 0, names: 2 },
};

/** The data with its names written out, because offsets mean nothing in another message. */
function plainData(bytes: Buffer, type: number, from: number, end: number): Buffer | undefined {
  const layout = namesWithin[type];
  if (layout === undefined) return Buffer.from(bytes.subarray(from, end));
  let offset = from + layout.ahead;
  const parts = [bytes.subarray(from, offset)];
  for (let left = layout.names; left > 0; left--) {
    const read = offset < end ? readName(bytes, offset) : undefined;
    if (read === undefined || read.end > end) return undefined;
    parts.push(nameBytes(read.name));
    offset = read.end;
  }
  parts.push(bytes.subarray(offset, end));
  return Buffer.concat(parts);
}
