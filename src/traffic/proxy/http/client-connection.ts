// A client's connection: its socket, how it is read, and which HTTP its bytes are given to.
// Knows nothing of messages. TLS has agreed on a protocol by ALPN; without TLS the first bytes tell.

import type { Socket } from 'node:net';
import type { ClientFacts } from '../http1/compose.ts';
import { Downstream } from '../http1/downstream.ts';
import type { NextRead } from '../http1/read-memory.ts';
import { shareReads } from '../http1/shared-read.ts';
import { ServerSession } from '../http2/server-session.ts';
import type { Timed } from '../sweeper.ts';
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
  /** `agreed` by ALPN; by `preface` where the client may begin with it; `no` leaves HTTP/1. */
  readonly http2: 'no' | 'preface' | 'agreed';
}

/** No request of HTTP/1 begins like this, but one may begin with less of it. */
const SIGN = 'PRI * HTTP/2';

export class ClientConnection implements Timed {
  readonly socket: Socket;
  readonly listener: string;
  readonly #context: HttpContext;
  readonly #client: AcceptedClient;
  /** Undefined until the first bytes have told. */
  #protocol: ClientProtocol | undefined;
  /** Bytes that may yet become either. */
  #first: Buffer | undefined;
  /** Monotonic milliseconds by which something has to come. */
  readonly #deadline: number;

  /** Nobody has read of the socket yet, or what was read has been put back. */
  constructor(context: HttpContext, socket: Socket, client: AcceptedClient) {
    this.listener = client.listener;
    this.#context = context;
    this.#client = client;
    this.#deadline = context.now() + context.limits.headTimeout;
    this.socket = socket;
    shareReads(socket, (bytes, length, owned) =>
      this.#protocol === undefined ? this.#greet(bytes, length, owned) : this.#protocol.receive(bytes, length, owned),
    );
    socket.on('error', () => {
      // Every error is followed by `close`, which does what there is to do.
    });
    if (client.http2 === 'agreed') this.#protocol = new ServerSession(context, socket, client);
    else if (client.http2 === 'no') this.#protocol = new Downstream(context, socket, client);
    else this.#wait(socket);
    context.stats.connectionOpened(client.listener);
    socket.on('close', () => context.stats.connectionClosed(client.listener));
  }

  /** It is known what the client speaks, since it has said something. */
  get begun(): boolean {
    return this.#protocol !== undefined;
  }

  /** Closes it once it has nothing to answer. */
  drain(): void {
    if (this.#protocol === undefined) this.socket.destroySoon();
    else this.#protocol.drain();
  }

  /** A client that says nothing is not waited for. */
  onTick(now: number): void {
    if (now >= this.#deadline) this.socket.destroySoon();
  }

  #wait(socket: Socket): void {
    const { sweeper } = this.#context;
    sweeper.add(this);
    socket.on('close', () => sweeper.remove(this));
    socket.on('end', () => {
      if (this.#protocol === undefined) socket.destroySoon();
    });
  }

  /** Finds out what the client speaks by how it begins. */
  #greet(bytes: Buffer, length: number, owned: boolean): NextRead {
    const held = this.#first;
    const first = held === undefined ? bytes.subarray(0, length) : Buffer.concat([held, bytes.subarray(0, length)]);
    const sign = SIGN.slice(0, first.length);
    const same = first.toString('latin1', 0, sign.length) === sign;
    if (same && first.length < SIGN.length) {
      this.#first = Buffer.from(first);
      return 'short';
    }
    this.#first = undefined;
    this.#context.sweeper.remove(this);
    const protocol = same
      ? new ServerSession(this.#context, this.socket, this.#client)
      : new Downstream(this.#context, this.socket, this.#client);
    this.#protocol = protocol;
    return protocol.receive(first, first.length, owned || held !== undefined);
  }
}
