// A TCP connection as a wire.
// Knows no message: bytes go through as they are.
import type { Socket } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import type { Wire, WireHandlers } from '../session/wire.ts';

/** How long a closed session's last bytes may take to be taken. */
const LINGER_MS = 2000;

export class TcpWire implements Wire {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #clock: Clock;
  #handlers: WireHandlers | undefined;

  /** The socket is connected. */
  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.localAddress = unmapped(socket.localAddress ?? '');
    this.remoteAddress = unmapped(socket.remoteAddress ?? '');
    socket.setNoDelay(true);
    socket.on('error', (error) => this.#closed(error.message));
    socket.on('end', () => this.#closed('the peer closed the connection'));
    socket.on('close', () => this.#closed('the connection is gone'));
    socket.on('drain', () => this.#handlers?.drained());
  }

  get congested(): boolean {
    return this.#socket.writableLength > 0;
  }

  listen(handlers: WireHandlers): void {
    this.#handlers = handlers;
    this.#socket.on('data', (bytes) => this.#handlers?.data(bytes as Buffer));
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  end(bytes?: Buffer): void {
    this.#handlers = undefined;
    if (bytes === undefined) this.#socket.end();
    else this.#socket.end(bytes);
    // What the peer still sends is read and forgotten: unread bytes would make the kernel reset, and lose our last ones.
    this.#socket.resume();
    const cancel = this.#clock.after(LINGER_MS, () => this.#socket.destroy());
    this.#socket.once('close', cancel);
  }

  drop(): void {
    this.#handlers = undefined;
    this.#socket.destroy();
  }

  #closed(why: string): void {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.closed(`Connection lost: ${why}`);
  }
}

/** IPv4 peers of a socket that listens for both families. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
