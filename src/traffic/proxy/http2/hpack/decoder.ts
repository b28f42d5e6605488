// Reads header blocks (RFC 7541) and hands over field after field.
// Knows nothing of messages; a block that is not HPACK ends the connection, because the tables are lost with it.

import { Field } from './field.ts';
import { decodeHuffman } from './huffman.ts';
import { staticTable } from './static-table.ts';

export interface FieldSink {
  field(field: Field): void;
}

const STATIC = staticTable.length;

export class HpackDecoder {
  /** What this side announced as SETTINGS_HEADER_TABLE_SIZE. */
  readonly #allowed: number;
  #capacity: number;
  /** The dynamic table, oldest first; what lies before `#first` has been evicted. */
  #entries: Field[] = [];
  #first = 0;
  #size = 0;
  /** Where reading goes on; -1 once something was wrong. */
  #pos = 0;

  constructor(tableSize = 4096) {
    this.#allowed = tableSize;
    this.#capacity = tableSize;
  }

  /** Reads the whole block `bytes[start, end)`; false when it is broken. */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): boolean {
    this.#pos = start;
    let begun = false;
    while (this.#pos < end) {
      const first = bytes[this.#pos] as number;
      if (first >= 0x80) {
        const field = this.#at(this.#integer(bytes, end, 7));
        if (field === undefined || this.#pos < 0) return false;
        sink.field(field);
      } else if (first >= 0x40 || first < 0x20) {
        const field = this.#literal(bytes, end, first >= 0x40 ? 6 : 4);
        if (field === undefined) return false;
        if (first >= 0x40) this.#insert(field);
        sink.field(field);
      } else {
        // Table sizes may change only ahead of the fields.
        const capacity = this.#integer(bytes, end, 5);
        if (begun || this.#pos < 0 || capacity > this.#allowed) return false;
        this.#capacity = capacity;
        this.#evict(0);
        continue;
      }
      begun = true;
    }
    return this.#pos === end;
  }

  #literal(bytes: Buffer, end: number, prefix: number): Field | undefined {
    const index = this.#integer(bytes, end, prefix);
    if (this.#pos < 0) return undefined;
    const name = index === 0 ? this.#string(bytes, end) : this.#at(index)?.name;
    if (name === undefined) return undefined;
    const value = this.#string(bytes, end);
    return value === undefined ? undefined : new Field(name, value);
  }

  #at(index: number): Field | undefined {
    if (index < STATIC) return index > 0 ? staticTable[index] : undefined;
    const at = this.#entries.length - 1 - (index - STATIC);
    return at >= this.#first ? this.#entries[at] : undefined;
  }

  #insert(field: Field): void {
    this.#evict(field.size);
    // A field larger than the table empties it and is not kept.
    if (field.size > this.#capacity) return;
    this.#entries.push(field);
    this.#size += field.size;
  }

  /** Makes room for `needed` bytes. */
  #evict(needed: number): void {
    const entries = this.#entries;
    while (this.#first < entries.length && this.#size + needed > this.#capacity) {
      this.#size -= (entries[this.#first] as Field).size;
      this.#first++;
    }
    if (this.#first >= 128 && this.#first * 2 > entries.length) {
      this.#entries = entries.slice(this.#first);
      this.#first = 0;
    }
  }

  /** An integer with a prefix of so many bits; sets `#pos` to -1 when it is cut off or beyond all reason. */
  #integer(bytes: Buffer, end: number, prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = (bytes[this.#pos++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#pos >= end) break;
      const byte = bytes[this.#pos++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.#pos = -1;
    return 0;
  }

  #string(bytes: Buffer, end: number): string | undefined {
    if (this.#pos >= end) return undefined;
    const huffman = (bytes[this.#pos] as number) >= 0x80;
    const length = this.#integer(bytes, end, 7);
    const start = this.#pos;
    if (start < 0 || length > end - start) return undefined;
    this.#pos = start + length;
    return huffman ? decodeHuffman(bytes, start, start + length) : bytes.toString('latin1', start, start + length);
  }
}
