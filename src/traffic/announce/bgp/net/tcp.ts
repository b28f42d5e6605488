// Makes TCP connections to peers and takes those that peers make.
// Hands out wires; knows no message.
import { createServer, isIPv6, type Server, Socket } from 'node:net';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { DialTarget } from '../session/peer.ts';
import type { Wire } from '../session/wire.ts';
import { connectSecurely, expectSignature, isPlain, restrictToNetwork, type Security } from './secure-socket.ts';
import { TcpWire } from './tcp-wire.ts';

export class Tcp {
  readonly #clock: Clock;
  readonly #open = new Set<Socket>();
  #server: Server | undefined;
  #dualStack = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  dial(target: DialTarget, done: (result: Wire | Error) => void): Cancel {
    const { address, port } = target;
    let finish = (result: Wire | Error): void => {
      finish = () => {};
      done(result);
    };
    const failed = (error: NodeJS.ErrnoException): void =>
      finish(new Error(`Cannot connect to ${address} port ${port}: ${words(error)}`));
    let socket: Socket;
    try {
      socket = connect(target);
    } catch (error) {
      // Whoever dials is not called back at once.
      queueMicrotask(() => failed(error as Error));
      return () => {
        finish = () => {};
      };
    }
    this.#keep(socket);
    socket.once('error', failed);
    socket.once('connect', () => finish(new TcpWire(socket, this.#clock)));
    return () => {
      finish = () => {};
      socket.destroy();
    };
  }

  /**
   * Resolves with the port once peers can connect; rejects with why they cannot. `securityOf` says what is asked of
   * connections from an address, undefined where none is wanted from there.
   */
  listen(
    address: string,
    port: number,
    securityOf: (remoteAddress: string) => Security | undefined,
    accepted: (wire: Wire) => void,
  ): Promise<number> {
    const server = createServer((socket) => {
      this.#keep(socket);
      const wire = new TcpWire(socket, this.#clock);
      if (securityOf(wire.remoteAddress)?.ttlSecurity === true) restrictToNetwork(socket);
      accepted(wire);
    });
    this.#server = server;
    this.#dualStack = isIPv6(address);
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new Error(`Cannot wait for BGP peers at ${address} port ${port}: ${words(error)}`));
      });
      server.listen(port, address, () => resolve((server.address() as { port: number }).port));
    });
  }

  /** What that peer's connections need from now on. Throws where the kernel refuses. */
  expect(security: Security): void {
    if (this.#server === undefined) return;
    // Not every server can be asked about every family.
    if (isIPv6(security.address) && !this.#dualStack) return;
    expectSignature(this.#server, this.#dualStack, security);
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

function connect({ port, localAddress, ...security }: DialTarget): Socket {
  const { address } = security;
  if (!isPlain(security)) return connectSecurely(security, port, localAddress);
  const socket = new Socket();
  return socket.connect({ host: address, port, ...(localAddress === undefined ? {} : { localAddress }) });
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
