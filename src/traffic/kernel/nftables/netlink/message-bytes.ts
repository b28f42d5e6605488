// Netlink messages as bytes: headers in the machine's order, attributes nested in one another, all padded to four.
// Grows as it is written to; knows no meaning of any message.

/** Headers and lengths are in the order of the machine; what nf_tables has in its attributes is in that of the network. */
export const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export const HEADER_BYTES = 16;
/** An attribute's length has sixteen bits, and nests count their headers. */
export const LONGEST_ATTRIBUTE = 0xffff;
const NESTED = 0x8000;

export class MessageBytes {
  bytes: Uint8Array;
  view: DataView;
  length = 0;
  #memory: ArrayBuffer;

  constructor(size = 4_096) {
    this.#memory = new ArrayBuffer(size);
    this.bytes = new Uint8Array(this.#memory);
    this.view = new DataView(this.#memory);
  }

  /** Room for `count` bytes more, of which `reserve` says where they begin. They are zero. */
  reserve(count: number): number {
    const at = this.length;
    if (at + count > this.bytes.length) this.#grow(at + count);
    this.length = at + count;
    return at;
  }

  beginMessage(type: number, flags: number, sequence: number): number {
    const at = this.reserve(HEADER_BYTES);
    this.view.setUint16(at + 4, type, LITTLE);
    this.view.setUint16(at + 6, flags, LITTLE);
    this.view.setUint32(at + 8, sequence, LITTLE);
    return at;
  }

  endMessage(at: number): void {
    this.view.setUint32(at, this.length - at, LITTLE);
  }

  beginNest(type: number): number {
    const at = this.reserve(4);
    this.view.setUint16(at + 2, type | NESTED, LITTLE);
    return at;
  }

  endNest(at: number): void {
    this.view.setUint16(at, this.length - at, LITTLE);
  }

  /** An attribute of `count` bytes, still zero; returns where they begin. */
  attribute(type: number, count: number): number {
    const at = this.reserve(4 + ((count + 3) & ~3));
    this.view.setUint16(at, 4 + count, LITTLE);
    this.view.setUint16(at + 2, type, LITTLE);
    return at + 4;
  }

  u32(type: number, value: number): void {
    const at = this.attribute(type, 4);
    this.view.setUint32(at, value);
  }

  u64(type: number, value: bigint): void {
    const at = this.attribute(type, 8);
    this.view.setBigUint64(at, value);
  }

  /** With the zero that ends it; letters of ASCII, as names of the kernel's objects are. */
  text(type: number, value: string): void {
    const at = this.attribute(type, value.length + 1);
    for (let place = 0; place < value.length; place++) this.bytes[at + place] = value.charCodeAt(place);
  }

  /** Empty again; the memory stays. */
  clear(): void {
    this.bytes.fill(0, 0, this.length);
    this.length = 0;
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** The old memory goes at once: a table of 45,000 Services is 20 MB, and would leave twice as much for the collector. */
  #grow(needed: number): void {
    const memory = this.#memory.transfer(Math.max(needed, this.#memory.byteLength * 2));
    this.#memory = memory;
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
  }
}
