// The backend side of an exchange: one request on its way, and the response that is read from it.
// Types only; whether a connection or a stream of a shared one carries it is the protocol's business.

import type { Socket } from 'node:net';
import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { EndpointPool } from '../upstream/endpoint-pool.ts';
import type { Failure } from '../upstream/failure.ts';
import type { RequestBody } from './request-body.ts';

/** What a request says to a backend; the protocol writes it down. */
export interface UpstreamRequest {
  readonly head: RequestHead;
  readonly facts: ClientFacts;
  readonly requestId: string;
}

/** Whoever waits for the response. Calls come in order; after `onEnd` or `onFailure` none follows. */
export interface ResponseHandler {
  onConnected(): void;
  /** A 1xx other than 101. */
  onInterim(head: ResponseHead): void;
  onHead(stream: UpstreamStream): void;
  /** Payload of the body; memory that is not `owned` is reused as soon as the call returns, `owned` memory
   * only once `onPause` says so. */
  onBody(bytes: Buffer, start: number, end: number, owned: boolean): void;
  /** Everything that one read brought has been handed over. True when nobody needs its memory any more. */
  onPause(): boolean;
  /** True when nobody needs the memory of the last read any more. */
  onEnd(stream: UpstreamStream): boolean;
  /** Bytes behind a switch of protocols; the memory is reused as soon as the call returns. */
  onTunnel(bytes: Buffer, start: number, end: number): void;
  onTunnelEnd(): void;
  /** The backend's side of a tunnel is closed, whoever began it: how tunnels end, and no failure. */
  onTunnelClose(stream: UpstreamStream): void;
  onFailure(stream: UpstreamStream, failure: Failure): void;
  onDrain(): void;
}

export interface UpstreamStream {
  readonly pool: EndpointPool;
  /** Of the last response. */
  readonly head: ResponseHead;
  /** Trailer lines of the last response, or empty. */
  readonly trailers: string;
  /** Status that says how the backend fared, once the response is whole: gRPC tells it at the end. */
  readonly outcome: number;
  /** The connection stands; until then nothing has left. */
  readonly connected: boolean;
  /** That carries it, perhaps with others. */
  readonly socket: Socket;
  /** The connection has carried a response before, so the backend may have closed it meanwhile. */
  readonly reused: boolean;

  /** Sends the head and what there is of the body, on behalf of `handler`. False: `onDrain` follows. */
  begin(handler: ResponseHandler, request: UpstreamRequest, body: RequestBody): boolean;
  /** Sends the parts of `body` from index `from` on, and its end when it has come. False: `onDrain` follows. */
  sendBody(body: RequestBody, from: number): boolean;
  /** Everything handed over has left, so that its memory may be used anew. Left out: that is never known. */
  readonly settled?: boolean;
  pause(): void;
  resume(): void;

  /** Called within `onHead`: bytes belong to whatever both sides agreed on from now on. */
  becomeTunnel(): void;
  /** Bytes of the client, which may be kept. False: `onDrain` follows. */
  tunnel(bytes: Buffer): boolean;
  tunnelEnd(): void;

  /** The rest of the response goes to `handler`. */
  handOver(handler: ResponseHandler): void;
  /** The handler wants nothing more. `complete` tells that the request was sent whole, so that others may follow. */
  release(complete: boolean, now: number): void;
  /** The handler's time-out: nothing more is wanted of this request, and `onFailure` is told. */
  fail(failure: Failure): void;
}
