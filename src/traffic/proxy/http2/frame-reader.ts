// Cuts the bytes of a connection into frames, however they arrive. Payload of DATA is handed on as it comes.
// Knows nothing of what frames mean; only how long they may be.

import { DATA, FRAME_HEAD, MAX_FRAME, PADDED } from './frames.ts';

export interface FrameSink {
  /** A DATA frame begins; `length` counts its padding too. False: nothing more is wanted of this connection. */
  dataBegin(id: number, flags: number, length: number): boolean;
  /** Part of its payload. */
  dataBytes(id: number, bytes: Buffer, start: number, end: number): void;
  dataEnd(id: number, flags: number): void;
  /** Any other frame, whole: `bytes[start, end)` is its payload. */
  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void;
  /** A frame is longer than it may be, or its padding longer than the frame. */
  badLength(padding: boolean): void;
}

export class FrameReader {
  readonly #sink: FrameSink;
  /** A frame that has come in part, or only part of its head. */
  #held: Buffer | undefined;
  #heldLength = 0;
  /** Of the DATA frame under way. */
  #inData = false;
  #id = 0;
  #flags = 0;
  #left = 0;
  /** -1 until the length of the padding is known. */
  #padding = 0;
  #stopped = false;
  /** Frames that have begun: tells a frame that is late from one that has just come. */
  count = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** No frame is half there, but for DATA. */
  get idle(): boolean {
    return this.#heldLength === 0;
  }

  /** Takes no more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads `bytes[from, length)`. */
  read(bytes: Buffer, from: number, length: number): void {
    let pos = from;
    while (pos < length && !this.#stopped) {
      if (this.#inData) pos = this.#readData(bytes, pos, length);
      else if (this.#heldLength > 0 || length - pos < FRAME_HEAD) pos = this.#fill(bytes, pos, length);
      else pos = this.#readFrame(bytes, pos, length);
    }
  }

  #readFrame(bytes: Buffer, pos: number, length: number): number {
    this.count++;
    const size = ((bytes[pos] as number) << 16) | ((bytes[pos + 1] as number) << 8) | (bytes[pos + 2] as number);
    const type = bytes[pos + 3] as number;
    const id = bytes.readUInt32BE(pos + 5) & 0x7fffffff;
    if (size > MAX_FRAME) return this.#refuse(false, length);
    const start = pos + FRAME_HEAD;
    if (type === DATA) {
      this.#beginData(bytes[pos + 4] as number, id, size);
      return start;
    }
    const end = start + size;
    if (end > length) return this.#fill(bytes, pos, length);
    this.#sink.frame(type, bytes[pos + 4] as number, id, bytes, start, end);
    return end;
  }

  /** Gathers a frame that did not come in one read; of DATA only its head. */
  #fill(bytes: Buffer, pos: number, length: number): number {
    let held = this.#held;
    if (held === undefined || this.#heldLength === 0) {
      this.count++;
      held = Buffer.allocUnsafe(FRAME_HEAD);
      this.#held = held;
    }
    const taken = Math.min(held.length - this.#heldLength, length - pos);
    bytes.copy(held, this.#heldLength, pos, pos + taken);
    this.#heldLength += taken;
    if (this.#heldLength < held.length) return length;
    const id = held.readUInt32BE(5) & 0x7fffffff;
    if (held.length === FRAME_HEAD) {
      const size = held.readUIntBE(0, 3);
      if (size > MAX_FRAME) return this.#refuse(false, length);
      if (held[3] === DATA) {
        this.#heldLength = 0;
        this.#beginData(held[4] as number, id, size);
        return pos + taken;
      }
      if (size > 0) {
        const whole = Buffer.allocUnsafe(FRAME_HEAD + size);
        held.copy(whole);
        this.#held = whole;
        return pos + taken;
      }
    }
    this.#held = undefined;
    this.#heldLength = 0;
    this.#sink.frame(held[3] as number, held[4] as number, id, held, FRAME_HEAD, held.length);
    return pos + taken;
  }

  #beginData(flags: number, id: number, size: number): void {
    this.#inData = true;
    this.#id = id;
    this.#flags = flags;
    this.#left = size;
    this.#padding = (flags & PADDED) === 0 ? 0 : -1;
    if (this.#padding < 0 && size === 0) this.#refuse(true, 0);
    else if (!this.#sink.dataBegin(id, flags, size)) this.#stopped = true;
    else if (size === 0) this.#endData();
  }

  #readData(bytes: Buffer, from: number, length: number): number {
    let pos = from;
    if (this.#padding < 0) {
      this.#padding = bytes[pos++] as number;
      this.#left--;
      if (this.#padding > this.#left) return this.#refuse(true, length);
    }
    const payload = Math.min(this.#left - this.#padding, length - pos);
    if (payload > 0) {
      this.#left -= payload;
      pos += payload;
      this.#sink.dataBytes(this.#id, bytes, pos - payload, pos);
    }
    if (this.#left === this.#padding) {
      const skipped = Math.min(this.#left, length - pos);
      pos += skipped;
      this.#left -= skipped;
      this.#padding -= skipped;
    }
    if (this.#left === 0) this.#endData();
    return pos;
  }

  #endData(): void {
    this.#inData = false;
    if (!this.#stopped) this.#sink.dataEnd(this.#id, this.#flags);
  }

  #refuse(padding: boolean, length: number): number {
    this.#stopped = true;
    this.#sink.badLength(padding);
    return length;
  }
}
