// A SPDY/3.1 session over any Duplex: streams of both sides, flow control, limits, and one clean end.
// Knows frames and streams; what the streams are for is the caller's matter.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { SpdyError } from './error.ts';
import {
  type ControlFrame,
  controlFrame,
  type DataPiece,
  dataHead,
  FLAG_FIN,
  FLAG_UNIDIRECTIONAL,
  FrameReader,
  goAwayStatus,
  rstStatus,
  types,
  words,
} from './frames.ts';
import { HeaderReader, type Headers, HeaderWriter } from './header-block.ts';
import { SendWindow, WindowPolicy } from './send-window.ts';
import { SpdyStream, type StreamHost } from './spdy-stream.ts';

/** Most bytes of a data frame of ours, so that streams take turns. */
const MAX_DATA = 32 * 1024;
/** Most streams that the peer may have open at a time. */
const MAX_STREAMS = 1_024;
/** Most bytes of our answers (pings, resets, updates) that may wait for a peer which sends and never reads. */
const MAX_ANSWERS = 256 * 1024;
/** A peer that counts is told of what was read after so many bytes: half of what it may send unasked. */
const UPDATE_BYTES = 32 * 1024;
/** SETTINGS entry that changes the windows of all streams. */
const INITIAL_WINDOW_SIZE = 7;

export interface SessionOptions {
  readonly role: 'server' | 'client';
  /** A stream of the peer; a text refuses it. */
  readonly onStream?: (stream: SpdyStream) => string | undefined;
  readonly maxStreams?: number;
}

export class SpdySession implements StreamHost {
  readonly #transport: Duplex;
  readonly #options: SessionOptions;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #headerReader = new HeaderReader();
  readonly #headerWriter = new HeaderWriter();
  readonly #policy = new WindowPolicy();
  /** What may be sent on all streams together. */
  readonly #window = new SendWindow(this.#policy);
  readonly #consumed = new Map<number, number>();
  readonly #closed = Promise.withResolvers<Error | undefined>();
  #lastPeerId = 0;
  #nextId: number;
  #answers = 0;
  #goingAway = false;
  #ended = false;

  constructor(transport: Duplex, options: SessionOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#nextId = options.role === 'client' ? 1 : 2;
    // A client of ours counts from the start; a server waits for the first word of it, which most clients never say.
    this.#policy.counts = options.role === 'client';
    transport.on('error', (error) => this.#end(error));
    transport.once('close', () => this.#end(undefined));
    // Many streams wait for one transport to drain.
    transport.setMaxListeners(0);
    void this.#run();
  }

  /** Resolves when nothing can be sent or received any more, with the reason when it was a failure. */
  get closed(): Promise<Error | undefined> {
    return this.#closed.promise;
  }

  /** Opens a stream of our own. */
  open(headers: Headers): SpdyStream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new SpdyStream(id, headers, new SendWindow(this.#policy), this);
    this.#streams.set(id, stream);
    this.#write(controlFrame(types.synStream, 0, words(id, 0), Buffer.alloc(2), this.#headerWriter.write(headers)));
    return stream;
  }

  /** Takes no new streams, ends when those that are open have, and the transport with them. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#goAway(goAwayStatus.ok);
    this.#goingAway = true;
    this.#endIfIdle();
    await this.closed;
  }

  /** Cuts everything off. */
  destroy(error?: Error): void {
    this.#end(error);
  }

  async sendData(stream: SpdyStream, data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; ) {
      if (this.#ended || stream.destroyed) throw new Error('the stream is closed');
      const size = this.#grant(stream, Math.min(MAX_DATA, data.length - at));
      if (size === 0) {
        await Promise.race([stream.window.wait(), this.#window.wait()]);
        continue;
      }
      this.#transport.cork();
      this.#write(dataHead(stream.id, size, false));
      const roomLeft = this.#write(data.subarray(at, at + size));
      this.#transport.uncork();
      at += size;
      if (!roomLeft) await this.#drained();
    }
  }

  sendFin(stream: SpdyStream): void {
    this.#write(dataHead(stream.id, 0, true));
  }

  sendReset(stream: SpdyStream): void {
    this.#reset(stream.id, rstStatus.cancel);
  }

  consumed(stream: SpdyStream, bytes: number): void {
    if (!stream.finReceived) this.#acknowledge(stream.id, bytes);
  }

  #acknowledge(id: number, bytes: number): void {
    const sum = (this.#consumed.get(id) ?? 0) + bytes;
    const tell = sum >= UPDATE_BYTES;
    this.#consumed.set(id, tell ? 0 : sum);
    if (tell) this.#answer(types.windowUpdate, words(id, sum));
  }

  gone(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
    this.#consumed.delete(stream.id);
    this.#endIfIdle();
  }

  /** Both windows must have room. */
  #grant(stream: SpdyStream, wanted: number): number {
    const session = this.#window.take(wanted);
    const size = stream.window.take(session);
    this.#window.untake(session - size);
    return size;
  }

  /** `false` when the transport is full. */
  #write(bytes: Buffer): boolean {
    return this.#ended || !this.#transport.writable || this.#transport.write(bytes);
  }

  #answer(type: number, ...parts: readonly Buffer[]): void {
    if (this.#ended || !this.#transport.writable) return;
    const frame = controlFrame(type, 0, ...parts);
    this.#answers += frame.length;
    this.#transport.write(frame, () => {
      this.#answers -= frame.length;
    });
    if (this.#answers > MAX_ANSWERS) this.#end(new SpdyError('the peer asks for answers and does not read them'));
  }

  async #drained(): Promise<void> {
    if (this.#transport.writableNeedDrain) await Promise.race([once(this.#transport, 'drain'), this.closed]);
  }

  async #run(): Promise<void> {
    const reader = new FrameReader();
    try {
      for await (const chunk of this.#transport.iterator({ destroyOnReturn: false })) {
        for (const frame of reader.read(chunk as Buffer)) {
          await (frame.kind === 'data' ? this.#onData(frame) : this.#onControl(frame));
          if (this.#ended) return;
        }
      }
      this.#end(undefined);
    } catch (error) {
      if (error instanceof SpdyError) this.#goAway(goAwayStatus.protocolError);
      this.#end(error as Error);
    }
  }

  async #onData({ streamId, data, fin }: DataPiece): Promise<void> {
    // The window of the session is given back at once: what waits is bounded stream by stream.
    if (data.length > 0) this.#acknowledge(0, data.length);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      // Data may still be on its way to a stream that was given up; data for one that never was is a mistake.
      if (streamId === 0 || streamId > Math.max(this.#lastPeerId, this.#nextId)) {
        throw new SpdyError(`data came for stream ${streamId}, which was never opened`);
      }
      return;
    }
    if (data.length > 0) await stream.receive(data);
    if (fin) stream.receiveFin();
  }

  async #onControl({ type, flags, payload }: ControlFrame): Promise<void> {
    const number = (at: number): number => {
      if (payload.length < at + 4) throw new SpdyError(`a frame of type ${type} has only ${payload.length} bytes`);
      return payload.readUInt32BE(at);
    };
    switch (type) {
      case types.synStream:
        number(4);
        return await this.#onSynStream(number(0) & 0x7fff_ffff, flags, payload.subarray(10));
      case types.synReply:
      case types.headers: {
        const id = number(0) & 0x7fff_ffff;
        // Read in any case: the blocks share one context.
        await this.#headerReader.read(payload.subarray(4));
        if ((flags & FLAG_FIN) !== 0) this.#streams.get(id)?.receiveFin();
        return;
      }
      case types.rstStream:
        this.#streams.get(number(0) & 0x7fff_ffff)?.receiveReset();
        return;
      case types.settings:
        return this.#onSettings(number(0), payload);
      case types.ping:
        // The peer's own pings have its parity; ours would come back with the other.
        if (number(0) % 2 === (this.#options.role === 'server' ? 1 : 0)) this.#answer(type, payload);
        return;
      case types.goAway:
        this.#goingAway = true;
        this.#endIfIdle();
        return;
      case types.windowUpdate:
        return this.#onWindowUpdate(number(0) & 0x7fff_ffff, number(4) & 0x7fff_ffff);
      default:
      // As the draft says: frames of unknown types are ignored.
    }
  }

  async #onSynStream(id: number, flags: number, block: Buffer): Promise<void> {
    const headers = await this.#headerReader.read(block);
    if (id % 2 !== (this.#options.role === 'server' ? 1 : 0) || id <= this.#lastPeerId) {
      throw new SpdyError(`stream ${id} came after stream ${this.#lastPeerId}`);
    }
    this.#lastPeerId = id;
    const { onStream, maxStreams = MAX_STREAMS } = this.#options;
    if (this.#goingAway || onStream === undefined || this.#streams.size >= maxStreams) {
      this.#reset(id, rstStatus.refusedStream);
      return;
    }
    const stream = new SpdyStream(id, headers, new SendWindow(this.#policy), this);
    // Whoever takes it listens for failures in time; until then a reset is no failure of ours.
    stream.on('error', () => {});
    this.#streams.set(id, stream);
    const refusal = onStream(stream);
    if (refusal !== undefined) {
      stream.destroy();
      return;
    }
    // Clients drop data of streams that were not replied to, so this goes first.
    this.#answer(types.synReply, words(id), this.#headerWriter.write({}));
    if ((flags & FLAG_FIN) !== 0) stream.receiveFin();
    if ((flags & FLAG_UNIDIRECTIONAL) !== 0) stream.end();
  }

  #onSettings(count: number, payload: Buffer): void {
    if (count * 8 + 4 > payload.length)
      throw new SpdyError(`SETTINGS of ${count} entries have ${payload.length} bytes`);
    for (let at = 4; at < 4 + count * 8; at += 8) {
      if (payload.readUIntBE(at + 1, 3) !== INITIAL_WINDOW_SIZE) continue;
      const size = payload.readUInt32BE(at + 4) & 0x7fff_ffff;
      const delta = size - this.#policy.initial;
      this.#policy.initial = size;
      this.#policy.counts = true;
      for (const stream of this.#streams.values()) stream.window.grow(delta);
    }
  }

  #onWindowUpdate(id: number, delta: number): void {
    this.#policy.counts = true;
    if (id === 0) {
      if (!this.#window.grow(delta)) throw new SpdyError('the window of the session grew past its size');
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.window.grow(delta)) return;
    this.#reset(id, rstStatus.flowControlError);
    stream.receiveReset();
  }

  #reset(id: number, status: number): void {
    this.#answer(types.rstStream, words(id, status));
  }

  #goAway(status: number): void {
    this.#answer(types.goAway, words(this.#lastPeerId, status));
  }

  #endIfIdle(): void {
    if (!this.#goingAway || this.#streams.size > 0 || this.#ended) return;
    this.#transport.end(() => this.#end(undefined));
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closed.resolve(error);
    for (const stream of [...this.#streams.values()]) stream.receiveReset();
    this.#window.release();
    this.#headerReader.close();
    if (error === undefined || !this.#transport.writable) this.#transport.destroy();
    // What was said last, why it ends, still goes out.
    else this.#transport.end(() => this.#transport.destroy());
  }
}
