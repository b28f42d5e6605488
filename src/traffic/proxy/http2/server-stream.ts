// One request of an HTTP/2 client and its response: a stream of a connection that many share.
// Knows nothing of routes and backends. The object serves one stream after the other, as its session sees fit.

import type { ClientStream } from '../http/client-stream.ts';
import type { HttpContext } from '../http/context.ts';
import { Exchange } from '../http/exchange.ts';
import { type LocalReply, textReply } from '../http/local-reply.ts';
import type { ClientFacts } from '../http1/compose.ts';
import type { Rejection } from '../http1/rejection.ts';
import { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import * as f from './frames.ts';
import { grpcReplyLines } from './grpc.ts';
import { encodeField, encodeLines, encodeStatus } from './hpack/encode.ts';
import type { ServerSession } from './server-session.ts';
import { Http2Stream } from './stream.ts';
import { acceptOf, newKey } from './websocket.ts';

/** Payload up to this many bytes joins the frames around it as text; larger pieces go out as they are. */
const JOIN_LIMIT = 8 * 1024;
const tunnelDrops = new Set(['sec-websocket-accept']);

export class ServerStream extends Http2Stream implements ClientStream {
  readonly head = new RequestHead();
  readonly listener: string;
  readonly facts: ClientFacts;
  readonly protocol = 'HTTP/2';
  bytesIn = 0;
  responseStarted = false;
  protected readonly session: ServerSession;
  readonly #context: HttpContext;
  readonly #exchange: Exchange;
  /** The exchange waits for what of the body comes with the head. */
  #undispatched = false;
  /** Nothing more will be queued for the client. */
  #answered = true;
  #grpc = false;
  #tunnel = false;
  /** Of an extended CONNECT: what a backend of HTTP/1.1 has to prove it understood. */
  #accept = '';
  /** Monotonic milliseconds; 0 for none. */
  #sendDeadline = 0;
  #bodyDeadline = 0;
  /** Bytes that have to come by then. */
  #bodyDue = 0;
  /** What the client said in a tunnel that does not stand yet. */
  readonly #early: Buffer[] = [];

  constructor(session: ServerSession) {
    super();
    this.session = session;
    this.#context = session.context;
    this.listener = session.client.listener;
    this.facts = session.client.facts;
    this.#exchange = new Exchange(session.context, this);
  }

  get requestComplete(): boolean {
    // A client that wants a tunnel says nothing before it has it.
    return this.remoteEnded || this.head.upgrade !== '';
  }

  /** The head is read; `grpc` tells what kind of answer the client understands. */
  begin(endStream: boolean, grpc: boolean): void {
    this.reopen();
    this.remoteEnded = endStream;
    this.bytesIn = 0;
    this.responseStarted = false;
    this.#answered = false;
    this.#tunnel = false;
    this.#undispatched = false;
    this.#grpc = grpc;
    this.#accept = '';
    this.#sendDeadline = 0;
    this.#bodyDeadline = 0;
  }

  /** Begins the exchange. True when it still has to be dispatched, because a body follows. */
  start(misdirected: boolean): boolean {
    const { head } = this;
    if (head.upgrade !== '') {
      const key = newKey();
      this.#accept = acceptOf(key);
      head.added = `Sec-WebSocket-Key: ${key}\r\n`;
      // What comes before the tunnel stands is kept: a window of it, and not more.
      this.pauseReceiving();
    }
    if (!this.#exchange.start(misdirected)) return false;
    if (this.requestComplete) {
      this.#exchange.dispatch();
      return false;
    }
    this.#undispatched = true;
    this.#awaitBody();
    return true;
  }

  /** Sends the request, now that it is known what came with its head. */
  dispatch(): void {
    if (!this.#undispatched) return;
    this.#undispatched = false;
    if (this.#exchange.active) this.#exchange.dispatch();
    else this.#context.out.clear();
  }

  /** Refused before there was an exchange. */
  refuse(rejection: Rejection): void {
    this.reply(textReply(rejection.status, rejection.reason));
    this.done();
  }

  onTick(now: number): void {
    if (this.#sendDeadline !== 0 && now >= this.#sendDeadline) {
      this.#giveUp();
      this.reset(f.CANCEL);
    } else if (this.#bodyDeadline !== 0 && now >= this.#bodyDeadline) {
      this.#bodyDeadline = 0;
      this.#refuseBody(408, 'Request body took too long');
    } else if (this.#exchange.active) {
      this.#exchange.onTick(now);
    }
  }

  onData(bytes: Buffer, start: number, end: number, owned: boolean): void {
    const exchange = this.#exchange;
    if (!exchange.active) return;
    const size = end - start;
    this.bytesIn += size;
    if (this.#tunnel) {
      exchange.tunnel(owned ? bytes.subarray(start, end) : Buffer.from(bytes.subarray(start, end)));
      return;
    }
    const announced = this.head.contentLength;
    const limit = this.#context.limits.body;
    if (this.head.upgrade !== '') {
      this.#early.push(Buffer.from(bytes.subarray(start, end)));
    } else if (announced >= 0 && this.bytesIn > announced) {
      this.session.malformed(this);
    } else if (limit > 0 && this.bytesIn > limit) {
      this.#refuseBody(413, 'Body is too large');
    } else {
      this.#watchBody(size);
      this.#context.out.addBytes(bytes, start, end, false, owned);
      // A first try with what there is; the rest of the read may hold the end.
      if (!this.#undispatched) exchange.sendBody();
    }
  }

  onRemoteEnd(trailers: string): void {
    const exchange = this.#exchange;
    this.#bodyDeadline = 0;
    if (!exchange.active) return;
    if (this.#tunnel) {
      exchange.tunnelClientEnd();
      return;
    }
    if (this.head.upgrade !== '') return;
    if (this.head.contentLength >= 0 && this.bytesIn !== this.head.contentLength) {
      this.session.malformed(this);
      return;
    }
    exchange.requestEnded(trailers);
    if (this.#undispatched) this.dispatch();
    else exchange.sendBody();
  }

  onReset(_code: number): void {
    this.#giveUp();
  }

  onSent(): void {
    this.#sendDeadline = 0;
    this.#exchange.clientDrained();
  }

  /** A slow reader is not one that does not read. */
  onProgress(): void {
    if (this.#sendDeadline !== 0) this.blocked();
  }

  protected onLocalEnd(): void {
    // The answer is whole; what the request still has to say interests nobody (RFC 9113, 8.1).
    if (this.#answered) this.reset(f.NO_ERROR);
  }

  onClosed(): void {
    this.#sendDeadline = 0;
    this.#bodyDeadline = 0;
    this.#early.length = 0;
    this.session.recycle(this);
  }

  pauseRequest(): void {
    this.pauseReceiving();
    this.#bodyDeadline = 0;
  }

  resumeRequest(): void {
    if (!this.requestComplete) this.#awaitBody();
    this.resumeReceiving();
  }

  interim(head: ResponseHead): boolean {
    this.queueInterim(encodeStatus(head.status) + linesOf(head));
    return this.#pumped();
  }

  accepts(head: ResponseHead): boolean {
    if (this.#accept === '') return true;
    if (head.status === 101) return responseValue(head, 'sec-websocket-accept') === this.#accept;
    // To an extended CONNECT success means a tunnel, and there is none.
    return head.status >= 300;
  }

  respond(head: ResponseHead): void {
    let block = encodeStatus(head.status) + linesOf(head) + encodeAdded(head.added);
    if (head.contentLength >= 0 && head.status !== 204) block += encodeField('content-length', `${head.contentLength}`);
    if (head.trailer !== '') block += encodeField('trailer', head.trailer);
    this.queueHead(block);
  }

  sendBody(bytes: Buffer, start: number, end: number, owned: boolean): void {
    if (end - start <= JOIN_LIMIT) this.queueData(bytes.toString('latin1', start, end));
    else this.queueData(owned ? bytes.subarray(start, end) : Buffer.from(bytes.subarray(start, end)));
  }

  flush(): boolean {
    this.responseStarted = true;
    return this.#pumped();
  }

  end(trailers: string): void {
    this.queueEnd(trailers);
    this.#answered = true;
    this.#sendRest();
  }

  reply(reply: LocalReply): void {
    this.unqueue();
    if (this.#grpc) {
      this.queueHead(encodeStatus(200) + encodeAdded(grpcReplyLines(reply.status, reply.body)));
    } else {
      const bytes = Buffer.from(reply.body).toString('latin1');
      const empty = reply.status === 204 || reply.status === 304;
      let block = encodeStatus(reply.status) + encodeAdded(reply.headers);
      if (bytes !== '') block += encodeField('content-type', reply.contentType);
      if (!empty) block += encodeField('content-length', `${bytes.length}`);
      this.queueHead(block);
      if (!empty && this.head.method !== 'HEAD') this.queueData(bytes);
    }
    this.end('');
  }

  cut(): void {
    this.#undispatched = false;
    this.reset(f.INTERNAL_ERROR);
  }

  /** Called when the exchange is over. */
  done(): void {
    this.#undispatched = false;
    this.#bodyDeadline = 0;
    this.#answered = true;
    if (this.localEnded && !this.closed) this.reset(f.NO_ERROR);
    // What still comes is taken in and dropped.
    else if (!this.closed) this.resumeReceiving();
  }

  becomeTunnel(head: ResponseHead): void {
    this.#tunnel = true;
    this.queueHead(encodeStatus(200) + linesOf(head, tunnelDrops) + encodeAdded(head.added));
    this.flush();
    this.resumeReceiving();
    for (const bytes of this.#early.splice(0)) this.#exchange.tunnel(bytes);
    if (this.remoteEnded) this.#exchange.tunnelClientEnd();
  }

  tunnel(bytes: Buffer, start: number, end: number): boolean {
    this.queueData(Buffer.from(bytes.subarray(start, end)));
    return this.flush();
  }

  tunnelEnd(): void {
    this.queueEnd('');
    this.#sendRest();
  }

  tunnelClose(): void {
    this.#answered = true;
    if (this.localEnded && !this.closed) this.reset(f.NO_ERROR);
    else this.tunnelEnd();
  }

  blocked(): void {
    this.#sendDeadline = this.#context.now() + this.#context.limits.sendTimeout;
  }

  /** Whether all that was queued has left. */
  #pumped(): boolean {
    this.pump();
    if (this.free || this.closed) return true;
    this.session.wait(this);
    return false;
  }

  #awaitBody(): void {
    this.#bodyDeadline = this.#context.now() + this.#context.limits.bodyTimeout;
    this.#bodyDue = this.#context.limits.bodyMinimum;
  }

  /** A body that comes in drops is as bad as one that does not come. */
  #watchBody(size: number): void {
    this.#bodyDue -= size;
    if (this.#bodyDue <= 0 && this.#bodyDeadline !== 0) this.#awaitBody();
  }

  #sendRest(): void {
    this.responseStarted = true;
    this.pump();
    if (!this.closed && !this.localEnded) this.blocked();
  }

  #refuseBody(status: number, reason: string): void {
    const started = this.responseStarted;
    this.#giveUp();
    if (started) this.reset(f.CANCEL);
    else {
      this.#context.stats.rejected(this.listener, status);
      this.refuse({ status, reason });
    }
  }

  /** Nobody waits for this exchange any more. */
  #giveUp(): void {
    this.#undispatched = false;
    this.#context.out.clear();
    this.#exchange.abort();
  }
}

function linesOf(head: ResponseHead, drop?: ReadonlySet<string>): string {
  let block = '';
  for (let i = 0; i < head.runCount; i += 2)
    block += encodeLines(head.text, head.runs[i] as number, head.runs[i + 1] as number, drop);
  return block;
}

function encodeAdded(lines: string): string {
  return lines === '' ? '' : encodeLines(lines, 0, lines.length);
}

/** The value of a response header, its name in lower case. */
function responseValue(head: ResponseHead, name: string): string {
  for (let i = 0; i < head.runCount; i += 2) {
    for (const line of head.text.slice(head.runs[i], head.runs[i + 1]).split('\r\n')) {
      if (line.slice(0, name.length + 1).toLowerCase() === `${name}:`) return line.slice(name.length + 1).trim();
    }
  }
  return '';
}
