// Real clients and backends for tests of the engine: sockets that say exactly what they are told.
// Knows nothing of the engine.

import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { libc } from '#lib/sys/libc.ts';
import { bindSocket, closeSocket, localAddress, openSocket } from '#lib/sys/socket.ts';
import type { InternetAddress } from '#lib/sys/socket-address.ts';
import { checked } from '#lib/sys/system-call.ts';

export interface Backend {
  readonly port: number;
  readonly server: Server | NetServer;
  close(): Promise<void>;
}

export function httpBackend(handler: RequestListener): Promise<Backend> {
  const server = createHttpServer(handler);
  return listening(server, () => server.closeAllConnections());
}

/** A backend that is a bare socket. */
export function rawBackend(handler: (socket: Socket) => void): Promise<Backend> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    handler(socket);
  });
  return listening(server, () => {
    for (const socket of sockets) socket.destroy();
  });
}

/** A backend that takes no connection, as a dead machine: who connects hears nothing. */
export async function deafBackend(): Promise<Pick<Backend, 'port' | 'close'>> {
  const fd = openSocket('inet', 'stream');
  bindSocket(fd, { family: 'inet', address: '127.0.0.1', port: 0 });
  checked('listen', libc().listen(fd, 0));
  const { port } = localAddress(fd) as InternetAddress;
  // Nobody ever takes what stands in its line, which is as short as the kernel allows.
  const standing: Socket[] = [];
  for (let taken = true; taken; ) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    standing.push(socket);
    taken = await Promise.race([once(socket, 'connect').then(() => true), setTimeout(200, false)]);
  }
  return {
    port,
    close: async () => {
      for (const socket of standing) socket.destroy();
      closeSocket(fd);
    },
  };
}

function listening(server: Server | NetServer, destroy: () => void): Promise<Backend> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        server,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            destroy();
          }),
      });
    });
  });
}

/** A client that sends text and waits for text. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  closed = false;
  #waiting: (() => void)[] = [];

  constructor(
    port: number,
    address = '127.0.0.1',
    socket: Socket = connect({ port, host: address, allowHalfOpen: true }),
  ) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.#wake();
    });
    socket.on('end', () => {
      this.closed = true;
      socket.end();
      this.#wake();
    });
    socket.on('error', () => this.#wake());
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves with everything received once `test` holds; rejects when the connection closes before. */
  async until(test: (received: string) => boolean): Promise<string> {
    while (!test(this.received)) {
      if (this.closed) throw new Error(`Connection closed after ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.received;
  }

  /** Resolves with everything received once the peer has closed. */
  async untilClosed(): Promise<string> {
    while (!this.closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.received;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Sends one request and resolves with all that came until the connection closed. */
export async function exchange(port: number, text: string): Promise<string> {
  const client = new RawClient(port);
  client.send(text);
  return client.untilClosed();
}
