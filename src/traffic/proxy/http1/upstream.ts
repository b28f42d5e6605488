// One HTTP/1.1 connection to a backend: writes requests, reads responses strictly and hands them on piece by piece.
// Knows nothing of clients, routes or retries.

import type { Socket } from 'node:net';
import type { RequestBody } from '../http/request-body.ts';
import type { ResponseHandler, UpstreamRequest, UpstreamStream } from '../http/upstream-stream.ts';
import { dial, dialFailure } from '../upstream/dial.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import { BodyDecoder } from './body-decoder.ts';
import { composeRequest } from './compose.ts';
import type { Http1Pool } from './connection-pool.ts';
import { isSettled } from './direct-write.ts';
import { HEAD_WINDOW, hasBareLineFeed } from './head-reader.ts';
import type { HttpLimits } from './limits.ts';
import { OutBuffer } from './out-buffer.ts';
import { isOwned, type NextRead, nextMemory, sharedMemory } from './read-memory.ts';
import { parseResponseHead, ResponseHead } from './response-head.ts';

const STATUS_LINE = 'HTTP/1.';

/** Filled and flushed within one call, so one serves every connection of this thread. */
const out = new OutBuffer();

export class Http1Upstream implements UpstreamStream {
  readonly pool: Http1Pool;
  readonly socket: Socket;
  readonly head = new ResponseHead();
  readonly body = new BodyDecoder();
  connected = false;
  /** It has carried a response before, so the backend may have closed it meanwhile. */
  reused = false;
  /** Monotonic milliseconds since when it is idle. */
  idleSince = 0;
  /** The backend leaves the connection open after this response, and nothing unread is on it. */
  reusable = true;
  closed = false;
  #handler: ResponseHandler | undefined;
  #state: 'head' | 'body' | 'tunnel' = 'head';
  #pending = '';
  /** Bytes of the interim responses before the final one. */
  #interim = 0;
  #headRequest = false;
  #chunkedRequest = false;
  /** Of the last read: where it landed, how much it brought, what it says of the next. */
  #memory: Buffer | undefined;
  #count = 0;
  #next: NextRead = 'short';
  readonly #limits: HttpLimits;

  constructor(pool: Http1Pool) {
    this.pool = pool;
    this.#limits = pool.limits;
    const onReady = (): void => {
      this.connected = true;
      this.#handler?.onConnected();
    };
    const onBytes = (memory: Buffer, count: number): void => this.#onBytes(memory, count);
    const socket = dial(pool, onReady, { memory: () => this.#nextMemory(), onBytes });
    this.socket = socket;
    pool.opened();
    socket.on('end', () => this.#onPeerEnd());
    // The reason is in the state: not connected, or closed too early. `close` follows and tells the handler.
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
    socket.on('drain', () => this.#handler?.onDrain());
  }

  get outcome(): number {
    return this.head.status;
  }

  get trailers(): string {
    return this.body.trailers;
  }

  begin(handler: ResponseHandler, request: UpstreamRequest, body: RequestBody): boolean {
    const { head } = request;
    this.#handler = handler;
    this.#headRequest = head.method === 'HEAD';
    this.#chunkedRequest = head.contentLength < 0;
    this.#state = 'head';
    this.#interim = 0;
    out.text = composeRequest(head, request.facts, request.requestId);
    return this.sendBody(body, 0);
  }

  sendBody(body: RequestBody, from: number): boolean {
    const chunked = this.#chunkedRequest;
    const parts = body.parts;
    for (let i = from; i < parts.length; i++) out.addPart(parts[i] as string | Buffer, chunked);
    if (chunked && body.ended) out.text += `0\r\n${body.trailers}\r\n`;
    return out.flush(this.socket);
  }

  get settled(): boolean {
    return isSettled(this.socket);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  handOver(handler: ResponseHandler): void {
    this.#handler = handler;
  }

  /** The connection serves the next request, unless something speaks against it. */
  release(complete: boolean, now: number): void {
    this.#handler = undefined;
    if (complete && this.reusable && !this.closed) this.pool.put(this, now);
    else this.destroy();
  }

  destroy(): void {
    this.#handler = undefined;
    this.pool.forget(this);
    this.socket.destroy();
  }

  /** The handler's time-out: the connection is of no use any more. */
  fail(failure: Failure): void {
    const handler = this.#handler;
    this.destroy();
    handler?.onFailure(this, failure);
  }

  becomeTunnel(): void {
    this.#state = 'tunnel';
    this.reusable = false;
  }

  tunnel(bytes: Buffer): boolean {
    return this.socket.write(bytes);
  }

  tunnelEnd(): void {
    this.socket.end();
  }

  #nextMemory(): Buffer | undefined {
    const memory = this.#memory;
    return memory === undefined ? sharedMemory : nextMemory(memory, this.#count, this.#next);
  }

  #onBytes(memory: Buffer, count: number): void {
    this.#next = this.#read(memory, count);
    this.#memory = memory;
    this.#count = count;
  }

  #read(memory: Buffer, count: number): NextRead {
    let handler = this.#handler;
    if (handler === undefined) {
      // An idle backend has nothing to say: a late or second response must never reach the next client.
      this.destroy();
      return 'short';
    }
    let pos = 0;
    if (this.#state === 'head') {
      pos = this.#readHead(handler, memory, count);
      // Whoever read the head may have handed the rest over.
      handler = this.#handler;
      if (pos < 0 || handler === undefined) return 'short';
    }
    if (this.#state === 'tunnel') {
      handler.onTunnel(memory, pos, count);
      return 'short';
    }
    const body = this.body;
    const owned = isOwned(memory, count);
    while (pos < count && !body.done) {
      pos = body.next(memory, pos, count);
      if (body.failed !== '') {
        this.fail(failures.truncated);
        return 'short';
      }
      if (body.dataEnd > body.dataStart) handler.onBody(memory, body.dataStart, body.dataEnd, owned);
      if (this.#handler !== handler) return 'short';
    }
    if (!body.done) {
      return handler.onPause() || !owned ? 'long' : 'kept';
    }
    if (pos < count) this.reusable = false;
    this.#handler = undefined;
    return handler.onEnd(this) || !owned ? 'free' : 'short';
  }

  /** Reads heads from what a read brought; returns where the body starts, or -1 when it has to wait or has failed. */
  #readHead(handler: ResponseHandler, memory: Buffer, count: number): number {
    // A long body behind the head need not become a string.
    let window = Math.min(count, HEAD_WINDOW);
    let text = memory.toString('latin1', 0, window);
    let before = this.#pending.length;
    if (before > 0) {
      text = this.#pending + text;
      this.#pending = '';
    }
    const limits = this.#limits;
    // What came before was searched when it came.
    let searched = Math.max(0, before - 3);
    for (;;) {
      const at = text.indexOf('\r\n\r\n', searched);
      if (at < 0 && window < count) {
        text += memory.toString('latin1', window, count);
        window = count;
        continue;
      }
      if (at < 0) {
        // Whatever is no start of a head fails at once: HTTP/0.9, a page, another protocol.
        if (
          text.length > limits.head ||
          !text.startsWith(STATUS_LINE.slice(0, text.length)) ||
          hasBareLineFeed(text, searched)
        ) {
          this.fail(failures.protocol);
          return -1;
        }
        this.#pending = text;
        return -1;
      }
      const end = at + 4;
      const head = this.head;
      if (end + this.#interim > limits.head || parseResponseHead(text, end, head, limits) !== undefined) {
        this.fail(failures.protocol);
        return -1;
      }
      if (head.status >= 200 || head.status === 101) {
        this.#beginBody(head);
        handler.onHead(this);
        return end - before;
      }
      handler.onInterim(head);
      if (this.#handler !== handler) return -1;
      this.#interim += end;
      text = text.slice(end);
      before -= end;
      searched = 0;
    }
  }

  #beginBody(head: ResponseHead): void {
    const body = this.body;
    const status = head.status;
    this.reusable = head.keepAlive;
    this.#state = 'body';
    // A backend that announces a body where there is none may send it, into the next answer.
    if (status === 204 && (head.chunked || head.contentLength > 0)) this.reusable = false;
    if (this.#headRequest || status === 204 || status === 304 || status === 101) {
      body.begin('none', 0);
    } else if (head.chunked) {
      body.begin('chunked', 0);
    } else if (head.contentLength >= 0) {
      body.begin('length', head.contentLength);
    } else {
      body.begin('close', 0);
      this.reusable = false;
    }
  }

  #onPeerEnd(): void {
    const handler = this.#handler;
    if (handler !== undefined && this.#state === 'tunnel') {
      handler.onTunnelEnd();
      return;
    }
    if (handler !== undefined && this.#state === 'body' && this.body.finish()) {
      this.#handler = undefined;
      this.reusable = false;
      handler.onEnd(this);
      return;
    }
    this.socket.destroy();
  }

  #onClose(): void {
    this.closed = true;
    this.pool.forget(this);
    this.pool.closed();
    const handler = this.#handler;
    if (handler === undefined) return;
    this.#handler = undefined;
    if (this.#state === 'tunnel') handler.onTunnelClose(this);
    else if (!this.connected) handler.onFailure(this, dialFailure(this.socket));
    else if (this.#state === 'head' && this.#pending === '') handler.onFailure(this, failures.closed);
    else handler.onFailure(this, failures.truncated);
  }
}
