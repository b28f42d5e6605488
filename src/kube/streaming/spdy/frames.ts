// Frames of SPDY/3.1 as bytes: written whole, read as they come, data in pieces without waiting for its frame's end.
// Knows lengths and flags, not what a frame means for a session.
import { SpdyError } from './error.ts';

const VERSION = 3;
/** Most bytes of a control frame; compressed headers of a stream are a few hundred. */
const MAX_CONTROL = 32 * 1024;
const HEAD = 8;

export const FLAG_FIN = 1;
export const FLAG_UNIDIRECTIONAL = 2;

export const types = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const rstStatus = {
  protocolError: 1,
  refusedStream: 3,
  cancel: 5,
  flowControlError: 7,
  streamAlreadyClosed: 9,
} as const;

export const goAwayStatus = { ok: 0, protocolError: 1 } as const;

export interface DataPiece {
  readonly kind: 'data';
  readonly streamId: number;
  readonly data: Buffer;
  /** The stream's other side has said all it will; only with the last piece of a frame. */
  readonly fin: boolean;
}

export interface ControlFrame {
  readonly kind: 'control';
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** Cuts bytes into frames; keeps at most one control frame. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #data: { streamId: number; left: number; fin: boolean } | undefined;

  /** Throws `SpdyError` when the bytes are no SPDY/3. */
  *read(chunk: Buffer): Generator<DataPiece | ControlFrame> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (true) {
      if (this.#data !== undefined) {
        const { streamId, left, fin } = this.#data;
        if (bytes.length === 0 && left > 0) break;
        const data = bytes.subarray(0, left);
        bytes = bytes.subarray(data.length);
        const ended = data.length === left;
        this.#data = ended ? undefined : { streamId, left: left - data.length, fin };
        yield { kind: 'data', streamId, data, fin: fin && ended };
        continue;
      }
      if (bytes.length < HEAD) break;
      const first = bytes.readUInt32BE(0);
      const flags = bytes.readUInt8(4);
      const length = bytes.readUIntBE(5, 3);
      if (first < 0x8000_0000) {
        this.#data = { streamId: first, left: length, fin: (flags & FLAG_FIN) !== 0 };
        bytes = bytes.subarray(HEAD);
        continue;
      }
      const version = (first >>> 16) & 0x7fff;
      if (version !== VERSION) throw new SpdyError(`a frame is of SPDY version ${version}, not ${VERSION}`);
      if (length > MAX_CONTROL) throw new SpdyError(`a control frame of ${length} bytes is larger than ${MAX_CONTROL}`);
      if (bytes.length < HEAD + length) break;
      const payload = bytes.subarray(HEAD, HEAD + length);
      bytes = bytes.subarray(HEAD + length);
      yield { kind: 'control', type: first & 0xffff, flags, payload };
    }
    // A copy: a few bytes must not hold the whole chunk in memory.
    this.#rest = bytes.length === 0 ? bytes : Buffer.from(bytes);
  }
}

export function controlFrame(type: number, flags: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(HEAD);
  head.writeUInt16BE(0x8000 | VERSION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(length, 5, 3);
  return Buffer.concat([head, ...parts]);
}

/** The head of a data frame; the data follows. */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt8(fin ? FLAG_FIN : 0, 4);
  head.writeUIntBE(length, 5, 3);
  return head;
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4);
  return bytes;
}
