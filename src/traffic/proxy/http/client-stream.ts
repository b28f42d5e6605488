// The client side of an exchange: a request as it arrives, and where the response goes.
// Types only; what a protocol makes of the calls (framing, chunks, frames) is its own business.

import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { LocalReply } from './local-reply.ts';

/** One object serves the requests of a connection (HTTP/1.1) or of a stream (HTTP/2) in turn. */
export interface ClientStream {
  readonly head: RequestHead;
  readonly listener: string;
  /** Of the connection; from the start of an exchange on, of its request. */
  facts: ClientFacts;
  /** As access logs name it: `HTTP/1.1`, `HTTP/2`. */
  readonly protocol: string;
  /** Every byte of the request has arrived. */
  readonly requestComplete: boolean;
  /** Payload bytes of the request so far. */
  readonly bytesIn: number;

  /** The backend takes no more for now, or again. */
  pauseRequest(): void;
  resumeRequest(): void;

  /** A 1xx other than 101. False when the client takes no more for now: `Exchange.clientDrained` follows. */
  interim(head: ResponseHead): boolean;
  /** Whether the client can be told of this final response at all; a failure of the backend's when it cannot. */
  accepts(head: ResponseHead): boolean;
  /** The response head. It may wait for what else comes in this turn, until `flush` or `end`. */
  respond(head: ResponseHead): void;
  /** Payload; memory that is not `owned` is reused as soon as the call returns. */
  sendBody(bytes: Buffer, start: number, end: number, owned: boolean): void;
  /** Sends what is there. False when the client takes no more for now: `Exchange.clientDrained` follows. */
  flush(): boolean;
  /** Everything handed over has left, so that its memory may be used anew. Left out: that is never known. */
  readonly settled?: boolean;
  /** The response is whole. `trailers` are header lines, or empty. */
  end(trailers: string): void;
  /** Something of the response has left: no other can take its place. */
  readonly responseStarted: boolean;
  /** A whole answer of the proxy's own, in place of a backend's. */
  reply(reply: LocalReply): void;
  /** Part of a response is out and the rest will not come: the client must not take it for whole. */
  cut(): void;

  /** Both sides agreed to switch protocols: `head` says so to the client, and bytes flow from now on. */
  becomeTunnel(head: ResponseHead): void;
  /** Bytes of the backend; the memory is reused as soon as the call returns. False: `clientDrained` follows. */
  tunnel(bytes: Buffer, start: number, end: number): boolean;
  /** The backend has said its last. */
  tunnelEnd(): void;
  /** The backend's side is closed: what is left goes out, then the client's side closes too. */
  tunnelClose(): void;

  /** The client does not read: its send time-out runs until it does. */
  blocked(): void;
  /** The exchange is over, its record written; the next request may come. */
  done(now: number): void;
}
