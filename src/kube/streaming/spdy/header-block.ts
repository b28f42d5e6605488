// Name/value blocks of SPDY/3 and their compression, one context for each direction of a session.
// Knows no frames; blocks that would grow past a limit are refused.
import { constants, createInflate } from 'node:zlib';
import { adler32, dictionary } from './dictionary.ts';
import { SpdyError } from './error.ts';

/** Most bytes of one block, decompressed. */
const MAX_BLOCK = 64 * 1024;
/** Most bytes of a stored block of RFC 1951. */
const MAX_STORED = 0xffff;
const SYNC_FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff]);

export type Headers = Readonly<Record<string, string>>;

function encodePairs(headers: Headers): Buffer {
  const text = (value: string): Buffer[] => {
    const bytes = Buffer.from(value, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  };
  const entries = Object.entries(headers);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(entries.length);
  return Buffer.concat([count, ...entries.flatMap(([name, value]) => [...text(name.toLowerCase()), ...text(value)])]);
}

/** Names in lower case; of several values the first. Throws `SpdyError`. */
export function decodePairs(block: Buffer): Record<string, string> {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new SpdyError('a header block ends within a length');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - at) throw new SpdyError(`a header of ${length} bytes goes past its block`);
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase();
    const [value = ''] = text().split('\0');
    headers[name] ??= value;
  }
  return headers;
}

/** Blocks as our side sends them. They are few and small, so they are stored, which every decompressor reads. */
export class HeaderWriter {
  #begun = false;

  write(headers: Headers): Buffer {
    const bytes = encodePairs(headers);
    const parts: Buffer[] = [];
    if (!this.#begun) {
      this.#begun = true;
      const head = Buffer.from([0x78, 0xbb, 0, 0, 0, 0]);
      head.writeUInt32BE(adler32(dictionary), 2);
      parts.push(head);
    }
    for (let at = 0; at < bytes.length; at += MAX_STORED) {
      const piece = bytes.subarray(at, at + MAX_STORED);
      const head = Buffer.alloc(5);
      head.writeUInt16LE(piece.length, 1);
      head.writeUInt16LE(~piece.length & 0xffff, 3);
      parts.push(head, piece);
    }
    // Without the empty block of a flush at the end, some decompressors keep the last bytes to themselves.
    return Buffer.concat([...parts, SYNC_FLUSH]);
  }
}

/** Blocks as they come in, in their order; the next is asked for when the one before is there. */
export class HeaderReader {
  readonly #inflate = createInflate({ dictionary, flush: constants.Z_SYNC_FLUSH });
  #parts: Buffer[] = [];
  #length = 0;
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.#inflate.on('error', (error) =>
      this.#fail(new SpdyError(`a header block does not decompress: ${error.message}`)),
    );
    this.#inflate.on('data', (part: Buffer) => {
      this.#length += part.length;
      if (this.#length <= MAX_BLOCK) this.#parts.push(part);
      else this.#fail(new SpdyError(`a header block is larger than ${MAX_BLOCK} bytes`));
    });
  }

  /** Rejects with `SpdyError`; the session is lost then. */
  async read(block: Buffer): Promise<Record<string, string>> {
    this.#parts = [];
    this.#length = 0;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#fail = reject;
    // What was decompressed is handed out within a turn of the loop after the block was taken.
    this.#inflate.write(block, () => setImmediate(resolve));
    await promise;
    return decodePairs(Buffer.concat(this.#parts));
  }

  close(): void {
    this.#fail = () => {};
    this.#inflate.destroy();
  }
}
