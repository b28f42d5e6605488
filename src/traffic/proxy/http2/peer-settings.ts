// What the other side of a session has announced (RFC 9113, 6.5).
// Knows nothing of streams; whoever applies it adjusts them.

import * as f from './frames.ts';

/** Settings that one frame may hold; there are nine. */
const MAX_ENTRIES = 32;
/** Bytes of HPACK's dynamic table before anything is agreed on. */
const DEFAULT_TABLE = 4096;

export class PeerSettings {
  /** A first SETTINGS frame has come. */
  known = false;
  initialWindow = f.DEFAULT_WINDOW;
  /** Streams that the peer lets this side open. */
  maxStreams = Number.POSITIVE_INFINITY;
  /** Extended CONNECT is served (RFC 8441). */
  connectProtocol = false;
  /** The peer's table for what this side sends has become smaller than it was at first. */
  #shrunkTable = false;

  /** Whether the next header block has to say so; true once. */
  takeShrunkTable(): boolean {
    const shrunk = this.#shrunkTable;
    this.#shrunkTable = false;
    return shrunk;
  }

  /** Takes the payload of a SETTINGS frame; returns the error that it deserves, or NO_ERROR. */
  apply(bytes: Buffer, start: number, end: number): number {
    if ((end - start) % 6 !== 0) return f.FRAME_SIZE_ERROR;
    if (end - start > MAX_ENTRIES * 6) return f.ENHANCE_YOUR_CALM;
    for (let pos = start; pos < end; pos += 6) {
      const error = this.#set(bytes.readUInt16BE(pos), bytes.readUInt32BE(pos + 2));
      if (error !== f.NO_ERROR) return error;
    }
    this.known = true;
    return f.NO_ERROR;
  }

  /** The size of heads is of no use here; unknown settings are ignored. */
  #set(id: number, value: number): number {
    switch (id) {
      case f.SETTINGS_HEADER_TABLE_SIZE:
        if (value < DEFAULT_TABLE) this.#shrunkTable = true;
        break;
      case f.SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > f.MAX_WINDOW) return f.FLOW_CONTROL_ERROR;
        this.initialWindow = value;
        break;
      case f.SETTINGS_MAX_CONCURRENT_STREAMS:
        this.maxStreams = value;
        break;
      case f.SETTINGS_MAX_FRAME_SIZE:
        if (value < f.MAX_FRAME || value > 2 ** 24 - 1) return f.PROTOCOL_ERROR;
        break;
      case f.SETTINGS_ENABLE_PUSH:
        if (value > 1) return f.PROTOCOL_ERROR;
        break;
      case f.SETTINGS_ENABLE_CONNECT_PROTOCOL:
        // Once announced it cannot be taken back (RFC 8441, 3).
        if (value > 1 || (this.connectProtocol && value === 0)) return f.PROTOCOL_ERROR;
        this.connectProtocol = value === 1;
        break;
    }
    return f.NO_ERROR;
  }
}
