// A client's HTTP/2 connection: opens streams for its requests, within limits, and says good-bye in order.
// Knows nothing of routes and backends; each request is an exchange of its own.

import type { Socket } from 'node:net';
import type { AcceptedClient, ClientProtocol } from '../http/client-connection.ts';
import type { HttpContext } from '../http/context.ts';
import type { NextRead } from '../http1/read-memory.ts';
import type { Fault } from './checked-frames.ts';
import * as f from './frames.ts';
import { malformed, RequestFields } from './request-fields.ts';
import { ServerStream } from './server-stream.ts';
import { Http2Session } from './session.ts';
import type { Http2Stream } from './stream.ts';
import { TrailerFields } from './trailer-fields.ts';

/** What a connection's streams may hold unread in all; a backend that does not read stops the uploads of one client. */
const CONNECTION_WINDOW = 1024 * 1024;
const STREAM_WINDOW = 256 * 1024;
/** What the ping behind a first GOAWAY says. */
const DRAIN_PING = 'drained!';

export class ServerSession extends Http2Session implements ClientProtocol {
  readonly context: HttpContext;
  readonly client: AcceptedClient;
  readonly streamWindow = STREAM_WINDOW;
  protected readonly shared = false;
  protected readonly blockLimit: number;
  readonly #fields = new RequestFields();
  readonly #trailers: TrailerFields;
  readonly #free: ServerStream[] = [];
  /** The stream whose request waits for the DATA behind its head. */
  #undispatched: ServerStream | undefined;
  #prefaceAt = 0;
  /** `announced`: the client was asked to open no more streams; `final`: those that come are dropped. */
  #draining: 'no' | 'announced' | 'final' = 'no';
  /** Monotonic milliseconds: of the first bytes, of a header block, of idling, or of closing. */
  #deadline: number;
  #sendDeadline = 0;
  #drainDeadline = 0;
  #waitsFor: 'preface' | 'block' | 'request' | 'streams' | 'close' = 'preface';
  /** Which frame, or block, it was that had not come whole. */
  #partial = 0;

  constructor(context: HttpContext, socket: Socket, client: AcceptedClient) {
    super(socket);
    this.context = context;
    this.client = client;
    this.blockLimit = context.limits.head * 2;
    this.#trailers = new TrailerFields(context.limits);
    this.#deadline = context.now() + context.limits.headTimeout;
    context.stats.sessionOpened(client.listener);
    context.sweeper.add(this);
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => this.#onClose());
    this.greet('', CONNECTION_WINDOW, [
      [f.SETTINGS_MAX_CONCURRENT_STREAMS, context.limits.streams],
      [f.SETTINGS_MAX_HEADER_LIST_SIZE, context.limits.head],
      [f.SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
    ]);
  }

  receive(bytes: Buffer, length: number, owned: boolean): NextRead {
    if (this.ended) return 'short';
    let from = 0;
    while (this.#prefaceAt < f.PREFACE.length && from < length) {
      if (bytes[from++] !== f.PREFACE.charCodeAt(this.#prefaceAt++)) {
        this.fault(f.PROTOCOL_ERROR);
        return 'short';
      }
    }
    if (from < length) this.take(bytes, from, length, owned);
    this.#dispatchPending();
    this.#watch();
    return this.nextRead(owned);
  }

  /** Asks for no more streams; those under way, and those that cross on the wire, are served. */
  drain(): void {
    if (this.ended || this.#draining !== 'no') return;
    this.#draining = 'announced';
    this.#drainDeadline = this.context.now() + this.context.limits.linger;
    this.write(f.goawayFrame(f.MAX_STREAM_ID, f.NO_ERROR) + f.pingFrame(DRAIN_PING, false));
    // Before the first request nothing can cross.
    if (!this.peer.known) this.#finishDrain();
  }

  onTick(now: number): void {
    if (this.#sendDeadline !== 0 && now >= this.#sendDeadline) {
      this.socket.destroy();
      return;
    }
    if (this.blocked && this.#sendDeadline === 0) this.#sendDeadline = now + this.context.limits.sendTimeout;
    else if (!this.blocked) this.#sendDeadline = 0;
    if (this.#drainDeadline !== 0 && now >= this.#drainDeadline) this.#finishDrain();
    if (this.#deadline !== 0 && now >= this.#deadline) this.#onDeadline();
    // Who idles keeps one stream for the next request, not as many as it ever had.
    if (this.streams.size === 0 && this.#free.length > 1) this.#free.length = 1;
    for (const stream of this.streams.values()) (stream as ServerStream).onTick(now);
  }

  /** The request on `stream` is not what its head said; nothing of it may reach a backend as whole. */
  malformed(stream: ServerStream): void {
    this.context.stats.rejected(this.client.listener, malformed.status);
    this.punish(stream, f.PROTOCOL_ERROR);
  }

  recycle(stream: ServerStream): void {
    if (this.#undispatched === stream) this.#undispatched = undefined;
    this.#free.push(stream);
  }

  override reset(stream: Http2Stream, code: number): void {
    if (code !== f.NO_ERROR) this.context.stats.streamReset(this.client.listener, 'proxy');
    super.reset(stream, code);
  }

  protected onPeerReset(): void {
    this.context.stats.streamReset(this.client.listener, 'client');
  }

  protected now(): number {
    return this.context.now();
  }

  protected isIdle(id: number): boolean {
    return id > this.lastId || id % 2 === 0;
  }

  protected onHeaders(id: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.#dispatchPending();
    if (id % 2 === 0) this.fault(f.PROTOCOL_ERROR);
    else if (id <= this.lastId) this.#onTrailers(id, endStream, bytes, start, end);
    else this.#onRequest(id, endStream, bytes, start, end);
  }

  #onRequest(id: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    this.lastId = id;
    const stream = this.#free.pop() ?? new ServerStream(this);
    const fields = this.#fields;
    fields.begin(stream.head, this.context.limits);
    if (!this.decoder.decode(bytes, start, end, fields)) {
      this.fault(f.COMPRESSION_ERROR);
      return;
    }
    if (this.#draining === 'final' || this.streams.size >= this.context.limits.streams) {
      this.#free.push(stream);
      if (!endStream) this.forget(id);
      this.write(f.resetFrame(id, f.REFUSED_STREAM));
      if (this.#draining !== 'final') this.spendReset();
      return;
    }
    if (!this.blocked) this.control.earn(4);
    stream.begin(endStream, fields.grpc);
    this.add(stream, id);
    const refusal = fields.finish(endStream);
    if (refusal === malformed) this.malformed(stream);
    else if (refusal !== undefined) {
      this.context.stats.rejected(this.client.listener, refusal.status);
      stream.refuse(refusal);
    } else if (stream.start(this.client.misdirected?.(stream.head.host) ?? false)) this.#undispatched = stream;
  }

  protected onSettings(): void {
    // Whatever the client's windows allow is sent by the session.
  }

  protected onPingAck(payload: string): void {
    if (this.#draining === 'announced' && payload === DRAIN_PING) this.#finishDrain();
  }

  /** The client will open no more streams; it gets its answers. */
  protected onGoaway(): void {
    if (this.#draining === 'no') this.#draining = 'announced';
    this.#finishDrain();
  }

  /** A slow reader is not one that does not read. */
  protected onDrained(): void {
    this.#sendDeadline = 0;
  }

  protected onStreamClosed(whole: boolean): void {
    // Who asks in earnest may change its mind as often as it does not.
    if (whole) this.resets.earn(1);
    this.#closeWhenDone();
  }

  protected onFault(fault: Fault): void {
    this.context.stats.sessionFault(this.client.listener, fault);
    this.#close();
  }

  override dataBegin(id: number, flags: number, length: number): boolean {
    if (this.#undispatched !== undefined && this.#undispatched.id !== id) this.#dispatchPending();
    return super.dataBegin(id, flags, length);
  }

  override dataEnd(id: number, flags: number): void {
    super.dataEnd(id, flags);
    this.#dispatchPending();
  }

  #dispatchPending(): void {
    const stream = this.#undispatched;
    if (stream === undefined) return;
    this.#undispatched = undefined;
    stream.dispatch();
  }

  #onTrailers(id: number, endStream: boolean, bytes: Buffer, start: number, end: number): void {
    const trailers = this.#trailers;
    trailers.begin();
    const read = this.decoder.decode(bytes, start, end, trailers);
    const stream: Http2Stream | undefined = this.streams.get(id);
    if (!read) this.fault(f.COMPRESSION_ERROR);
    else if (stream === undefined || stream.remoteEnded) {
      if (stream !== undefined || !this.isForgotten(id)) this.fault(f.STREAM_CLOSED);
    } else if (!endStream || trailers.broken) this.malformed(stream as ServerStream);
    else this.endRemote(stream, trailers.text);
  }

  /** Sets the time-out that fits what is being waited for now. */
  #watch(): void {
    if (this.ended) return;
    const { limits } = this.context;
    const waitsFor =
      this.block.id !== 0 || !this.reader.idle
        ? 'block'
        : !this.peer.known
          ? 'preface'
          : this.streams.size > 0
            ? 'streams'
            : 'request';
    // A frame, or block, in pieces has to be whole in time from its first byte on; payload of DATA has another time-out.
    const partial = this.block.id !== 0 ? -this.block.id : this.reader.count;
    if (waitsFor === this.#waitsFor && (waitsFor === 'block' ? partial === this.#partial : waitsFor !== 'request'))
      return;
    this.#partial = partial;
    this.#waitsFor = waitsFor;
    if (waitsFor === 'streams') this.#deadline = 0;
    else this.#deadline = this.context.now() + (waitsFor === 'request' ? limits.idleTimeout : limits.headTimeout);
  }

  #onDeadline(): void {
    this.#deadline = 0;
    if (this.#waitsFor === 'close') this.socket.destroy();
    else if (this.#waitsFor === 'block' || this.#waitsFor === 'preface') {
      this.context.stats.rejected(this.client.listener, 408);
      this.fault(f.PROTOCOL_ERROR);
    } else if (this.streams.size === 0) this.drain();
  }

  #finishDrain(): void {
    this.#drainDeadline = 0;
    if (this.#draining === 'final' || this.ended) return;
    this.#draining = 'final';
    this.write(f.goawayFrame(this.lastId, f.NO_ERROR));
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.streams.size > 0 || this.ended) return;
    if (this.#draining === 'final') {
      this.ended = true;
      this.reader.stop();
      this.#close();
    } else this.#watch();
  }

  /** Sends what is left, then closes; input is swallowed for a while, else a reset could overtake it. */
  #close(): void {
    const { limits } = this.context;
    for (const stream of [...this.streams.values()]) {
      stream.onReset(f.CANCEL);
      this.close(stream);
    }
    this.flushNow();
    this.#waitsFor = 'close';
    this.#deadline = this.context.now() + limits.sendTimeout;
    this.socket.end(() => {
      this.#deadline = this.context.now() + limits.linger;
    });
    this.socket.resume();
  }

  #onEnd(): void {
    // Half a connection is no connection: streams cannot be answered to whoever has left.
    if (this.ended || this.streams.size === 0) this.socket.destroySoon();
    else this.#close();
    this.ended = true;
  }

  #onClose(): void {
    this.ended = true;
    this.context.sweeper.remove(this);
    this.context.stats.sessionClosed(this.client.listener);
    for (const stream of [...this.streams.values()]) {
      stream.onReset(f.CANCEL);
      this.close(stream);
    }
  }
}
