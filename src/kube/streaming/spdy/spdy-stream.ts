// One stream of a SPDY session as a Duplex: half close is its FIN, an early end its RST_STREAM.
// Knows its session only as the place where bytes go.
import { Duplex } from 'node:stream';
import type { Headers } from './header-block.ts';
import type { SendWindow } from './send-window.ts';

/** What a stream asks of its session. */
export interface StreamHost {
  /** Resolves when more may be sent. */
  sendData(stream: SpdyStream, data: Buffer): Promise<void>;
  sendFin(stream: SpdyStream): void;
  sendReset(stream: SpdyStream): void;
  consumed(stream: SpdyStream, bytes: number): void;
  gone(stream: SpdyStream): void;
}

/** What may wait for a slow reader, in bytes, before the whole session waits for it: most peers know no windows. */
const MAX_UNREAD = 128 * 1024;

export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly window: SendWindow;
  readonly #host: StreamHost;
  #drained: (() => void) | undefined;
  #unacknowledged = 0;
  #finReceived = false;
  #finSent = false;
  #wasReset = false;

  constructor(id: number, headers: Headers, window: SendWindow, host: StreamHost) {
    super({ allowHalfOpen: true, emitClose: true, readableHighWaterMark: MAX_UNREAD });
    this.id = id;
    this.headers = headers;
    this.window = window;
    this.#host = host;
  }

  /** Takes data from the wire; resolves when the reader has room for more. */
  async receive(data: Buffer): Promise<void> {
    if (this.destroyed || this.#finReceived) return;
    this.#unacknowledged += data.length;
    if (this.push(data)) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  receiveFin(): void {
    if (this.#finReceived) return;
    this.#finReceived = true;
    if (!this.destroyed) this.push(null);
  }

  /** The peer gave the stream up. */
  receiveReset(): void {
    this.#wasReset = true;
    this.destroy();
  }

  get finReceived(): boolean {
    return this.#finReceived;
  }

  override _read(): void {
    if (this.#unacknowledged > 0) this.#host.consumed(this, this.#unacknowledged);
    this.#unacknowledged = 0;
    this.#resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#host.sendData(this, chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finSent = true;
    this.#host.sendFin(this);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#wasReset && !(this.#finSent && this.#finReceived)) this.#host.sendReset(this);
    this.#host.gone(this);
    this.#resume();
    this.window.release();
    done(error);
  }

  #resume(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }
}
