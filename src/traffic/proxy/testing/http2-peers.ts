// HTTP/2 clients and backends for tests: Node.js's own, and a client that sends hand-made frames.
// Knows nothing of the engine; what is compared with is not made of its parts, but for the writing of frames.

import http2, {
  type ClientHttp2Session,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import * as f from '../http2/frames.ts';
import { encodeField } from '../http2/hpack/encode.ts';

export interface Http2Backend {
  readonly port: number;
  readonly server: Http2Server;
  /** Open now. */
  readonly sessions: Set<ServerHttp2Session>;
  /** Opened ever. */
  readonly opened: () => number;
  close(): Promise<void>;
}

export function http2Backend(
  handler: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]) => void,
  options: http2.ServerOptions = {},
): Promise<Http2Backend> {
  const server = http2.createServer(options);
  const sessions = new Set<ServerHttp2Session>();
  let opened = 0;
  server.on('session', (session) => {
    opened++;
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: unknown) => {
    stream.on('error', () => {});
    handler(stream, headers, raw as readonly string[]);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        server,
        sessions,
        opened: () => opened,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const session of sessions) session.destroy();
          }),
      });
    });
  });
}

/** A backend that is a bare socket: it gets whole frames and says what it likes. */
export function frameBackend(
  handler: (peer: FramePeer, frame: Frame) => void,
  settings: readonly (readonly [number, number])[] = [],
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const peer = new FramePeer(socket, f.PREFACE.length, (frame) => handler(peer, frame));
    peer.send(f.settingsFrame(settings));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** One end of a connection, frame by frame. */
export class FramePeer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;
  #bytes: Buffer = Buffer.alloc(0);
  #skip: number;
  #waiting: (() => void)[] = [];
  readonly #onFrame: (frame: Frame) => void;

  constructor(socket: Socket, skip = 0, onFrame: (frame: Frame) => void = () => {}) {
    this.socket = socket;
    this.#skip = skip;
    this.#onFrame = onFrame;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Latin-1 text, one character a byte. */
  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves with the first frame that `test` holds for; rejects when the connection closes before. */
  async until(test: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(test);
      if (found !== undefined) return found;
      if (this.closed)
        throw new Error(`Connection closed after frames ${JSON.stringify(this.frames.map(describeFrame))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async untilClosed(): Promise<readonly Frame[]> {
    while (!this.closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.frames;
  }

  /** Error code of the GOAWAY that ended the connection; undefined without one. */
  get goaway(): number | undefined {
    return this.frames.findLast(({ type }) => type === f.GOAWAY)?.payload.readUInt32BE(4);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #onData(bytes: Buffer): void {
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(skipped)]);
    while (this.#bytes.length >= f.FRAME_HEAD) {
      const end = f.FRAME_HEAD + this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < end) break;
      const frame = {
        type: this.#bytes[3] as number,
        flags: this.#bytes[4] as number,
        id: this.#bytes.readUInt32BE(5),
        payload: this.#bytes.subarray(f.FRAME_HEAD, end),
      };
      this.#bytes = this.#bytes.subarray(end);
      this.frames.push(frame);
      this.#onFrame(frame);
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export function describeFrame({ type, flags, id, payload }: Frame): string {
  return `${type}/${flags}/${id}/${payload.toString('latin1').slice(0, 40)}`;
}

/** A client that has said its preface and its settings. */
export function frameClient(port: number, settings: readonly (readonly [number, number])[] = []): FramePeer {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  return new FramePeer(socket).send(f.PREFACE + f.settingsFrame(settings));
}

/** A header block of literals, in the given order. */
export function block(...fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => encodeField(name, value)).join('');
}

export const getFields: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', '/'],
];

/** HEADERS of a request without body. */
export function getFrame(id: number, ...more: readonly (readonly [string, string])[]): string {
  return f.headersFrames(id, block(...getFields, ...more), true);
}

/** HEADERS of a request whose body follows. */
export function postFrame(id: number, ...more: readonly (readonly [string, string])[]): string {
  return f.headersFrames(id, block([':method', 'POST'], ...getFields.slice(1), ...more), false);
}

export function dataFrame(id: number, payload: string, endStream: boolean): string {
  return f.frameHead(payload.length, f.DATA, endStream ? f.END_STREAM : 0, id) + payload;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  /** Statuses of interim responses. */
  readonly interim: readonly number[];
}

/** A client of Node.js's own. */
export class Http2Client {
  readonly session: ClientHttp2Session;

  constructor(origin: string, options: http2.SecureClientSessionOptions = {}) {
    this.session = http2.connect(origin, options);
    this.session.on('error', () => {});
  }

  request(headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Answer> {
    const stream = this.session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return answerOf(stream);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.session.destroyed) resolve();
      else {
        this.session.on('close', () => resolve());
        this.session.destroy();
      }
    });
  }
}

export function answerOf(stream: http2.ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders & { ':status'?: number } = {};
    let trailers: IncomingHttpHeaders = {};
    const interim: number[] = [];
    const parts: Buffer[] = [];
    stream.on('response', (got) => {
      headers = got;
    });
    stream.on('headers', (got: IncomingHttpHeaders & { ':status'?: number }) => interim.push(got[':status'] ?? 0));
    stream.on('trailers', (got) => {
      trailers = got;
    });
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', reject);
    stream.on('close', () => {
      if (headers[':status'] === undefined) reject(new Error(`Stream closed with code ${stream.rstCode}`));
      else
        resolve({
          status: headers[':status'],
          headers,
          body: Buffer.concat(parts).toString('latin1'),
          trailers,
          interim,
        });
    });
  });
}
