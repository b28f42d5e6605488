// Takes frames apart and refuses those whose length, stream or place is wrong (RFC 9113, 6).
// Knows nothing of windows and of what streams carry; a session says what follows from a frame.

import type { FrameSink } from './frame-reader.ts';
import * as f from './frames.ts';
import { HeaderBlock } from './header-block.ts';
import { PeerSettings } from './peer-settings.ts';

/** Why a connection was ended for what its peer did; a label of a metric. */
export type Fault = 'protocol' | 'reset_flood' | 'control_flood' | 'header_flood';

export abstract class CheckedFrames implements FrameSink {
  protected readonly block = new HeaderBlock();
  protected readonly peer = new PeerSettings();
  /** Bytes a header block may have, compressed. */
  protected abstract readonly blockLimit: number;

  abstract dataBegin(id: number, flags: number, length: number): boolean;
  abstract dataBytes(id: number, bytes: Buffer, start: number, end: number): void;
  abstract dataEnd(id: number, flags: number): void;

  /** Ends the connection for what the peer did. */
  protected abstract fault(code: number, fault?: Fault): void;
  /** One more frame that wants a look and carries nothing; false when the connection was ended for it. */
  protected abstract spendControl(): boolean;
  /** The stream could not have been opened by then: the frame is a mistake, not late. */
  protected abstract isIdle(id: number): boolean;
  /** A whole header block: a new stream, a response, or trailers. */
  protected abstract onHeaders(id: number, endStream: boolean, bytes: Buffer, start: number, end: number): void;
  protected abstract onResetFrame(id: number, code: number): void;
  protected abstract onWindow(id: number, increment: number): void;
  /** `delta` is by how much the windows of all streams have grown. */
  protected abstract onSettingsFrame(delta: number): void;
  protected abstract onPing(payload: string): void;
  protected abstract onPingAck(payload: string): void;
  protected abstract onGoaway(lastId: number, code: number): void;

  badLength(padding: boolean): void {
    this.fault(padding ? f.PROTOCOL_ERROR : f.FRAME_SIZE_ERROR);
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const { block } = this;
    let error: number = f.NO_ERROR;
    if (block.id !== 0 && (type !== f.CONTINUATION || id !== block.id)) error = f.PROTOCOL_ERROR;
    else if (!this.peer.known && type !== f.SETTINGS) error = f.PROTOCOL_ERROR;
    else if (type === f.HEADERS) error = this.#headers(flags, id, bytes, start, end);
    else if (type === f.CONTINUATION) error = this.#continuation(flags, bytes, start, end);
    else if (this.spendControl()) error = this.#control(type, flags, id, bytes, start, end);
    if (error !== f.NO_ERROR) this.fault(error);
  }

  #control(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    switch (type) {
      case f.RST_STREAM:
        if (id === 0 || this.isIdle(id)) return f.PROTOCOL_ERROR;
        if (length !== 4) return f.FRAME_SIZE_ERROR;
        this.onResetFrame(id, bytes.readUInt32BE(start));
        return f.NO_ERROR;
      case f.WINDOW_UPDATE:
        if (length !== 4) return f.FRAME_SIZE_ERROR;
        if (id !== 0 && this.isIdle(id)) return f.PROTOCOL_ERROR;
        this.onWindow(id, bytes.readUInt32BE(start) & 0x7fffffff);
        return f.NO_ERROR;
      case f.SETTINGS:
        return this.#settings(flags, id, bytes, start, end);
      case f.PING:
        if (id !== 0) return f.PROTOCOL_ERROR;
        if (length !== 8) return f.FRAME_SIZE_ERROR;
        if ((flags & f.ACK) === 0) this.onPing(bytes.toString('latin1', start, end));
        else this.onPingAck(bytes.toString('latin1', start, end));
        return f.NO_ERROR;
      case f.GOAWAY:
        if (id !== 0) return f.PROTOCOL_ERROR;
        if (length < 8) return f.FRAME_SIZE_ERROR;
        this.onGoaway(bytes.readUInt32BE(start) & 0x7fffffff, bytes.readUInt32BE(start + 4));
        return f.NO_ERROR;
      case f.PRIORITY:
        if (id === 0) return f.PROTOCOL_ERROR;
        return length === 5 ? f.NO_ERROR : f.FRAME_SIZE_ERROR;
      case f.PUSH_PROMISE:
        // Nobody may push: clients never can, and backends were told.
        return f.PROTOCOL_ERROR;
      default:
        // Unknown types are ignored (RFC 9113, 4.1).
        return f.NO_ERROR;
    }
  }

  #headers(flags: number, id: number, bytes: Buffer, from: number, to: number): number {
    if (id === 0) return f.PROTOCOL_ERROR;
    let start = from;
    let end = to;
    if ((flags & f.PADDED) !== 0) {
      if (start >= end) return f.FRAME_SIZE_ERROR;
      end -= bytes[start++] as number;
    }
    if ((flags & f.PRIORITISED) !== 0) start += 5;
    if (start > end) return f.PROTOCOL_ERROR;
    const endStream = (flags & f.END_STREAM) !== 0;
    if ((flags & f.END_HEADERS) === 0) this.block.begin(id, endStream, bytes, start, end);
    else this.onHeaders(id, endStream, bytes, start, end);
    return f.NO_ERROR;
  }

  #continuation(flags: number, bytes: Buffer, start: number, end: number): number {
    const { block } = this;
    const { id } = block;
    if (id === 0) return f.PROTOCOL_ERROR;
    if (!block.add(bytes, start, end, this.blockLimit)) {
      this.fault(f.ENHANCE_YOUR_CALM, 'header_flood');
    } else if ((flags & f.END_HEADERS) !== 0) {
      const whole = block.finish();
      this.onHeaders(id, block.endStream, whole, 0, whole.length);
    }
    return f.NO_ERROR;
  }

  #settings(flags: number, id: number, bytes: Buffer, start: number, end: number): number {
    if (id !== 0) return f.PROTOCOL_ERROR;
    if ((flags & f.ACK) !== 0) return end === start ? f.NO_ERROR : f.FRAME_SIZE_ERROR;
    const before = this.peer.initialWindow;
    const error = this.peer.apply(bytes, start, end);
    if (error === f.ENHANCE_YOUR_CALM) this.fault(error, 'control_flood');
    else if (error === f.NO_ERROR) this.onSettingsFrame(this.peer.initialWindow - before);
    else return error;
    return f.NO_ERROR;
  }
}
