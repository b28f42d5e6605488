// Writes ClientHello messages for tests, right ones and wrong ones.
// Knows nothing of the parser.

export interface HelloParts {
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** Further extensions, whole, ahead of the others. */
  readonly extensions?: readonly Buffer[];
  /** Instead of all extensions; null leaves even their length out. */
  readonly rawExtensions?: Buffer | null;
  readonly sessionId?: Buffer;
  readonly suites?: readonly number[];
}

export function sized(bytes: 1 | 2 | 3, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(body.length, 0, bytes);
  return Buffer.concat([length, body]);
}

export function extension(type: number, ...content: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(2, ...content)]);
}

export function serverNameExtension(name: string, kind = 0): Buffer {
  return extension(0, sized(2, Buffer.from([kind]), sized(2, Buffer.from(name, 'latin1'))));
}

/** The handshake message, without records. */
export function helloMessage(parts: HelloParts = {}): Buffer {
  const extensions = [
    ...(parts.extensions ?? []),
    ...(parts.serverName === undefined ? [] : [serverNameExtension(parts.serverName)]),
    ...(parts.alpn === undefined
      ? []
      : [extension(16, sized(2, ...parts.alpn.map((name) => sized(1, Buffer.from(name)))))]),
  ];
  const suites = Buffer.concat((parts.suites ?? [0x1301, 0xc02b]).map((id) => Buffer.from([id >> 8, id & 255])));
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, parts.sessionId ?? Buffer.alloc(0)),
    sized(2, suites),
    sized(1, Buffer.from([0])),
    parts.rawExtensions === null ? Buffer.alloc(0) : (parts.rawExtensions ?? sized(2, ...extensions)),
  ]);
  return Buffer.concat([Buffer.from([1]), sized(3, body)]);
}

/** `message` in records of at most `size` bytes. */
export function records(message: Buffer, size = 16_384): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    out.push(Buffer.from([22, 3, 1]), sized(2, message.subarray(at, at + size)));
  }
  return Buffer.concat(out);
}

export function clientHello(parts: HelloParts = {}): Buffer {
  return records(helloMessage(parts));
}
