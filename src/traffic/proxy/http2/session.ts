// One HTTP/2 connection, on either side: its streams, both directions of flow control, and what a peer may not do.
// Knows nothing of requests; `server-session.ts` and `client-session.ts` know which side they are on.

import type { Socket } from 'node:net';
import { OutBuffer } from '../http1/out-buffer.ts';
import type { NextRead } from '../http1/read-memory.ts';
import type { Timed } from '../sweeper.ts';
import { CheckedFrames, type Fault } from './checked-frames.ts';
import { FloodGuard } from './flood-guard.ts';
import { type Flushable, flushLater } from './flush-queue.ts';
import { FrameReader } from './frame-reader.ts';
import * as f from './frames.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { Http2Stream } from './stream.ts';

/** Bytes gathered in one turn beyond which they are written at once, to learn whether the peer reads. */
const WRITE_AT = 256 * 1024;
/** Bytes a stream sends in a round of all that wait. */
const TURN = 64 * 1024;
/** Streams that this side reset, whose last frames may still be on their way, remembered one by one. */
const REMEMBERED = 256;

/** That this side uses no dynamic table: a peer that has made its own smaller waits to be told (RFC 7541, 4.2). */
const NO_TABLE = '\x20';

export abstract class Http2Session extends CheckedFrames implements Flushable, Timed {
  readonly socket: Socket;
  /** The socket takes no more for now. */
  blocked = false;
  /** Bytes the peer takes on the whole connection. */
  sendWindow = f.DEFAULT_WINDOW;
  /** Window of a stream for what the peer sends. */
  abstract readonly streamWindow: number;
  protected readonly streams = new Map<number, Http2Stream>();
  protected readonly reader = new FrameReader(this);
  protected readonly decoder = new HpackDecoder();
  /** What makes this side work for nothing: streams that are reset, by the peer or because of it. */
  protected readonly resets = new FloodGuard(200, 50);
  /** Frames that want an answer or a look and carry nothing. */
  protected readonly control = new FloodGuard(1000, 100);
  /** The highest stream of the peer's that was looked at. */
  protected lastId = 0;
  /** Nothing more is read; the connection ends. */
  protected ended = false;
  readonly #out = new OutBuffer();
  #outBytes = 0;
  #queued = false;
  readonly #waiting = new Set<Http2Stream>();
  readonly #forgotten = new Set<number>();
  /** Streams up to this number may have been reset by this side so long ago that nobody remembers. */
  #blurred = 0;
  /** Goes ahead of the next header block. */
  #blockStart = '';
  readonly #window = new ReceiveWindow();
  /** The stream of the DATA frame under way; undefined when it is dropped. */
  #data: Http2Stream | undefined;
  /** Of its length, what no stream has counted. */
  #dataLeft = 0;
  #owned = false;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.on('drain', () => this.#onDrain());
  }

  protected abstract now(): number;
  /** The connection's window opens as DATA comes, not as it is dealt with: one slow reader must not stop the others. */
  protected abstract readonly shared: boolean;
  protected abstract onSettings(): void;
  /** The peer has read what was written, and the socket takes more. */
  protected abstract onDrained(): void;
  /** `whole` tells that both sides said all they had to say. */
  protected abstract onStreamClosed(whole: boolean): void;
  protected abstract onPeerReset(): void;
  /** The peer broke the rules: GOAWAY is written and the connection ends; streams are still there. */
  protected abstract onFault(fault: Fault): void;
  abstract onTick(now: number): void;

  /** Takes `bytes[from, length)` off the wire. */
  protected take(bytes: Buffer, from: number, length: number, owned: boolean): void {
    this.#owned = owned;
    this.reader.read(bytes, from, length);
  }

  /** What is to become of the memory of a read: of bytes that are `owned` somebody may still need some. */
  protected nextRead(owned: boolean): NextRead {
    if (this.streams.size === 0) return 'short';
    return owned ? 'kept' : 'long';
  }

  /** Announces what this side takes; the first thing written. */
  protected greet(preface: string, window: number, settings: readonly (readonly [number, number])[]): void {
    this.write(preface + f.settingsFrame([...settings, [f.SETTINGS_INITIAL_WINDOW_SIZE, this.streamWindow]]));
    this.openWindow(0, this.#window.widen(window));
  }

  /** Blocks leave in the order of these calls: HPACK reads them in no other. */
  writeHead(id: number, block: string, endStream: boolean): void {
    this.write(f.headersFrames(id, this.#blockStart + block, endStream));
    this.#blockStart = '';
  }

  write(frames: string): void {
    this.#out.text += frames;
    this.#wrote(frames.length);
  }

  /** Payload; the memory must stay as it is. */
  writeBytes(bytes: Buffer, start: number, end: number): void {
    this.#out.addBytes(bytes, start, end, false, true);
    this.#wrote(end - start);
  }

  flushNow(): void {
    this.#queued = false;
    this.#outBytes = 0;
    if (this.socket.destroyed) this.#out.clear();
    else if (!this.#out.flush(this.socket)) this.blocked = true;
  }

  openWindow(id: number, increment: number): void {
    if (increment > 0) this.write(f.windowFrame(id, increment));
  }

  /** Bytes have been dealt with, so that the peer may send as many on the connection. */
  consumed(count: number): void {
    if (!this.shared) this.openWindow(0, this.#window.consume(count));
  }

  /** Work was done for the peer, that it may well acknowledge. */
  sentPayload(): void {
    this.control.earn(2);
  }

  /** `pump` is called again when the windows or the socket allow. */
  wait(stream: Http2Stream): void {
    this.#waiting.add(stream);
  }

  unwait(stream: Http2Stream): void {
    this.#waiting.delete(stream);
  }

  protected add(stream: Http2Stream, id: number): void {
    stream.id = id;
    stream.sendWindow = this.peer.initialWindow;
    stream.receiveWindow = this.streamWindow;
    this.streams.set(id, stream);
  }

  /** Both sides have said all. */
  close(stream: Http2Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    this.#waiting.delete(stream);
    if (this.#data === stream) this.#data = undefined;
    const owed = stream.abandon();
    if (owed > 0) this.consumed(owed);
    stream.onClosed();
    this.onStreamClosed(stream.localEnded && stream.remoteEnded);
  }

  reset(stream: Http2Stream, code: number): void {
    this.write(f.resetFrame(stream.id, code));
    if (!stream.remoteEnded) this.forget(stream.id);
    this.close(stream);
  }

  /** Frames of this stream that still come are dropped. */
  protected forget(id: number): void {
    this.#forgotten.add(id);
    if (this.#forgotten.size <= REMEMBERED) return;
    const oldest = this.#forgotten.values().next().value as number;
    this.#forgotten.delete(oldest);
    this.#blurred = Math.max(this.#blurred, oldest);
  }

  /** This side reset the stream a while ago, or may have: late frames are no reason to end all other streams. */
  protected isForgotten(id: number): boolean {
    return this.#forgotten.has(id) || (id <= this.#blurred && !this.isIdle(id));
  }

  protected fault(code: number, fault: Fault = 'protocol'): void {
    if (this.ended) return;
    this.ended = true;
    this.reader.stop();
    this.write(f.goawayFrame(this.lastId, code));
    this.onFault(fault);
  }

  /** Resets a stream for what the peer did; too many of these end the connection. */
  protected punish(stream: Http2Stream, code: number): void {
    stream.onReset(code);
    this.reset(stream, code);
    this.spendReset();
  }

  protected spendReset(): void {
    if (!this.resets.spend(this.now())) this.fault(f.ENHANCE_YOUR_CALM, 'reset_flood');
  }

  protected spendControl(): boolean {
    if (this.control.spend(this.now())) return true;
    this.fault(f.ENHANCE_YOUR_CALM, 'control_flood');
    return false;
  }

  dataBegin(id: number, flags: number, length: number): boolean {
    this.#data = undefined;
    this.#dataLeft = length;
    const error = this.#admit(id, flags, length);
    if (error !== f.NO_ERROR) this.fault(error);
    return !this.ended;
  }

  #admit(id: number, flags: number, length: number): number {
    if (id === 0 || this.block.id !== 0 || !this.peer.known || this.isIdle(id)) return f.PROTOCOL_ERROR;
    if (!this.#window.receive(length)) return f.FLOW_CONTROL_ERROR;
    if (this.shared) this.openWindow(0, this.#window.consume(length));
    if (length === 0 && (flags & f.END_STREAM) === 0 && !this.spendControl()) return f.NO_ERROR;
    // Who does not read what it gets has earned nothing.
    if (length > 0 && !this.blocked) this.control.earn(2);
    const stream = this.streams.get(id);
    if (stream === undefined) return this.isForgotten(id) ? f.NO_ERROR : f.STREAM_CLOSED;
    if (stream.remoteEnded) return f.STREAM_CLOSED;
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) this.punish(stream, f.FLOW_CONTROL_ERROR);
    else this.#data = stream;
    return f.NO_ERROR;
  }

  dataBytes(_id: number, bytes: Buffer, start: number, end: number): void {
    const stream = this.#data;
    if (stream === undefined) return;
    this.#dataLeft -= end - start;
    stream.onData(bytes, start, end, this.#owned);
    // What is not the stream's any more is the connection's alone.
    if (this.#data === stream) stream.consume(end - start);
    else this.consumed(end - start);
  }

  dataEnd(_id: number, flags: number): void {
    const stream = this.#data;
    const left = this.#dataLeft;
    this.#data = undefined;
    if (stream === undefined) {
      this.consumed(left);
      return;
    }
    // Padding.
    if (left > 0) stream.consume(left);
    if ((flags & f.END_STREAM) !== 0) this.endRemote(stream, '');
  }

  /** The peer has sent its last on the stream. */
  protected endRemote(stream: Http2Stream, trailers: string): void {
    stream.remoteEnded = true;
    stream.onRemoteEnd(trailers);
    if (stream.localEnded) this.close(stream);
  }

  protected onResetFrame(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    this.onPeerReset();
    stream.onReset(code);
    this.close(stream);
    this.spendReset();
  }

  protected onWindow(id: number, increment: number): void {
    if (id === 0) {
      this.sendWindow += increment;
      if (increment === 0) this.fault(f.PROTOCOL_ERROR);
      else if (this.sendWindow > f.MAX_WINDOW) this.fault(f.FLOW_CONTROL_ERROR);
      else this.#pumpAll();
      return;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (increment === 0) this.punish(stream, f.PROTOCOL_ERROR);
    else if (stream.sendWindow > f.MAX_WINDOW) this.punish(stream, f.FLOW_CONTROL_ERROR);
    else if (this.#waiting.has(stream)) this.#pumpOne(stream, Number.POSITIVE_INFINITY);
  }

  protected onSettingsFrame(delta: number): void {
    for (const stream of this.streams.values()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > f.MAX_WINDOW) {
        this.fault(f.FLOW_CONTROL_ERROR);
        return;
      }
    }
    this.write(f.settingsAck);
    if (this.peer.takeShrunkTable()) this.#blockStart = NO_TABLE;
    this.onSettings();
    if (delta > 0) this.#pumpAll();
  }

  protected onPing(payload: string): void {
    this.write(f.pingFrame(payload, true));
  }

  #wrote(count: number): void {
    this.#outBytes += count;
    if (this.#outBytes > WRITE_AT && !this.blocked) this.flushNow();
    else if (!this.#queued) {
      this.#queued = true;
      flushLater(this);
    }
  }

  #onDrain(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.onDrained();
    this.#pumpAll();
  }

  /** Streams that wait send in turn, as long as windows and socket allow: who has more to send queues up again. */
  #pumpAll(): void {
    for (const stream of this.#waiting) {
      if (this.blocked) return;
      this.#pumpOne(stream, TURN);
    }
  }

  #pumpOne(stream: Http2Stream, limit: number): void {
    const before = stream.queued;
    stream.pump(limit);
    if (stream.closed) return;
    if (stream.free) {
      this.#waiting.delete(stream);
      stream.onSent();
      return;
    }
    if (stream.queued === before) return;
    // To the end of the queue: were the socket full now, the next round would begin with this stream again.
    this.#waiting.delete(stream);
    this.#waiting.add(stream);
    stream.onProgress();
  }
}
