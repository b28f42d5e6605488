// An HTTP/2 connection to a backend: opens streams, learns how many it may, and dies in order.
// Knows nothing of who the streams are for.

import { isOwned, type NextRead, nextMemory, sharedMemory } from '../http1/read-memory.ts';
import { dial, dialFailure } from '../upstream/dial.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import type { Http2Upstream } from './client-stream.ts';
import { FloodGuard } from './flood-guard.ts';
import * as f from './frames.ts';
import { ResponseFields } from './response-fields.ts';
import { Http2Session } from './session.ts';
import type { Http2Pool } from './session-pool.ts';
import type { Http2Stream } from './stream.ts';
import { TrailerFields } from './trailer-fields.ts';

/** One slow client keeps at most this much of its response waiting here. */
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 16 * 1024 * 1024;
/** Streams on a session whose backend has not yet said how many it takes. */
const UNTOLD_STREAMS = 100;
/** Stream numbers are not used again: a session this old makes room for a new one. */
const LAST_ID = 2 ** 30;

export class ClientSession extends Http2Session {
  readonly pool: Http2Pool;
  readonly streamWindow = STREAM_WINDOW;
  connected = false;
  /** It has carried a response. */
  served = false;
  /** Monotonic milliseconds since when it has no stream. */
  idleSince: number;
  protected readonly shared = true;
  protected readonly blockLimit: number;
  /** A backend has no use in harming the proxy that serves it: only the absurd is refused. */
  protected override readonly resets = new FloodGuard(10_000, 10_000);
  protected override readonly control = new FloodGuard(10_000, 10_000);
  /**
   * What the backend is thought to bear of resets: nghttp2, and with it Node.js, ends a session after 1000 at once and
   * 33 a second. Half of it, because streams that are still open may have to be reset as well.
   */
  readonly #patience = new FloodGuard(500, 30);
  readonly #fields = new ResponseFields();
  readonly #trailers: TrailerFields;
  #nextId = 1;
  /** No new streams: the backend said so, or the endpoint is gone. */
  #leaving = false;
  /** Streams beyond this number were not looked at. */
  #accepted = f.MAX_STREAM_ID;
  /** The stream whose handler has not yet been told that this is all for now. */
  #touched: Http2Upstream | undefined;
  readonly #unsettled = new Set<Http2Upstream>();
  #lastRead = 0;
  /** When an answer to the ping is due; 0 when none is under way. */
  #pingDeadline = 0;
  #closed = false;

  constructor(pool: Http2Pool, now: number) {
    const session: { current?: ClientSession } = {};
    let next: Buffer | undefined = sharedMemory;
    const memory = (): Buffer | undefined => {
      const changed = next;
      next = undefined;
      return changed;
    };
    const onBytes = (bytes: Buffer, count: number): void => {
      next = nextMemory(bytes, count, session.current?.receive(bytes, count) ?? 'short');
    };
    super(dial(pool, () => session.current?.onReady(), { memory, onBytes }));
    session.current = this;
    const { socket } = this;
    this.pool = pool;
    this.blockLimit = pool.limits.head * 2;
    this.#trailers = new TrailerFields(pool.limits);
    this.idleSince = now;
    socket.setKeepAlive(true, 30_000);
    socket.on('end', () => socket.destroy());
    // The reason is in the state: not connected, or closed too early. `close` follows and tells the streams.
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
    pool.opened();
    this.greet(f.PREFACE, CONNECTION_WINDOW, [
      [f.SETTINGS_ENABLE_PUSH, 0],
      [f.SETTINGS_MAX_HEADER_LIST_SIZE, pool.limits.head],
    ]);
  }

  get busy(): number {
    return this.streams.size + this.#unsettled.size;
  }

  /** Another stream may be opened. */
  get hasRoom(): boolean {
    if (this.#leaving || this.ended || this.#nextId > LAST_ID) return false;
    const most = this.peer.known ? this.peer.maxStreams : Math.min(UNTOLD_STREAMS, this.peer.maxStreams);
    return this.busy < most;
  }

  /** Serves no more; without streams it never will. */
  get leaving(): boolean {
    return this.#leaving || this.ended;
  }

  get servesConnect(): boolean {
    return this.peer.connectProtocol;
  }

  /** Gives the stream its number. */
  open(stream: Http2Upstream): void {
    this.#unsettled.delete(stream);
    this.add(stream, this.#nextId);
    this.#nextId += 2;
    // A session that has been silent may be dead without anyone having said so: a ping tells before the client's
    // patience does. Backends mind pings without requests, not pings with them.
    const now = this.now();
    if (this.connected && now - this.#lastRead > this.pool.settings.silence && this.#pingDeadline === 0) {
      this.#pingDeadline = now + this.pool.settings.pingTimeout;
      this.write(f.pingFrame('evenkeel', false));
    }
  }

  /** Calls `onSettled` once the backend's settings are known. */
  whenSettled(stream: Http2Upstream): void {
    this.#unsettled.add(stream);
    if (this.peer.known) setImmediate(() => this.#settle());
  }

  unsettle(stream: Http2Upstream): void {
    this.#unsettled.delete(stream);
  }

  /**
   * The handler of `stream` is told something: whoever was told something before it sends that on first, because all
   * of them gather in one place what goes out.
   */
  touched(stream: Http2Upstream): void {
    const before = this.#touched;
    if (before === stream) return;
    this.#touched = stream;
    before?.onReadEnd();
  }

  onReady(): void {
    this.connected = true;
    this.#lastRead = this.now();
    for (const stream of this.streams.values()) (stream as Http2Upstream).onConnected();
    for (const stream of this.#unsettled) stream.onConnected();
  }

  receive(bytes: Buffer, count: number): NextRead {
    if (this.ended) return 'short';
    const owned = isOwned(bytes, count);
    this.#lastRead = this.now();
    this.#pingDeadline = 0;
    this.take(bytes, 0, count, owned);
    const last = this.#touched;
    this.#touched = undefined;
    last?.onReadEnd();
    return this.nextRead(owned);
  }

  /** What came on the stream is no response. */
  broken(stream: Http2Upstream): void {
    stream.refuse();
    this.spendReset();
  }

  /** Opens no more streams; closes when the last one is done. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.pool.forget(this);
    this.#closeWhenDone();
  }

  override reset(stream: Http2Stream, code: number): void {
    // Of a stream whose head has not left the backend knows nothing, and a reset of it would end the connection.
    if (stream.unsaid) this.close(stream);
    else {
      super.reset(stream, code);
      // Clients that change their minds a lot must not cost others their streams.
      if (!this.#patience.spend(this.now())) this.leave();
    }
  }

  onTick(now: number): void {
    if (this.#pingDeadline !== 0 && now >= this.#pingDeadline) this.socket.destroy();
  }

  protected now(): number {
    return this.pool.now();
  }

  protected isIdle(id: number): boolean {
    return id % 2 === 0 || id >= this.#nextId;
  }

  protected onHeaders(id: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    const stream = this.streams.get(id) as Http2Upstream | undefined;
    if (stream === undefined || !stream.awaitsHead) {
      this.#onTrailers(id, stream, endStream, bytes, start, end);
      return;
    }
    const fields = this.#fields;
    fields.begin(stream.head, this.pool.limits);
    if (!this.decoder.decode(bytes, start, end, fields)) this.fault(f.COMPRESSION_ERROR);
    else if (!fields.finish(endStream, stream.headRequest) || !stream.onHead(endStream, fields.grpc))
      this.broken(stream);
    else if (endStream && !stream.closed) this.endRemote(stream, '');
  }

  #onTrailers(
    id: number,
    stream: Http2Upstream | undefined,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const trailers = this.#trailers;
    trailers.begin();
    if (!this.decoder.decode(bytes, start, end, trailers)) this.fault(f.COMPRESSION_ERROR);
    else if (stream === undefined) {
      if (!this.isForgotten(id)) this.fault(this.isIdle(id) ? f.PROTOCOL_ERROR : f.STREAM_CLOSED);
    } else if (stream.remoteEnded || !endStream || trailers.broken) this.broken(stream);
    else this.endRemote(stream, trailers.text);
  }

  protected onSettings(): void {
    this.#settle();
  }

  protected onPingAck(): void {
    // That something was read is all that counts.
  }

  protected onGoaway(lastId: number): void {
    if (lastId > this.#accepted) {
      this.fault(f.PROTOCOL_ERROR);
      return;
    }
    this.#accepted = lastId;
    this.leave();
    for (const stream of [...this.streams.values()]) {
      if (stream.id <= lastId) continue;
      this.forget(stream.id);
      (stream as Http2Upstream).lost(failures.refusedStream);
    }
    for (const stream of [...this.#unsettled]) stream.lost(failures.refusedStream);
  }

  protected onStreamClosed(): void {
    this.idleSince = this.now();
    // One that a request opened after its endpoint had left is nobody's to sweep.
    if (this.pool.retired) this.leave();
    this.#closeWhenDone();
    this.pool.transport.guard?.wake();
  }

  protected onDrained(): void {
    // The time-outs of the exchanges are what counts.
  }

  protected onPeerReset(): void {
    // Counted as the outcome of the try.
  }

  protected onFault(): void {
    this.#leaving = true;
    this.pool.forget(this);
    this.#loseAll(failures.protocol);
    this.#hangUp();
  }

  #settle(): void {
    for (const stream of [...this.#unsettled]) {
      this.#unsettled.delete(stream);
      stream.onSettled();
    }
  }

  #closeWhenDone(): void {
    if (!this.#leaving || this.busy > 0 || this.ended) return;
    this.ended = true;
    this.reader.stop();
    this.write(f.goawayFrame(0, f.NO_ERROR));
    this.#hangUp();
  }

  /** No time-out looks after the connection any more: a backend that does not read gets no last word. */
  #hangUp(): void {
    this.flushNow();
    if (this.blocked) this.socket.destroy();
    else this.socket.destroySoon();
  }

  #loseAll(failure: Failure): void {
    for (const stream of [...this.streams.values()] as Http2Upstream[]) {
      stream.lost(failure);
      this.close(stream);
    }
    for (const stream of [...this.#unsettled]) stream.lost(failure);
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.ended = true;
    this.reader.stop();
    this.pool.forget(this);
    this.pool.closed();
    this.#loseAll(this.connected ? failures.closed : dialFailure(this.socket));
  }
}
