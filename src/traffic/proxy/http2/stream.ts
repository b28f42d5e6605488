// One stream of a session, whichever side opened it: what waits to be sent, windows, and how it ends.
// Knows nothing of requests and responses. Never buffers beyond what the peer's windows and ours allow in flight.

import { CANCEL, DATA, END_STREAM, frameHead, MAX_FRAME } from './frames.ts';
import { encodeLines } from './hpack/encode.ts';
import type { Http2Session } from './session.ts';

export abstract class Http2Stream {
  id = 0;
  /** Bytes the peer takes; the connection's window counts as well. May be negative (RFC 9113, 6.9.2). */
  sendWindow = 0;
  /** Bytes the peer may send. */
  receiveWindow = 0;
  /** This side has sent its last, or the peer has. */
  localEnded = false;
  remoteEnded = false;
  /** Neither side says anything more; the session has forgotten the stream. */
  closed = true;
  /** Header blocks that go ahead of everything else. */
  readonly #interim: string[] = [];
  /** Header block that has not been sent. */
  #block = '';
  /** Payload, in order: Latin-1 text or bytes; `#offset` of the first part is sent. */
  readonly #parts: (string | Buffer)[] = [];
  #offset = 0;
  #queued = 0;
  #ending = false;
  #trailers = '';
  /** Bytes dealt with that the peer has not been told of yet, as the stream's window and as the connection's. */
  #consumed = 0;
  #uncounted = 0;
  #paused = false;

  protected abstract readonly session: Http2Session;

  /** Payload has come. Memory that is not `owned` is reused as soon as the call returns. */
  abstract onData(bytes: Buffer, start: number, end: number, owned: boolean): void;
  /** The peer has sent its last: with DATA, or with trailers, which are header lines. */
  abstract onRemoteEnd(trailers: string): void;
  /** The peer gave the stream up. */
  abstract onReset(code: number): void;
  /** All that waited has been sent, or some of it. */
  abstract onSent(): void;
  abstract onProgress(): void;
  /** This side's last frame is out. */
  protected abstract onLocalEnd(): void;
  /** The session has forgotten the stream; the object may serve another one. */
  abstract onClosed(): void;

  /** The session has given the stream its number and windows. */
  protected reopen(): void {
    this.localEnded = false;
    this.remoteEnded = false;
    this.closed = false;
    this.#interim.length = 0;
    this.#block = '';
    this.#parts.length = 0;
    this.#offset = 0;
    this.#queued = 0;
    this.#ending = false;
    this.#trailers = '';
    this.#consumed = 0;
    this.#uncounted = 0;
    this.#paused = false;
  }

  /** Everything given so far is on its way to the socket, which takes more. */
  get free(): boolean {
    return this.#queued === 0 && this.#interim.length === 0 && this.#block === '' && !this.session.blocked;
  }

  /** Of what the stream has to say not even the head has left. */
  get unsaid(): boolean {
    return this.#block !== '';
  }

  /** Payload bytes that wait. */
  get queued(): number {
    return this.#queued;
  }

  protected queueInterim(block: string): void {
    this.#interim.push(block);
  }

  protected queueHead(block: string): void {
    this.#block = block;
  }

  /** Memory that is handed over must stay as it is. */
  protected queueData(part: string | Buffer): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#queued += part.length;
  }

  /** The end, with trailer lines or an empty text. */
  protected queueEnd(trailers: string): void {
    this.#ending = true;
    this.#trailers = trailers;
  }

  /** Takes back what was queued and has not been sent, but for interim responses. */
  protected unqueue(): void {
    this.#block = '';
    this.#parts.length = 0;
    this.#offset = 0;
    this.#queued = 0;
  }

  /** Sends what the windows and the socket take, at most about `limit` bytes; the session sees to the rest. */
  pump(limit = Number.POSITIVE_INFINITY): void {
    const session = this.session;
    if (this.closed) return;
    if (session.blocked) {
      session.wait(this);
      return;
    }
    if (this.#interim.length > 0) {
      for (const block of this.#interim) session.writeHead(this.id, block, false);
      this.#interim.length = 0;
    }
    if (this.#block !== '') {
      const last = this.#ending && this.#queued === 0 && this.#trailers === '';
      session.writeHead(this.id, this.#block, last);
      this.#block = '';
      if (last) {
        this.#end();
        return;
      }
    }
    if (this.#queued > 0) this.#sendData(limit);
    else if (this.#ending && !this.localEnded) this.#sendEnd();
    if (this.#queued > 0) session.wait(this);
  }

  /** Nothing more is taken in until `resumeReceiving`: the peer may send what its window allows and then has to stop. */
  protected pauseReceiving(): void {
    this.#paused = true;
  }

  protected resumeReceiving(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#credit();
  }

  /** Bytes of DATA have been dealt with, as far as this stream can. */
  consume(count: number): void {
    this.#consumed += count;
    this.#uncounted += count;
    if (!this.#paused) this.#credit();
  }

  /** Forgets what waits: the stream is over. Returns what the connection is still to be told of. */
  abandon(): number {
    const owed = this.#uncounted;
    this.#parts.length = 0;
    this.#queued = 0;
    this.#interim.length = 0;
    this.#block = '';
    this.#consumed = 0;
    this.#uncounted = 0;
    return owed;
  }

  #credit(): void {
    const session = this.session;
    if (this.#uncounted > 0) session.consumed(this.#uncounted);
    this.#uncounted = 0;
    if (this.remoteEnded || this.#consumed * 2 < session.streamWindow) return;
    this.receiveWindow += this.#consumed;
    session.openWindow(this.id, this.#consumed);
    this.#consumed = 0;
  }

  #sendData(limit: number): void {
    const session = this.session;
    let left = limit;
    while (this.#queued > 0 && left > 0 && !session.blocked) {
      const size = Math.min(this.#queued, this.sendWindow, session.sendWindow, MAX_FRAME);
      if (size <= 0) return;
      const last = size === this.#queued && this.#ending && this.#trailers === '';
      session.write(frameHead(size, DATA, last ? END_STREAM : 0, this.id));
      this.#take(size);
      this.sendWindow -= size;
      session.sendWindow -= size;
      left -= size;
      session.sentPayload();
      if (last) {
        this.#end();
        return;
      }
    }
    if (this.#queued === 0 && this.#ending && !this.localEnded) this.#sendEnd();
  }

  /** Moves the next `size` bytes to the session. */
  #take(size: number): void {
    const parts = this.#parts;
    this.#queued -= size;
    let left = size;
    let done = 0;
    while (left > 0) {
      const part = parts[done] as string | Buffer;
      const from = this.#offset;
      const to = Math.min(part.length, from + left);
      if (typeof part === 'string') this.session.write(from === 0 && to === part.length ? part : part.slice(from, to));
      else this.session.writeBytes(part, from, to);
      left -= to - from;
      if (to === part.length) {
        done++;
        this.#offset = 0;
      } else {
        this.#offset = to;
      }
    }
    if (done === parts.length) parts.length = 0;
    else if (done > 0) parts.splice(0, done);
  }

  #sendEnd(): void {
    if (this.#trailers === '') this.session.write(frameHead(0, DATA, END_STREAM, this.id));
    else this.session.writeHead(this.id, encodeLines(this.#trailers, 0, this.#trailers.length), true);
    this.#end();
  }

  #end(): void {
    this.localEnded = true;
    this.session.unwait(this);
    if (this.remoteEnded) this.session.close(this);
    else this.onLocalEnd();
  }

  /** Ends the stream at once. */
  reset(code = CANCEL): void {
    if (!this.closed) this.session.reset(this, code);
  }
}
