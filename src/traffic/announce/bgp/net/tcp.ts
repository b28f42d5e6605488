// Makes TCP connections to peers and takes those that peers make.
// Hands out wires; knows no message.
import { createServer, type Server, Socket } from 'node:net';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { DialTarget } from '../session/peer.ts';
import type { Wire } from '../session/wire.ts';
import { TcpWire } from './tcp-wire.ts';

export class Tcp {
  readonly #clock: Clock;
  readonly #open = new Set<Socket>();
  #server: Server | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  dial(target: DialTarget, done: (result: Wire | Error) => void): Cancel {
    const { address, port, localAddress } = target;
    const socket = new Socket();
    this.#keep(socket);
    let finish = (result: Wire | Error): void => {
      finish = () => {};
      done(result);
    };
    socket.once('error', (error: NodeJS.ErrnoException) => {
      finish(new Error(`Cannot connect to ${address} port ${port}: ${words(error)}`));
    });
    socket.once('connect', () => finish(new TcpWire(socket, this.#clock)));
    socket.connect({ host: address, port, ...(localAddress === undefined ? {} : { localAddress }) });
    return () => {
      finish = () => {};
      socket.destroy();
    };
  }

  /** Resolves once peers can connect; rejects with the flag-free reason why they cannot. */
  listen(address: string, port: number, accepted: (wire: Wire) => void): Promise<number> {
    const server = createServer((socket) => {
      this.#keep(socket);
      accepted(new TcpWire(socket, this.#clock));
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new Error(`Cannot wait for BGP peers at ${address} port ${port}: ${words(error)}`));
      });
      server.listen(port, address, () => resolve((server.address() as { port: number }).port));
    });
  }

  /** Takes no more connections, and resolves when those that are open have closed. */
  async close(): Promise<void> {
    this.#server?.close();
    await Promise.all(
      [...this.#open].map((socket) =>
        socket.closed ? undefined : new Promise((resolve) => socket.once('close', resolve)),
      ),
    );
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there, or it refuses this address',
  EHOSTUNREACH: 'the host does not answer',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it does not answer',
  EADDRNOTAVAIL: 'the local address is not of this machine',
  EADDRINUSE: 'another process has it',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE',
};

function words(error: NodeJS.ErrnoException): string {
  return WORDS[error.code ?? ''] ?? error.message;
}
