// Connections on their way in: from accept until their PROXY header is read and their ClientHello known.
// Knows nothing of what they carry then. Slow ones are bounded in time and number, and cannot shut out others.

import type { Socket } from 'node:net';
import { shareReads } from '../http1/shared-read.ts';
import { readProxyHeader } from '../proxy-protocol/read.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';
import type { Sweeper, Timed } from '../sweeper.ts';
import { type ClientHello, readClientHello } from '../tls/client-hello.ts';

/** What has to be read before a connection can be handed on. */
export interface Expected {
  readonly proxyHeader: boolean;
  readonly clientHello: boolean;
}

/** Why a connection came to nothing. */
export type ArrivalFailure =
  | 'closed'
  | 'timeout'
  | 'crowded_out'
  | 'proxy_header'
  | 'client_hello'
  /** A request in plain HTTP on a listener that speaks TLS. */
  | 'plain_http';

export interface ArrivalHandler {
  /** `socket` is paused; what was read beyond the PROXY header is read again by whoever reads it next. */
  arrived(socket: Socket, pair: SocketPair | undefined, hello: ClientHello | undefined): void;
  /** `socket` may still be told why; it is closed by whoever is called. */
  failed(socket: Socket, failure: ArrivalFailure): void;
}

export interface ArrivalLimits {
  /** Milliseconds until everything expected is there. */
  readonly timeout: number;
  /** Under way at a time; the oldest makes room for a newcomer, so that silent clients cannot fill the place up. */
  readonly most: number;
}

export class Arrivals implements Timed {
  readonly #limits: ArrivalLimits;
  readonly #now: () => number;
  /** In order of arrival, which is the order of their deadlines too. */
  readonly #underWay = new Set<Arrival>();

  constructor(limits: ArrivalLimits, now: () => number, sweeper: Sweeper) {
    this.#limits = limits;
    this.#now = now;
    sweeper.add(this);
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Reads what is expected of `accepted`, which is paused and unread; the handler is called once. */
  begin(accepted: Socket, expected: Expected, handler: ArrivalHandler): void {
    if (this.#underWay.size >= this.#limits.most) {
      for (const oldest of this.#underWay) {
        oldest.fail('crowded_out');
        break;
      }
    }
    const arrival = new Arrival(accepted, expected, this.#now() + this.#limits.timeout, handler, () =>
      this.#underWay.delete(arrival),
    );
    this.#underWay.add(arrival);
  }

  onTick(now: number): void {
    for (const arrival of this.#underWay) {
      if (now < arrival.deadline) break;
      arrival.fail('timeout');
    }
  }

  close(): void {
    for (const arrival of this.#underWay) arrival.fail('closed');
  }
}

class Arrival {
  readonly deadline: number;
  readonly #socket: Socket;
  readonly #handler: ArrivalHandler;
  readonly #over: () => void;
  #expected: Expected;
  #pair: SocketPair | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #done = false;
  readonly #onClose = (): void => this.fail('closed');
  readonly #onError = (): void => {
    // `close` follows.
  };

  constructor(accepted: Socket, expected: Expected, deadline: number, handler: ArrivalHandler, over: () => void) {
    this.deadline = deadline;
    this.#expected = expected;
    this.#handler = handler;
    this.#over = over;
    this.#socket = accepted;
    shareReads(accepted, (bytes, length) => {
      this.#onBytes(bytes.subarray(0, length));
      return 'short';
    });
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
    this.#socket.on('end', this.#onClose);
  }

  fail(failure: ArrivalFailure): void {
    if (!this.#finish()) return;
    // Whatever becomes of it now, nobody listens any more.
    this.#socket.on('error', () => {});
    this.#handler.failed(this.#socket, failure);
  }

  #onBytes(read: Buffer): void {
    if (this.#done) return;
    this.#bytes = Buffer.concat([this.#bytes, read]);
    if (this.#expected.proxyHeader && !this.#readProxyHeader()) return;
    if (!this.#expected.clientHello) {
      this.#arrive(undefined);
      return;
    }
    const reading = readClientHello(this.#bytes);
    if (reading.type === 'hello') this.#arrive(reading.hello);
    else if (reading.type === 'malformed') this.fail(speaksHttp(this.#bytes) ? 'plain_http' : 'client_hello');
  }

  /** True once it is behind. */
  #readProxyHeader(): boolean {
    const reading = readProxyHeader(this.#bytes);
    if (reading.type === 'malformed') this.fail('proxy_header');
    if (reading.type !== 'header') return false;
    this.#pair = reading.pair;
    this.#bytes = this.#bytes.subarray(reading.length);
    this.#expected = { ...this.#expected, proxyHeader: false };
    return true;
  }

  #arrive(hello: ClientHello | undefined): void {
    if (!this.#finish()) return;
    const socket = this.#socket;
    socket.pause();
    if (this.#bytes.length > 0) socket.unshift(this.#bytes);
    this.#handler.arrived(socket, this.#pair, hello);
  }

  /** False when it was over before. */
  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#over();
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
    this.#socket.off('end', this.#onClose);
    return true;
  }
}

/** A method in capitals: a browser that was sent to `http://` on the port of `https://`. */
function speaksHttp(bytes: Buffer): boolean {
  return /^[A-Z]{3,}/.test(bytes.toString('latin1', 0, 8));
}
