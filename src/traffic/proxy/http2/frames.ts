// The frames of HTTP/2 (RFC 9113, 6) as numbers, and how they are written: as Latin-1 text, one character a byte.
// Knows nothing of streams and their states.

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITISED = 0x20;

export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

export const SETTINGS_HEADER_TABLE_SIZE = 1;
export const SETTINGS_ENABLE_PUSH = 2;
export const SETTINGS_MAX_CONCURRENT_STREAMS = 3;
export const SETTINGS_INITIAL_WINDOW_SIZE = 4;
export const SETTINGS_MAX_FRAME_SIZE = 5;
export const SETTINGS_MAX_HEADER_LIST_SIZE = 6;
export const SETTINGS_ENABLE_CONNECT_PROTOCOL = 8;

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
export const FRAME_HEAD = 9;
/** What every peer takes, and what this side takes. */
export const MAX_FRAME = 16_384;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 2 ** 31 - 1;
export const MAX_STREAM_ID = 2 ** 31 - 1;

export function frameHead(length: number, type: number, flags: number, id: number): string {
  return String.fromCharCode(
    length >> 16,
    (length >> 8) & 0xff,
    length & 0xff,
    type,
    flags,
    id >>> 24,
    (id >> 16) & 0xff,
    (id >> 8) & 0xff,
    id & 0xff,
  );
}

/** A header block, cut into HEADERS and CONTINUATION where it is longer than a frame. */
export function headersFrames(id: number, block: string, endStream: boolean): string {
  const flags = endStream ? END_STREAM : 0;
  if (block.length <= MAX_FRAME) return frameHead(block.length, HEADERS, flags | END_HEADERS, id) + block;
  let text = frameHead(MAX_FRAME, HEADERS, flags, id) + block.slice(0, MAX_FRAME);
  for (let at = MAX_FRAME; at < block.length; at += MAX_FRAME) {
    const piece = block.slice(at, at + MAX_FRAME);
    const last = at + MAX_FRAME >= block.length;
    text += frameHead(piece.length, CONTINUATION, last ? END_HEADERS : 0, id) + piece;
  }
  return text;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): string {
  let text = frameHead(settings.length * 6, SETTINGS, 0, 0);
  for (const [id, value] of settings) text += String.fromCharCode(id >> 8, id & 0xff) + uint32(value);
  return text;
}

export const settingsAck = frameHead(0, SETTINGS, ACK, 0);

export function pingFrame(payload: string, ack: boolean): string {
  return frameHead(8, PING, ack ? ACK : 0, 0) + payload;
}

export function resetFrame(id: number, code: number): string {
  return frameHead(4, RST_STREAM, 0, id) + uint32(code);
}

export function windowFrame(id: number, increment: number): string {
  return frameHead(4, WINDOW_UPDATE, 0, id) + uint32(increment);
}

export function goawayFrame(lastId: number, code: number): string {
  return frameHead(8, GOAWAY, 0, 0) + uint32(lastId) + uint32(code);
}

export function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}
