// Messages on a stream: two bytes of length ahead of each (RFC 1035, 4.2.2).
// Knows nothing of what is in them.

const NONE: Buffer = Buffer.alloc(0);

export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

export class FrameReader {
  #rest: Buffer = NONE;

  /** The messages that are whole by now; each is a copy of its own or a part of `chunk`. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    let offset = 0;
    while (bytes.length - offset >= 2) {
      const end = offset + 2 + bytes.readUInt16BE(offset);
      if (end > bytes.length) break;
      messages.push(bytes.subarray(offset + 2, end));
      offset = end;
    }
    this.#rest = bytes.subarray(offset);
    return messages;
  }
}
