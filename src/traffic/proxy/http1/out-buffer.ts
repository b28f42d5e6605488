// Gathers what goes out to one socket in one turn, so that a message that fits leaves in a single write.
// Knows nothing of HTTP except how a chunk is written.

import type { Socket } from 'node:net';
import { isBlocked, writeText } from './direct-write.ts';

/** Payload up to this many bytes joins the head in one string; larger pieces go out as buffers, in one writev. */
const JOIN_LIMIT = 8 * 1024;

/** One per worker is enough: it is filled and flushed within one event. */
export class OutBuffer {
  /** Latin-1 text that is next to go out. */
  text = '';
  #parts: (string | Buffer)[] = [];

  get empty(): boolean {
    return this.text === '' && this.#parts.length === 0;
  }

  /**
   * Adds `bytes[start, end)`, as a chunk when `chunked`. Not `owned` bytes are copied, because their memory is
   * about to be read into again.
   */
  addBytes(bytes: Buffer, start: number, end: number, chunked: boolean, owned: boolean): void {
    const size = end - start;
    if (size === 0) return;
    if (chunked) this.text += `${size.toString(16)}\r\n`;
    if (size <= JOIN_LIMIT && this.text.length <= JOIN_LIMIT * 2) {
      this.text += bytes.toString('latin1', start, end);
    } else {
      if (this.text !== '') this.#parts.push(this.text);
      this.text = '';
      const piece = bytes.subarray(start, end);
      this.#parts.push(owned ? piece : Buffer.from(piece));
    }
    if (chunked) this.text += '\r\n';
  }

  /** Adds a part of a message that was gathered before, as a chunk when `chunked`. */
  addPart(part: string | Buffer, chunked: boolean): void {
    if (typeof part !== 'string') {
      this.addBytes(part, 0, part.length, chunked, true);
      return;
    }
    this.text += chunked ? `${part.length.toString(16)}\r\n${part}\r\n` : part;
  }

  /** Moves everything to the end of `list`, to be written and perhaps written again; returns its bytes. */
  take(list: (string | Buffer)[]): number {
    let size = this.text.length;
    for (const part of this.#parts) {
      size += part.length;
      list.push(part);
    }
    if (this.text !== '') list.push(this.text);
    this.text = '';
    this.#parts.length = 0;
    return size;
  }

  /** Writes everything to `socket`; false when the socket asks to wait for `drain`. */
  flush(socket: Socket): boolean {
    const text = this.text;
    this.text = '';
    if (this.#parts.length === 0) {
      if (text !== '') writeText(socket, text);
    } else {
      const parts = this.#parts;
      this.#parts = [];
      if (text !== '') parts.push(text);
      writeAll(socket, parts);
    }
    return !isBlocked(socket);
  }

  /** Forgets what was gathered. */
  clear(): void {
    this.text = '';
    this.#parts.length = 0;
  }
}

/** In as few system calls as the socket can. */
function writeAll(socket: Socket, parts: readonly (string | Buffer)[]): void {
  if (parts.length > 1) socket.cork();
  for (const part of parts) {
    if (typeof part === 'string') socket.write(part, 'latin1');
    else socket.write(part);
  }
  if (parts.length > 1) socket.uncork();
}
