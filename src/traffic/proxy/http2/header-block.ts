// Gathers a header block from HEADERS and the CONTINUATION frames behind it, within bounds.
// Knows nothing of what is in it: the block of a stream that is refused has to be read all the same.

/** CONTINUATION frames behind one HEADERS: sixteen of them hold four times what a head may have. */
const MAX_FRAMES = 16;

export class HeaderBlock {
  /** The stream whose block is under way; 0 when none is. Until it is whole nothing else may come. */
  id = 0;
  /** Of the HEADERS frame. */
  endStream = false;
  bytes: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #size = 0;
  #frames = 0;

  begin(id: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.id = id;
    this.endStream = endStream;
    this.#parts = [Buffer.from(bytes.subarray(start, end))];
    this.#size = end - start;
    this.#frames = 0;
  }

  /** False when it grows beyond `limit` bytes, or comes in too many pieces. */
  add(bytes: Buffer, start: number, end: number, limit: number): boolean {
    this.#size += end - start;
    if (this.#size > limit || ++this.#frames > MAX_FRAMES) return false;
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    return true;
  }

  /** The block is whole. */
  finish(): Buffer {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.id = 0;
    return bytes;
  }
}
