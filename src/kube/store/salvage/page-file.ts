// The pages of a SQLite file as they would be after its log was applied, read without SQLite: it would refuse damage.
// Knows the formats of the file and of the log (sqlite.org/fileformat2.html), nothing of what is in the pages.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

const DEFAULT_PAGE_SIZE = 4096;
const WAL_HEADER = 32;
const FRAME_HEADER = 24;

export interface PageFile {
  readonly pageSize: number;
  readonly count: number;
  /** How many pages the log holds of which nothing can be used. */
  readonly lostFrames: number;
  /** From 1; undefined beyond the end. A page that is cut short is filled up with zeros. */
  page(number: number): Buffer | undefined;
  close(): void;
}

export function openPageFile(file: string): PageFile {
  const fd = openSync(file, 'r');
  const { size } = fstatSync(fd);
  const head = Buffer.alloc(100);
  readSync(fd, head, 0, 100, 0);
  const wal = readWal(`${file}-wal`);
  const pageSize = wal?.pageSize ?? pageSizeOf(head.readUInt16BE(16));
  const count = Math.max(Math.ceil(size / pageSize), ...(wal?.frames.keys() ?? []), 0);
  return {
    pageSize,
    count,
    lostFrames: wal?.lost ?? 0,
    page(number) {
      const logged = wal?.frames.get(number);
      if (logged !== undefined) return logged;
      if (number < 1 || (number - 1) * pageSize >= size) return undefined;
      const page = Buffer.alloc(pageSize);
      readSync(fd, page, 0, pageSize, (number - 1) * pageSize);
      return page;
    },
    close: () => closeSync(fd),
  };
}

/** As the header says; where that is damaged, what SQLite takes by default. */
function pageSizeOf(written: number): number {
  if (written === 1) return 65_536;
  const isPower = written >= 512 && (written & (written - 1)) === 0;
  return isPower ? written : DEFAULT_PAGE_SIZE;
}

interface Wal {
  readonly pageSize: number;
  /** The newest committed content of each page. */
  readonly frames: ReadonlyMap<number, Buffer>;
  readonly lost: number;
}

/** What SQLite would apply of it: everything up to the last commit before the first frame whose sum is wrong. */
function readWal(file: string): Wal | undefined {
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  if (bytes.length < WAL_HEADER || bytes.readUInt32BE(0) >>> 1 !== 0x377f0682 >>> 1) return undefined;
  const bigEndian = (bytes.readUInt32BE(0) & 1) === 1;
  const pageSize = bytes.readUInt32BE(8);
  const sum = new Checksum(bigEndian);
  sum.add(bytes.subarray(0, 24));
  if (!sum.is(bytes.readUInt32BE(24), bytes.readUInt32BE(28))) return undefined;
  const frames = new Map<number, Buffer>();
  let waiting: [number, Buffer][] = [];
  let at = WAL_HEADER;
  for (; at + FRAME_HEADER + pageSize <= bytes.length; at += FRAME_HEADER + pageSize) {
    const salted = bytes.compare(bytes, 16, 24, at + 8, at + 16) === 0;
    // Frames of an earlier turn of the log follow where the current one ends.
    if (!salted) return { pageSize, frames, lost: 0 };
    const page = bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + pageSize);
    sum.add(bytes.subarray(at, at + 8));
    sum.add(page);
    if (!sum.is(bytes.readUInt32BE(at + 16), bytes.readUInt32BE(at + 20))) break;
    waiting.push([bytes.readUInt32BE(at), page]);
    if (bytes.readUInt32BE(at + 4) === 0) continue;
    for (const [number, content] of waiting) frames.set(number, content);
    waiting = [];
  }
  return { pageSize, frames, lost: Math.floor((bytes.length - at) / (FRAME_HEADER + pageSize)) };
}

/** Two running sums of 32 bits over pairs of words. */
class Checksum {
  readonly #read: (bytes: Buffer, at: number) => number;
  #first = 0;
  #second = 0;

  constructor(bigEndian: boolean) {
    this.#read = bigEndian ? (bytes, at) => bytes.readUInt32BE(at) : (bytes, at) => bytes.readUInt32LE(at);
  }

  add(bytes: Buffer): void {
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      this.#first = (this.#first + this.#read(bytes, at) + this.#second) >>> 0;
      this.#second = (this.#second + this.#read(bytes, at + 4) + this.#first) >>> 0;
    }
  }

  is(first: number, second: number): boolean {
    return this.#first === first && this.#second === second;
  }
}
