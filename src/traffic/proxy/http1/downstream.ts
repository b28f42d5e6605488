// One client connection: reads requests in order, strictly, and gives each to the exchange.
// Knows nothing of routes and backends; it owns the socket, its framing and its time-outs.

import type { Socket } from 'node:net';
import type { Timed } from '../sweeper.ts';
import { BodyDecoder } from './body-decoder.ts';
import { type ClientFacts, composeOwn } from './compose.ts';
import type { HttpContext } from './context.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeClient } from './exchange-client.ts';
import { type Rejection, rejections } from './rejection.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import { shareReads } from './shared-read.ts';

/** How much of a read is made a string at first; heads are rarely longer. */
const HEAD_WINDOW = 16 * 1024;

export class Downstream implements ExchangeClient, Timed {
  readonly socket: Socket;
  readonly head = new RequestHead();
  readonly listener: string;
  readonly facts: ClientFacts;
  readonly #context: HttpContext;
  readonly #exchange: Exchange;
  readonly #body = new BodyDecoder();
  /** True when this host may not be asked for over this TLS connection; undefined without TLS. */
  readonly #misdirected: ((host: string) => boolean) | undefined;
  #state: 'head' | 'body' | 'wait' | 'tunnel' | 'linger' = 'head';
  /** Start of a head whose end has not come. */
  #partial = '';
  /** What came behind a request that is still being answered. */
  #pending: Buffer | undefined;
  #consuming = false;
  /** The bytes being consumed stay as they are. */
  #owned = false;
  #clientEnded = false;
  #deadline: number;
  #sendDeadline = 0;

  constructor(
    context: HttpContext,
    accepted: Socket,
    listener: string,
    facts: ClientFacts,
    misdirected?: (host: string) => boolean,
  ) {
    this.#context = context;
    // TLS decrypts into buffers of its own; a plain socket is handed over paused, so that its reads can be shared.
    const shared = misdirected === undefined;
    const onBytes = (bytes: Buffer, length: number): void => this.#onData(bytes, length, !shared);
    const socket = shared ? shareReads(accepted, onBytes) : accepted;
    if (!shared) socket.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length));
    this.socket = socket;
    this.listener = listener;
    this.facts = facts;
    this.#misdirected = misdirected;
    this.#exchange = new Exchange(context, this);
    this.#deadline = context.now() + context.limits.headTimeout;
    context.stats.connectionOpened(listener);
    context.sweeper.add(this);
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
    socket.on('error', () => {
      // Every error is followed by `close`, which does what there is to do.
    });
    socket.on('close', () => {
      context.sweeper.remove(this);
      context.stats.connectionClosed(listener);
      this.#pending = undefined;
      this.#exchange.abort();
    });
  }

  get requestComplete(): boolean {
    return this.#body.done;
  }

  get bytesIn(): number {
    return this.#body.received;
  }

  /** Closes it once it has nothing to answer. */
  drain(): void {
    if (this.#state === 'head' && this.#partial === '') this.#closeGently();
  }

  pauseRequest(): void {
    this.socket.pause();
    if (this.#state === 'body') this.#deadline = 0;
  }

  resumeRequest(): void {
    if (this.#pending !== undefined) return;
    this.socket.resume();
    if (this.#state === 'body') this.#deadline = this.#context.now() + this.#context.limits.bodyTimeout;
  }

  blocked(): void {
    if (this.#sendDeadline === 0) this.#sendDeadline = this.#context.now() + this.#context.limits.sendTimeout;
  }

  exchangeDone(keepAlive: boolean, now: number): void {
    if (!keepAlive) {
      this.#closeGently();
      return;
    }
    this.#state = 'head';
    this.#deadline = now + this.#context.limits.idleTimeout;
    if (this.socket.writableNeedDrain) {
      // Whoever asks on without reading answers gets no further until it reads.
      this.socket.pause();
      return;
    }
    if (!this.#consuming) this.#goOn();
  }

  becomeTunnel(): void {
    this.#state = 'tunnel';
    this.#deadline = 0;
    const early = this.#pending;
    this.#pending = undefined;
    if (early !== undefined) this.#exchange.tunnel(early);
    this.socket.resume();
    if (this.#clientEnded) this.#exchange.tunnelClientEnd();
  }

  onTick(now: number): void {
    if (this.#sendDeadline !== 0 && now >= this.#sendDeadline) {
      this.socket.destroy();
    } else if (this.#deadline !== 0 && now >= this.#deadline) {
      this.#deadline = 0;
      if (this.#state === 'linger') this.socket.destroy();
      else if (this.#state === 'body') this.#onBodyTimeout();
      else if (this.#partial === '') this.#closeGently();
      else this.#reject(rejections.timeoutHead);
    } else if (this.#exchange.active) {
      this.#exchange.onTick(now);
    }
  }

  /** Bytes that are not `owned` are read into again after this call: what has to wait is copied. */
  #onData(bytes: Buffer, length: number, owned: boolean): void {
    this.#owned = owned;
    if (this.#pending !== undefined) this.#pending = Buffer.concat([this.#pending, bytes.subarray(0, length)]);
    else this.#consume(bytes, length);
  }

  /** Goes on with what waited behind the last request. */
  #goOn(): void {
    const bytes = this.#pending;
    this.#pending = undefined;
    if (this.socket.isPaused()) this.socket.resume();
    this.#owned = true;
    if (bytes !== undefined) this.#consume(bytes, bytes.length);
    // Nothing more will come: what waited was the last.
    if (this.#clientEnded && this.#state === 'head' && this.#pending === undefined) this.#closeGently();
  }

  #consume(bytes: Buffer, length: number): void {
    this.#consuming = true;
    let pos = 0;
    while (pos < length) {
      if (this.#state === 'head') {
        if (this.socket.writableNeedDrain) {
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
    const before = this.#partial.length;
    let window = Math.min(length, from + HEAD_WINDOW);
    let text = this.#partial + bytes.toString('latin1', from, window);
    // One empty line before a request is tolerated (RFC 9112, 2.2).
    const start = text.startsWith('\r\n') ? 2 : 0;
    // What came before was searched when it came: a head in single bytes must not cost its length each time.
    const searchFrom = Math.max(start, before - 3);
    let at = text.indexOf('\r\n\r\n', searchFrom);
    if (at < 0 && window < length) {
      window = length;
      text = this.#partial + bytes.toString('latin1', from, window);
      at = text.indexOf('\r\n\r\n', searchFrom);
    }
    if (at < 0) {
      this.#keepPartial(text, start, before);
      return length;
    }
    const end = at + 4;
    const limits = this.#context.limits;
    const refusal =
      end - start > limits.head ? rejections.headLength : parseRequestHead(text, start, end, this.head, limits);
    if (refusal !== undefined) {
      this.#reject(refusal);
      return length;
    }
    this.#partial = '';
    const bodyAt = from + end - before;
    const announced = this.head.contentLength;
    this.#body.begin(announced < 0 ? 'chunked' : announced === 0 ? 'none' : 'length', announced);
    this.#state = this.#body.done ? 'wait' : 'body';
    this.#deadline = this.#body.done ? 0 : this.#context.now() + limits.bodyTimeout;
    if (!this.#exchange.start(this.#misdirected?.(this.head.host) ?? false)) return bodyAt;
    let next = bodyAt;
    if (!this.#body.done && bodyAt < length) {
      next = this.#decode(bytes, bodyAt, length);
      if (next < 0) {
        this.#context.out.clear();
        this.#refuseBody();
        return length;
      }
    }
    this.#exchange.dispatch();
    return next;
  }

  /** `text` is all of the head that has come; up to `checked` it was looked at before. */
  #keepPartial(text: string, start: number, checked: number): void {
    const limits = this.#context.limits;
    const lineEnd = text.indexOf('\r\n', start);
    if ((lineEnd < 0 ? text.length : lineEnd) - start > limits.requestLine + 16) this.#reject(rejections.targetLength);
    else if (text.length - start > limits.head) this.#reject(rejections.headLength);
    else if (hasBareLineFeed(text, checked)) this.#reject(rejections.lineEnd);
    else {
      // From the first byte on the whole head has to come in time.
      if (this.#partial === '') this.#deadline = this.#context.now() + limits.headTimeout;
      this.#partial = text;
    }
  }

  #readBody(bytes: Buffer, from: number, length: number): number {
    const next = this.#decode(bytes, from, length);
    if (next < 0) {
      this.#context.out.clear();
      this.#refuseBody();
      return length;
    }
    this.#exchange.sendBody();
    return next;
  }

  /** Puts the payload of what is there into the out buffer, framed anew; -1 when the framing is broken. */
  #decode(bytes: Buffer, from: number, length: number): number {
    const body = this.#body;
    const out = this.#context.out;
    const limit = this.#context.limits.body;
    const chunked = body.framing === 'chunked';
    let pos = from;
    while (pos < length && !body.done) {
      pos = body.next(bytes, pos, length);
      if (body.failed !== '' || (limit > 0 && body.received > limit)) return -1;
      if (body.dataEnd > body.dataStart) out.addBytes(bytes, body.dataStart, body.dataEnd, chunked, this.#owned);
    }
    if (body.done) {
      if (chunked) out.text += `0\r\n${body.trailers}\r\n`;
      this.#state = 'wait';
      this.#deadline = 0;
    } else {
      this.#deadline = this.#context.now() + this.#context.limits.bodyTimeout;
    }
    return pos;
  }

  #refuseBody(): void {
    // With part of an answer out, a second one would be read as its continuation.
    if (this.#exchange.responding) {
      this.socket.destroy();
      return;
    }
    this.#exchange.abort();
    this.#reject(this.#body.failed === '' ? rejections.bodyTooLarge : rejections.chunk);
  }

  #onBodyTimeout(): void {
    if (this.#exchange.responding) {
      this.socket.destroy();
      return;
    }
    this.#exchange.abort();
    this.#reject(rejections.timeoutBody);
  }

  #reject(rejection: Rejection): void {
    if (this.#state === 'linger') return;
    this.#context.stats.rejected(this.listener, rejection.status);
    this.#partial = '';
    this.socket.write(composeOwn(rejection.status, rejection.reason, false, false), 'latin1');
    this.#closeGently();
  }

  /** Sends what is left, then closes; input is swallowed for a while, else a reset could overtake the answer. */
  #closeGently(): void {
    const context = this.#context;
    this.#state = 'linger';
    this.#pending = undefined;
    this.#deadline = 0;
    if (this.socket.writableLength > 0) this.blocked();
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

function hasBareLineFeed(text: string, from: number): boolean {
  for (let at = text.indexOf('\n', from); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (at === 0 || text.charCodeAt(at - 1) !== 13) return true;
  }
  return false;
}
