// A long Table as parts of an answer: the text of its cells among bytes of its objects that are kept.
// Knows how a Table is written; what is in it is told.
import type { Place } from './item-bytes.ts';
import type { Parts } from './parts.ts';

/** Of a part. Few are there at a time: what has been sent makes room for the next. */
const PART_BYTES = 64 * 1024;
const END = Buffer.from(']}\n');

export class TableParts implements Parts {
  readonly bytes: number;
  readonly #head: string;
  readonly #cells: readonly string[];
  readonly #beside: readonly Place[];

  /**
   * `head` is all that stands before the first row. A row's `cells` are an object of JSON, whose brace is closed behind
   * what stands `beside` it: a comma, the member `object`, the brace and a comma.
   */
  constructor(head: string, cells: readonly string[], beside: readonly Place[]) {
    this.#head = head;
    this.#cells = cells;
    this.#beside = beside;
    let bytes = Buffer.byteLength(head) + END.length;
    for (const [index, { start, end }] of beside.entries()) {
      bytes += Buffer.byteLength(cells[index] ?? '') - 1 + end - start;
    }
    // Behind the last row there is no comma.
    this.bytes = beside.length === 0 ? bytes : bytes - 1;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    yield Buffer.from(this.#head);
    let part = Buffer.allocUnsafe(PART_BYTES);
    let used = 0;
    for (const [index, { slab, start, end }] of this.#beside.entries()) {
      const cells = this.#cells[index] ?? '';
      const last = index === this.#beside.length - 1 ? 1 : 0;
      const length = Buffer.byteLength(cells) - 1 + end - start - last;
      if (used + length > part.length) {
        if (used > 0) yield part.subarray(0, used);
        part = Buffer.allocUnsafe(Math.max(PART_BYTES, length));
        used = 0;
      }
      used += part.write(cells.slice(0, -1), used);
      used += slab.copy(part, used, start, end - last);
    }
    if (used > 0) yield part.subarray(0, used);
    yield END;
  }
}
