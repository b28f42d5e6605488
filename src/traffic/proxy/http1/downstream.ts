// One client connection: reads requests in order, strictly, and gives each to the exchange.
// Knows nothing of routes and backends; it owns the socket, its framing and its time-outs.

import type { Socket } from 'node:net';
import type { AcceptedClient, ClientProtocol } from '../http/client-connection.ts';
import type { ClientStream } from '../http/client-stream.ts';
import type { HttpContext } from '../http/context.ts';
import { Exchange } from '../http/exchange.ts';
import { type LocalReply, textReply } from '../http/local-reply.ts';
import type { Timed } from '../sweeper.ts';
import { BodyDecoder } from './body-decoder.ts';
import {
  type BodyOut,
  bodyOut,
  type ClientFacts,
  composeInterim,
  composeReply,
  composeResponse,
  composeSwitch,
} from './compose.ts';
import { isBlocked, isSettled } from './direct-write.ts';
import { HeadReader } from './head-reader.ts';
import type { NextRead } from './read-memory.ts';
import { type Rejection, rejections } from './rejection.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

export class Downstream implements ClientProtocol, ClientStream, Timed {
  readonly socket: Socket;
  readonly head = new RequestHead();
  readonly listener: string;
  facts: ClientFacts;
  readonly #context: HttpContext;
  readonly #exchange: Exchange;
  readonly #heads = new HeadReader();
  readonly #body = new BodyDecoder();
  /** True when this host may not be asked for over this TLS connection; undefined without TLS. */
  readonly #misdirected: ((host: string) => boolean) | undefined;
  #state: 'head' | 'body' | 'wait' | 'tunnel' | 'linger' = 'head';
  /** What came behind a request that is still being answered. */
  #pending: Buffer | undefined;
  #consuming = false;
  /** The bytes being consumed stay as they are. */
  #owned = false;
  /** The body that came with them has left, and is not kept either. */
  #settled = false;
  #clientEnded = false;
  /** How the response under way is written, and whether another may follow. */
  #bodyOut: BodyOut = 'none';
  #keepAlive = true;
  /** Its listener is gone, or the whole gateway leaves: the answer under way is the last. */
  #draining = false;
  responseStarted = false;
  /** Bytes of the body since `bodyTimeout` began. */
  #bodyProgress = 0;
  #deadline: number;
  #sendDeadline = 0;

  constructor(context: HttpContext, socket: Socket, client: AcceptedClient) {
    this.#context = context;
    this.socket = socket;
    this.listener = client.listener;
    this.facts = client.facts;
    this.#misdirected = client.misdirected;
    this.#exchange = new Exchange(context, this);
    this.#deadline = context.now() + context.limits.headTimeout;
    context.sweeper.add(this);
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
    socket.on('close', () => {
      context.sweeper.remove(this);
      this.#pending = undefined;
      this.#exchange.abort();
    });
  }

  get settled(): boolean {
    return isSettled(this.socket);
  }

  get requestComplete(): boolean {
    return this.#body.done;
  }

  get bytesIn(): number {
    return this.#body.received;
  }

  /** Closes it once it has nothing to answer. */
  drain(): void {
    this.#draining = true;
    if (this.#state === 'head' && this.#heads.idle) this.#closeGently();
  }

  /** Bytes that are not `owned` are read into again after this call: what has to wait is copied. */
  receive(bytes: Buffer, length: number, owned: boolean): NextRead {
    this.#owned = owned;
    this.#settled = false;
    if (this.#pending !== undefined) this.#pending = Buffer.concat([this.#pending, bytes.subarray(0, length)]);
    else this.#consume(bytes, length);
    const needed = owned && (!this.#settled || this.#pending !== undefined);
    if (this.#state === 'body') return needed ? 'kept' : 'long';
    return needed ? 'short' : 'free';
  }

  pauseRequest(): void {
    this.socket.pause();
    if (this.#state === 'body') this.#deadline = 0;
  }

  resumeRequest(): void {
    if (this.#pending !== undefined) return;
    this.socket.resume();
    if (this.#state === 'body') this.#awaitBody();
  }

  blocked(): void {
    if (this.#sendDeadline === 0) this.#sendDeadline = this.#context.now() + this.#context.limits.sendTimeout;
  }

  get protocol(): string {
    return `HTTP/1.${this.head.minor}`;
  }

  interim(head: ResponseHead): boolean {
    // HTTP/1.0 knows no interim responses.
    return this.head.minor === 0 || this.socket.write(composeInterim(head), 'latin1');
  }

  accepts(): boolean {
    return true;
  }

  respond(head: ResponseHead): void {
    const context = this.#context;
    const request = this.head;
    const body = bodyOut(head, request.minor, request.method === 'HEAD');
    this.#bodyOut = body;
    // A request still under way when its answer comes leaves the connection at an unknown place.
    this.#keepAlive = request.keepAlive && body !== 'until-close' && this.requestComplete && !this.#draining;
    context.out.text = composeResponse(head, body, request.minor, this.#keepAlive);
  }

  sendBody(bytes: Buffer, start: number, end: number, owned: boolean): void {
    this.#context.out.addBytes(bytes, start, end, this.#bodyOut === 'chunked', owned);
  }

  flush(): boolean {
    this.responseStarted = true;
    return this.#context.out.flush(this.socket);
  }

  end(trailers: string): void {
    this.responseStarted = true;
    const out = this.#context.out;
    if (this.#bodyOut === 'chunked') out.text += `0\r\n${trailers}\r\n`;
    if (!out.flush(this.socket)) this.blocked();
  }

  reply(reply: LocalReply): void {
    const { head } = this;
    this.#keepAlive = head.keepAlive && head.minor === 1 && this.requestComplete && !this.#draining;
    this.socket.write(composeReply(reply, head.method === 'HEAD', this.#keepAlive), 'latin1');
  }

  /** Only cutting the connection tells the client that the response is not whole. */
  cut(): void {
    this.socket.destroy();
  }

  done(now: number): void {
    if (!this.#keepAlive) {
      this.#closeGently();
      return;
    }
    this.#state = 'head';
    this.#deadline = now + this.#context.limits.idleTimeout;
    if (isBlocked(this.socket)) {
      // Whoever asks on without reading answers gets no further until it reads.
      this.socket.pause();
      return;
    }
    if (!this.#consuming) this.#goOn();
  }

  becomeTunnel(head: ResponseHead): void {
    this.#keepAlive = false;
    this.socket.write(composeSwitch(head), 'latin1');
    this.#state = 'tunnel';
    this.#deadline = 0;
    const early = this.#pending;
    this.#pending = undefined;
    if (early !== undefined) this.#exchange.tunnel(early);
    this.socket.resume();
    if (this.#clientEnded) this.#exchange.tunnelClientEnd();
  }

  tunnel(bytes: Buffer, start: number, end: number): boolean {
    return this.socket.write(Buffer.from(bytes.subarray(start, end)));
  }

  tunnelEnd(): void {
    this.socket.end();
  }

  tunnelClose(): void {
    // What the backend said last still goes out, to a client that reads it in time.
    this.blocked();
    this.socket.destroySoon();
  }

  onTick(now: number): void {
    if (this.#sendDeadline !== 0 && now >= this.#sendDeadline) {
      this.socket.destroy();
    } else if (this.#deadline !== 0 && now >= this.#deadline) {
      this.#deadline = 0;
      if (this.#state === 'linger') this.socket.destroy();
      else if (this.#state === 'body') this.#refuseBody(rejections.timeoutBody, 0);
      else if (this.#heads.idle) this.#closeGently();
      else this.#reject(rejections.timeoutHead);
    } else if (this.#exchange.active) {
      this.#exchange.onTick(now);
    }
  }

  /** Goes on with what waited behind the last request. */
  #goOn(): void {
    const bytes = this.#pending;
    this.#pending = undefined;
    if (this.socket.isPaused()) this.socket.resume();
    this.#owned = true;
    if (bytes !== undefined) this.#consume(bytes, bytes.length);
    if (!this.#clientEnded || this.#pending !== undefined) return;
    // Nothing more will come: what waited was the last.
    if (this.#state === 'head') this.#closeGently();
    else if (this.#state === 'body') {
      this.#exchange.abort();
      this.socket.destroySoon();
    }
  }

  #consume(bytes: Buffer, length: number): void {
    this.#consuming = true;
    let pos = 0;
    while (pos < length) {
      if (this.#state === 'head') {
        if (isBlocked(this.socket)) {
          this.#hold(bytes, pos, length);
          break;
        }
        pos = this.#readHead(bytes, pos, length);
      } else if (this.#state === 'body') {
        pos = this.#readBody(bytes, pos, length);
      } else if (this.#state === 'wait') {
        this.#hold(bytes, pos, length);
        break;
      } else {
        if (this.#state === 'tunnel') this.#exchange.tunnel(this.#keep(bytes, pos, length));
        break;
      }
    }
    this.#consuming = false;
  }

  #hold(bytes: Buffer, pos: number, length: number): void {
    this.#pending = this.#keep(bytes, pos, length);
    this.socket.pause();
  }

  #keep(bytes: Buffer, from: number, to: number): Buffer {
    return this.#owned ? bytes.subarray(from, to) : Buffer.from(bytes.subarray(from, to));
  }

  /** Reads a head and, with it, as much of the body as is there; returns where to go on. */
  #readHead(bytes: Buffer, from: number, length: number): number {
    const reader = this.#heads;
    const limits = this.#context.limits;
    const begun = !reader.idle;
    this.head.method = '';
    const bodyAt = reader.read(bytes, from, length, limits);
    const refusal =
      reader.refusal ??
      (bodyAt < 0 ? undefined : parseRequestHead(reader.text, reader.start, reader.end, this.head, limits));
    if (refusal !== undefined) {
      this.#reject(refusal);
      return length;
    }
    if (bodyAt < 0) {
      // From the first byte on the whole head has to come in time.
      if (!begun && !reader.idle) this.#deadline = this.#context.now() + limits.headTimeout;
      return length;
    }
    const announced = this.head.contentLength;
    this.#body.begin(announced < 0 ? 'chunked' : announced === 0 ? 'none' : 'length', announced);
    this.#state = this.#body.done ? 'wait' : 'body';
    this.#deadline = 0;
    if (!this.#body.done) this.#awaitBody();
    this.responseStarted = false;
    if (!this.#exchange.start(this.#misdirected?.(this.head.host) ?? false)) return bodyAt;
    let next = bodyAt;
    if (!this.#body.done && bodyAt < length) {
      next = this.#decode(bytes, bodyAt, length);
      if (next < 0) return this.#refuseBody(this.#bodyFault(), length);
    }
    this.#settled = false;
    this.#exchange.dispatch();
    return next;
  }

  #readBody(bytes: Buffer, from: number, length: number): number {
    const next = this.#decode(bytes, from, length);
    if (next < 0) return this.#refuseBody(this.#bodyFault(), length);
    this.#settled = this.#exchange.sendBody();
    return next;
  }

  /** Puts the payload of what is there into the out buffer, framed anew; -1 when the framing is broken. */
  #decode(bytes: Buffer, from: number, length: number): number {
    const body = this.#body;
    const out = this.#context.out;
    const limit = this.#context.limits.body;
    let pos = from;
    while (pos < length && !body.done) {
      pos = body.next(bytes, pos, length);
      if (body.failed !== '' || (limit > 0 && body.received > limit)) return -1;
      if (body.dataEnd > body.dataStart) out.addBytes(bytes, body.dataStart, body.dataEnd, false, this.#owned);
    }
    if (body.done) {
      this.#exchange.requestEnded(body.trailers);
      this.#state = 'wait';
      this.#deadline = 0;
    } else {
      // Single bytes now and then are no progress: a body of them would hold a backend for ever.
      this.#bodyProgress += pos - from;
      if (this.#bodyProgress >= this.#context.limits.bodyMinimum) this.#awaitBody();
    }
    return pos;
  }

  #awaitBody(): void {
    this.#bodyProgress = 0;
    this.#deadline = this.#context.now() + this.#context.limits.bodyTimeout;
  }

  #bodyFault(): Rejection {
    return this.#body.failed === '' ? rejections.bodyTooLarge : rejections.chunk;
  }

  /** Nothing more is read of this connection: returns where reading stops. */
  #refuseBody(rejection: Rejection, length: number): number {
    this.#context.out.clear();
    // With part of an answer out, a second one would be read as its continuation.
    if (this.#exchange.responding) {
      this.socket.destroy();
    } else {
      this.#exchange.abort();
      this.#reject(rejection);
    }
    return length;
  }

  #reject(rejection: Rejection): void {
    if (this.#state === 'linger') return;
    this.#context.stats.rejected(this.listener, rejection.status);
    this.#heads.reset();
    const reply = textReply(rejection.status, rejection.reason);
    this.socket.write(composeReply(reply, this.head.method === 'HEAD', false), 'latin1');
    this.#closeGently();
  }

  /** Sends what is left, then closes; input is swallowed for a while, else a reset could overtake the answer. */
  #closeGently(): void {
    const context = this.#context;
    this.#state = 'linger';
    this.#pending = undefined;
    this.#deadline = 0;
    if (!isSettled(this.socket)) this.blocked();
    // A client that reads slowly gets the send time-out for the rest; lingering begins behind the last byte.
    this.socket.end(() => {
      this.#sendDeadline = 0;
      this.#deadline = context.now() + context.limits.linger;
    });
    this.socket.resume();
  }

  #onEnd(): void {
    this.#clientEnded = true;
    if (this.#state === 'tunnel') this.#exchange.tunnelClientEnd();
    // A client that has sent a whole request may close its side and still read the answer.
    else if (this.#state !== 'wait' && this.#pending === undefined) this.socket.destroySoon();
    if (this.#state === 'body') this.#exchange.abort();
  }

  #onDrain(): void {
    this.#sendDeadline = 0;
    this.#exchange.clientDrained();
    if (this.#state === 'head') this.#goOn();
  }
}
