// A client's connection: its socket, how it is read, and which HTTP its bytes are given to.
// Knows nothing of messages. TLS has agreed on a protocol by ALPN; without TLS the first bytes tell.

import type { Socket } from 'node:net';
import type { ClientFacts } from '../http1/compose.ts';
import { Downstream } from '../http1/downstream.ts';
import type { NextRead } from '../http1/read-memory.ts';
import { shareReads } from '../http1/shared-read.ts';
import type { HttpContext } from './context.ts';

/** What a protocol is to the connection that carries it. */
export interface ClientProtocol {
  /**
   * Takes `bytes[0, length)`. What is not `owned` is read into again after the call, what is only when the answer is
   * `long`.
   */
  receive(bytes: Buffer, length: number, owned: boolean): NextRead;
  /** Ends it once it has nothing to answer. */
  drain(): void;
}

/** What the acceptor knows of a connection. */
export interface AcceptedClient {
  readonly listener: string;
  readonly facts: ClientFacts;
  /** True when this host may not be asked for over this TLS connection; undefined without TLS. */
  readonly misdirected: ((host: string) => boolean) | undefined;
}

export class ClientConnection {
  readonly socket: Socket;
  readonly listener: string;
  readonly #protocol: ClientProtocol;

  /** Nobody has read of the socket yet, or what was read has been put back. */
  constructor(context: HttpContext, socket: Socket, client: AcceptedClient) {
    this.listener = client.listener;
    this.socket = socket;
    shareReads(socket, (bytes, length, owned) => this.#protocol.receive(bytes, length, owned));
    socket.on('error', () => {
      // Every error is followed by `close`, which does what there is to do.
    });
    this.#protocol = new Downstream(context, socket, client);
    context.stats.connectionOpened(client.listener);
    socket.on('close', () => context.stats.connectionClosed(client.listener));
  }

  /** Closes it once it has nothing to answer. */
  drain(): void {
    this.#protocol.drain();
  }
}
