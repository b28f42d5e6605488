// One request to a backend and its response, on a stream of a connection that many share.
// Knows nothing of clients, routes or retries.

import type { Socket } from 'node:net';
import type { RequestBody } from '../http/request-body.ts';
import type { ResponseHandler, UpstreamRequest, UpstreamStream } from '../http/upstream-stream.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import type { ClientSession } from './client-session.ts';
import { requestBlock } from './compose-request.ts';
import * as f from './frames.ts';
import { httpStatusIn } from './grpc.ts';
import type { Http2Pool } from './session-pool.ts';
import { Http2Stream } from './stream.ts';
import { acceptOf } from './websocket.ts';

export class Http2Upstream extends Http2Stream implements UpstreamStream {
  readonly pool: Http2Pool;
  readonly head = new ResponseHead();
  trailers = '';
  protected readonly session: ClientSession;
  #handler: ResponseHandler | undefined;
  #request: UpstreamRequest | undefined;
  /** The request asks for a tunnel; any other upgrade is an offer that HTTP/2 does not take up (RFC 9110, 7.8). */
  #connect = false;
  #headSeen = false;
  #grpc = false;
  #tunnel = false;
  #received = 0;
  /** Bytes of interim heads. */
  #interim = 0;
  /** The session has carried a response before this request. */
  readonly reused: boolean;

  constructor(session: ClientSession) {
    super();
    this.session = session;
    this.pool = session.pool;
    this.reused = session.served;
  }

  get socket(): Socket {
    return this.session.socket;
  }

  get connected(): boolean {
    return this.session.connected;
  }

  get headRequest(): boolean {
    return this.#request?.head.method === 'HEAD';
  }

  /** The response head is still to come, or the final one after interim ones. */
  get awaitsHead(): boolean {
    return !this.#headSeen;
  }

  /** Status that says how the backend fared: of a gRPC call it stands at its end. */
  get outcome(): number {
    if (!this.#grpc || this.head.status !== 200) return this.head.status;
    return httpStatusIn(this.trailers === '' ? this.head.text : this.trailers);
  }

  begin(handler: ResponseHandler, request: UpstreamRequest, body: RequestBody): boolean {
    this.#handler = handler;
    this.#request = request;
    this.#connect = request.head.upgrade.toLowerCase() === 'websocket';
    if (this.#connect) {
      this.session.whenSettled(this);
      return true;
    }
    this.#open(request);
    return this.sendBody(body, 0);
  }

  /** The backend's settings are known: whether it serves what an upgrade becomes. */
  onSettled(): void {
    const request = this.#request;
    if (request === undefined || !this.closed) return;
    if (this.session.servesConnect) {
      this.#open(request);
      this.pump();
    } else this.#end(failures.protocol);
  }

  sendBody(body: RequestBody, from: number): boolean {
    const { parts } = body;
    for (let i = from; i < parts.length; i++) this.queueData(parts[i] as string | Buffer);
    if (body.ended && !this.#connect) this.queueEnd(body.trailers);
    return this.#pumped();
  }

  pause(): void {
    this.pauseReceiving();
  }

  resume(): void {
    if (!this.closed) this.resumeReceiving();
  }

  becomeTunnel(): void {
    this.#tunnel = true;
  }

  tunnel(bytes: Buffer): boolean {
    this.queueData(bytes);
    return this.#pumped();
  }

  tunnelEnd(): void {
    this.queueEnd('');
    this.pump();
  }

  handOver(handler: ResponseHandler): void {
    this.#handler = handler;
  }

  release(_complete: boolean, _now: number): void {
    this.#handler = undefined;
    this.#request = undefined;
    // Where both sides have ended there is nothing to reset, and backends end connections with many resets.
    if (this.localEnded && this.remoteEnded) this.session.close(this);
    // What has been answered whole may stop here too: whoever answers does not want the rest.
    else this.reset(this.remoteEnded ? f.NO_ERROR : f.CANCEL);
  }

  fail(failure: Failure): void {
    this.#end(failure);
  }

  /** Fields of a head have come. False when it is none that a response may have here. */
  onHead(complete: boolean, grpc: boolean): boolean {
    const { head } = this;
    const handler = this.#handler;
    this.session.touched(this);
    if (head.status < 200) {
      // No window holds heads back: all there are may be as long as one.
      this.#interim += head.text.length;
      if (this.#interim > this.pool.limits.head) return false;
      handler?.onInterim(head);
      return true;
    }
    this.#headSeen = true;
    this.#grpc = grpc;
    const request = this.#request;
    if (request !== undefined && this.#connect && head.status < 300) {
      if (complete) return false;
      this.#agree(request);
    }
    handler?.onHead(this);
    return true;
  }

  onData(bytes: Buffer, start: number, end: number, owned: boolean): void {
    const handler = this.#handler;
    if (!this.#headSeen) {
      this.session.broken(this);
      return;
    }
    this.session.touched(this);
    if (this.#tunnel) {
      handler?.onTunnel(bytes, start, end);
      return;
    }
    this.#received += end - start;
    const bodyless = this.headRequest || this.head.status === 204 || this.head.status === 304;
    if (bodyless || (this.head.contentLength >= 0 && this.#received > this.head.contentLength)) {
      this.session.broken(this);
      return;
    }
    handler?.onBody(bytes, start, end, owned);
  }

  /** All that one read brought is handed over. */
  onReadEnd(): void {
    if (!this.remoteEnded && !this.closed) this.#handler?.onPause();
  }

  onRemoteEnd(trailers: string): void {
    const handler = this.#handler;
    this.session.touched(this);
    this.trailers = trailers;
    if (!this.#headSeen) {
      this.session.broken(this);
      return;
    }
    if (this.#tunnel) {
      handler?.onTunnelEnd();
      if (this.localEnded) this.#closeTunnel();
      return;
    }
    const { contentLength, status } = this.head;
    if (contentLength >= 0 && this.#received !== contentLength && !this.headRequest && status !== 304) {
      this.session.broken(this);
      return;
    }
    this.#handler = undefined;
    this.session.served = true;
    handler?.onEnd(this);
  }

  onReset(code: number): void {
    if (code === f.REFUSED_STREAM && !this.#headSeen) this.lost(failures.refusedStream);
    else this.lost(failures.reset);
  }

  /** The stream is gone; `failure` is why, as long as nothing of an answer has come. */
  lost(failure: Failure): void {
    const handler = this.#handler;
    this.session.touched(this);
    this.session.unsettle(this);
    this.session.close(this);
    // Closing has told the handler of a tunnel.
    if (this.#tunnel || handler === undefined) return;
    this.#handler = undefined;
    handler.onFailure(this, this.#headSeen ? failures.truncated : failure);
  }

  /** What came is no response. */
  refuse(): void {
    this.#end(failures.protocol, f.PROTOCOL_ERROR);
  }

  onSent(): void {
    this.#handler?.onDrain();
  }

  onProgress(): void {
    // The time-outs of the exchange are what counts.
  }

  onConnected(): void {
    this.#handler?.onConnected();
  }

  protected onLocalEnd(): void {
    // The response decides when the stream is over.
  }

  onClosed(): void {
    if (this.#tunnel) this.#closeTunnel();
  }

  #open(request: UpstreamRequest): void {
    this.reopen();
    this.session.open(this);
    this.queueHead(requestBlock(request, this.pool.transport.tls === undefined ? 'http' : 'https', this.#connect));
  }

  #pumped(): boolean {
    this.pump();
    if (this.free || this.closed) return true;
    this.session.wait(this);
    return false;
  }

  /** The tunnel stands: to whoever waits it looks as if the backend had switched protocols. */
  #agree(request: UpstreamRequest): void {
    const { head } = this;
    const key = request.head.header('sec-websocket-key') ?? keyIn(request.head.added);
    const lines = head.text.slice(head.statusEnd + 2);
    const line = '101 Switching Protocols\r\n';
    head.status = 101;
    head.upgrade = 'websocket';
    head.text = `${line}${lines}Sec-WebSocket-Accept: ${acceptOf(key)}\r\n`;
    head.statusEnd = line.length - 2;
    head.contentLength = -1;
    head.chunked = false;
    head.runs[0] = line.length;
    head.runs[1] = head.text.length;
    head.runCount = 2;
  }

  #closeTunnel(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onTunnelClose(this);
  }

  #end(failure: Failure, code: number = f.CANCEL): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.session.touched(this);
    this.session.unsettle(this);
    this.reset(code);
    handler?.onFailure(this, failure);
  }
}

function keyIn(lines: string): string {
  return /^sec-websocket-key:[ \t]*(\S*)/im.exec(lines)?.[1] ?? '';
}
