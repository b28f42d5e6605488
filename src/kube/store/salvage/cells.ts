// The rows and index entries that stand in one page of a SQLite file, each taken by itself, so that a bad one costs no other.
// Knows the format of pages, cells and records (sqlite.org/fileformat2.html); what the columns mean is the caller's matter.
import type { PageFile } from './page-file.ts';

export type Column = string | number | null;

export interface Cell {
  /** Undefined in an index. */
  readonly rowid: number | undefined;
  readonly columns: readonly Column[];
}

const TABLE_LEAF = 0x0d;
const INDEX_LEAF = 0x0a;
const INDEX_INNER = 0x02;
/** More than any value can have: a length that damage has made is not worth reading. */
const MAX_PAYLOAD = 64 * 1024 * 1024;

/** Calls `damaged` for each cell that should be there and cannot be read. */
export function* cellsOf(file: PageFile, number: number, damaged: () => void): Generator<Cell> {
  const page = file.page(number);
  if (page === undefined) return;
  const start = number === 1 ? 100 : 0;
  const type = page[start];
  if (type !== TABLE_LEAF && type !== INDEX_LEAF && type !== INDEX_INNER) return;
  const pointers = start + (type === INDEX_INNER ? 12 : 8);
  const count = page.readUInt16BE(start + 3);
  for (let index = 0; index < count; index++) {
    const pointer = pointers + 2 * index;
    const cell = pointer + 2 > page.length ? undefined : readCell(file, page, page.readUInt16BE(pointer), type);
    if (cell === undefined) damaged();
    else yield cell;
  }
}

function readCell(file: PageFile, page: Buffer, start: number, type: number): Cell | undefined {
  try {
    const reader = new Reader(page, type === INDEX_INNER ? start + 4 : start);
    const length = reader.varint();
    if (length <= 0 || length > MAX_PAYLOAD) return undefined;
    const rowid = type === TABLE_LEAF ? reader.varint() : undefined;
    const payload = readPayload(file, page, reader.at, length, type);
    return payload === undefined ? undefined : { rowid, columns: readRecord(payload) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What does not fit into the page goes on in a chain of others. */
function readPayload(file: PageFile, page: Buffer, at: number, length: number, type: number): Buffer | undefined {
  const usable = file.pageSize;
  const most = type === TABLE_LEAF ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (length <= most) return at + length <= page.length ? page.subarray(at, at + length) : undefined;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wanted = least + ((length - least) % (usable - 4));
  const local = wanted <= most ? wanted : least;
  const parts = [page.subarray(at, at + local)];
  let left = length - local;
  let next = page.readUInt32BE(at + local);
  while (left > 0) {
    const more = file.page(next);
    if (more === undefined) return undefined;
    const part = more.subarray(4, 4 + Math.min(left, usable - 4));
    parts.push(part);
    left -= part.length;
    next = more.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

function readRecord(payload: Buffer): Column[] {
  const head = new Reader(payload, 0);
  const end = head.varint();
  const body = new Reader(payload, end);
  const columns: Column[] = [];
  while (head.at < end) columns.push(body.column(head.varint()));
  return columns;
}

/** Throws RangeError beyond the end. */
class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  varint(): number {
    let value = 0n;
    for (let index = 0; index < 9; index++) {
      const byte = this.#bytes.readUInt8(this.at++);
      if (index === 8) return Number((value << 8n) | BigInt(byte));
      value = (value << 7n) | BigInt(byte & 0x7f);
      if (byte < 0x80) break;
    }
    return Number(value);
  }

  column(type: number): Column {
    if (type >= 12) return this.#text((type - (type % 2 === 0 ? 12 : 13)) / 2);
    if (type === 0) return null;
    if (type >= 8) return type - 8;
    const width = [0, 1, 2, 3, 4, 6, 8][type];
    if (width === undefined) throw new RangeError('No integer');
    const start = this.at;
    this.at += width;
    return width <= 6 ? this.#bytes.readIntBE(start, width) : Number(this.#bytes.readBigInt64BE(start));
  }

  #text(length: number): string {
    const start = this.at;
    this.at += length;
    if (this.at > this.#bytes.length) throw new RangeError('Beyond the end');
    return this.#bytes.toString('utf8', start, this.at);
  }
}
