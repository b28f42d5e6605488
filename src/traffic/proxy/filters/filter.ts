// What a filter is: the one signature, and what a filter may know of the request it acts on.
// Types only; in which order filters stand is `model/filter-order.ts`, which ones exist is `chain.ts`.

import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import type { ClientStream } from '../http/client-stream.ts';
import type { HttpContext } from '../http/context.ts';
import type { HeaderLines } from '../http/head-edits.ts';
import type { LocalReply } from '../http/local-reply.ts';
import type { RequestBody } from '../http/request-body.ts';
import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';

/** The exchange as a filter sees it, the same object in every call. */
export interface FilterExchange {
  readonly context: HttpContext;
  readonly listener: string;
  readonly facts: ClientFacts;
  readonly head: RequestHead;
  readonly requestId: string;
  readonly route: Route;
  /** Where the request is to go; undefined for routes that answer by themselves. */
  readonly backend: WeightedCluster | undefined;
  /** What has come of the request's payload and is still kept. */
  readonly body: RequestBody;
  /** Payload bytes of the request so far. */
  readonly bytesIn: number;
  /** Payload bytes of the response that the client is spared, for the access log. */
  bytesSaved: number;

  /** Says `100 Continue` to a client that waits for it; the backend is not asked any more. */
  askForBody(): void;
  /** The client is to send no more of its body until the request goes on. */
  holdBack(): void;
  /** Goes on behind a filter that said `wait`. */
  resume(): void;
  /** Answers in place of going on behind a filter that said `wait`. */
  answer(reply: LocalReply): void;
  /** A `ResponseSink` takes bytes again. */
  unblocked(): void;
  /** Called by a `ResponseSink` within its `end`: some of it is still on its way, and `ended` follows. */
  endsLater(): void;
  ended(): void;
  /** The response cannot be brought to its end: the client must not take it for whole. */
  broken(): void;
}

/** A response head as far as filters edit it; answers of the proxy itself come in this form too. */
export interface ResponseLines extends HeaderLines {
  readonly status: number;
}

/**
 * Where a response goes: the client, or a filter that does something to the body before. Whoever gets `false` from
 * `flush` calls `blocked` and waits. What is gathered for the client leaves within the event that brought it.
 */
export interface ResponseSink extends Pick<ClientStream, 'respond' | 'sendBody' | 'flush' | 'end' | 'blocked'> {
  /** The client takes bytes again; calls `FilterExchange.unblocked` as soon as it does so too. */
  drained?(): void;
}

/** One filter at work on one request. Every part may be left out; all of it runs on the hot path. */
export interface HttpFilter {
  /** The head is here, the body may follow. A reply ends the request; `wait` holds it until `x.resume()`. */
  onRequest?(x: FilterExchange): LocalReply | 'wait' | undefined;
  /** `x.body.parts` from index `from` on have come, or the end has. At least once for a request that goes to a backend. */
  onRequestBody?(x: FilterExchange, from: number): LocalReply | undefined;
  /** The final response head, or an answer of the proxy's own. */
  onResponse?(x: FilterExchange, head: ResponseLines): void;
  /** Stands between the response of a backend and `next`, or leaves it alone. Heads are edited in `respond`. */
  wrap?(x: FilterExchange, head: ResponseHead, next: ResponseSink): ResponseSink;
  /** The exchange is over, however it ended. */
  onEnd?(): void;
}

/** Makes a configured filter ready for one request; filters without state of their own return one object for all. */
export type FilterFactory = (x: FilterExchange) => HttpFilter;
