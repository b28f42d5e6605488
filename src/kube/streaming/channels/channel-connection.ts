// The channels of one WebSocket as Duplex streams; a channel that is not read holds the whole connection back.
// Knows messages and channels, not what a channel is for.
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type ChannelProtocol, decodeMessage, encodeMessage } from './codec.ts';

/** What the client may do with a channel; on the others what it sends is dropped. */
export type ChannelUse = 'read' | 'write' | 'both' | 'none';

class Channel extends Duplex {
  readonly #send: (data: Buffer, done: (error?: Error | null) => void) => void;
  readonly #room: () => void;
  full = false;

  constructor(send: (data: Buffer, done: (error?: Error | null) => void) => void, room: () => void) {
    super({ allowHalfOpen: true });
    this.#send = send;
    this.#room = room;
    this.on('error', () => {});
  }

  receive(data: Buffer): void {
    if (this.destroyed || this.readableEnded || data.length === 0) return;
    this.full = !this.push(data);
  }

  override _read(): void {
    this.full = false;
    this.#room();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.full = false;
    this.#room();
    done(error);
  }
}

export class ChannelConnection {
  readonly channels: readonly Duplex[];
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #webSocket: WebSocket;
  readonly #protocol: ChannelProtocol;

  constructor(webSocket: WebSocket, protocol: ChannelProtocol, uses: readonly ChannelUse[]) {
    this.#webSocket = webSocket;
    this.#protocol = protocol;
    const channels = uses.map((_use, index) => {
      return new Channel(
        (data, done) => webSocket.send(encodeMessage(index, data, protocol), (error) => done(error)),
        () => {
          if (webSocket.isPaused && channels.every((channel) => !channel.full)) webSocket.resume();
        },
      );
    });
    this.channels = channels;
    const ended = new Set<number>();
    const readable = (index: number): Channel | undefined =>
      ['read', 'both'].includes(uses[index] ?? 'none') && !ended.has(index) ? channels[index] : undefined;
    webSocket.on('message', (message: Buffer) => {
      const decoded = decodeMessage(message, protocol);
      if (decoded === undefined) return;
      if ('closes' in decoded) {
        readable(decoded.closes)?.push(null);
        ended.add(decoded.closes);
        return;
      }
      const channel = readable(decoded.channel);
      channel?.receive(decoded.data);
      if (channel?.full === true) webSocket.pause();
    });
    this.closed = new Promise((resolve) =>
      webSocket.once('close', () => {
        for (const channel of channels) channel.destroy();
        resolve();
      }),
    );
  }

  /** An empty message: the client learns that the channel stands. */
  announce(index: number): void {
    this.#webSocket.send(encodeMessage(index, Buffer.alloc(0), this.#protocol));
  }

  /** Ends the connection when all that was written has gone out; the library cuts it off after 30 s. */
  close(): void {
    this.#webSocket.close(1000);
    // What the client still sends is dropped, so that its farewell is heard.
    for (const channel of this.channels) channel.destroy();
    this.#webSocket.resume();
  }

  terminate(): void {
    this.#webSocket.terminate();
  }
}
