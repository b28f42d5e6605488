// The filters of the request under way: runs them in order, and stands between them and the exchange.
// Knows no filter by name. A route without filters costs two comparisons and no more.

import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import type { ClientStream } from '../http/client-stream.ts';
import type { HttpContext } from '../http/context.ts';
import { fieldValue, removeFields } from '../http/head-edits.ts';
import type { LocalReply } from '../http/local-reply.ts';
import type { RequestBody } from '../http/request-body.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { chainOf, type FilterChain } from './chain.ts';
import type { FilterExchange, HttpFilter, ResponseSink } from './filter.ts';

/** What filters cause in the exchange. */
export interface FilterHost {
  readonly requestId: string;
  /** The filters have let the request through, later than at once. */
  proceed(): void;
  answer(reply: LocalReply): void;
  /** The client sends no more of its body, and then does so again. */
  holdBack(): void;
  letSend(): void;
  /** The response has been handed to the client, later than at its end. */
  ended(): void;
  /** The client takes bytes again. */
  unblocked(): void;
  /** The response cannot be brought to its end. */
  broken(): void;
}

const none: readonly number[] = [];
const contentType: ReadonlySet<string> = new Set(['content-type']);

/** `100 Continue`, as a backend would say it. */
const goOn = new ResponseHead();
goOn.text = '100 Continue';
goOn.status = 100;
goOn.statusEnd = goOn.text.length;

/** One per client stream, begun anew with each request. */
export class FilterRun implements FilterExchange {
  readonly context: HttpContext;
  readonly body: RequestBody;
  /** Where the response of the backend goes. */
  sink: ResponseSink;
  /** A filter holds the request; what comes of its body is kept meanwhile. */
  waiting = false;
  /** The response has ended, and a filter still hands on the rest of it. */
  finishing = false;
  bytesSaved = 0;
  readonly #client: ClientStream;
  readonly #host: FilterHost;
  /** Of this request, in the order of the chain. */
  readonly #filters: HttpFilter[] = [];
  /** How many of them have let the request through, or hold it. */
  #reached = 0;
  #responseOrder: readonly number[] = none;
  #route: Route | undefined;
  #backend: WeightedCluster | undefined;
  /** The client was told to wait with its body. */
  #heldBack = false;
  /** `hold` is at work: `resume` leaves going on to it. */
  #inBody = false;

  constructor(context: HttpContext, client: ClientStream, body: RequestBody, host: FilterHost) {
    this.context = context;
    this.body = body;
    this.sink = client;
    this.#client = client;
    this.#host = host;
  }

  /** No filter sees, or keeps, what passes. */
  get transparent(): boolean {
    return this.#filters.length === 0;
  }

  get listener(): string {
    return this.#client.listener;
  }

  get facts(): FilterExchange['facts'] {
    return this.#client.facts;
  }

  get head(): FilterExchange['head'] {
    return this.#client.head;
  }

  get requestId(): string {
    return this.#host.requestId;
  }

  get route(): Route {
    return this.#route as Route;
  }

  get backend(): WeightedCluster | undefined {
    return this.#backend;
  }

  get bytesIn(): number {
    return this.#client.bytesIn;
  }

  /** A request begins; what it is answered with, when it goes no further. Look at `waiting` else. */
  begin(route: Route, backend: WeightedCluster | undefined): LocalReply | undefined {
    if (route.filters === undefined && backend?.filters === undefined) return undefined;
    return this.run(route, backend, chainOf(route, backend));
  }

  /** The same with a chain that is given. */
  run(route: Route, backend: WeightedCluster | undefined, chain: FilterChain): LocalReply | undefined {
    this.#route = route;
    this.#backend = backend;
    this.#responseOrder = chain.responseOrder;
    for (const make of chain.factories) this.#filters.push(make(this));
    return this.#goOn();
  }

  #goOn(): LocalReply | undefined {
    const filters = this.#filters;
    while (this.#reached < filters.length) {
      const verdict = (filters[this.#reached++] as HttpFilter).onRequest?.(this);
      if (verdict === 'wait') {
        this.waiting = true;
        return undefined;
      }
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  /** Shows the filters what came of the body, from part `from` on. True when the request goes no further for now. */
  hold(from: number): boolean {
    if (this.#filters.length === 0) return false;
    this.#inBody = true;
    let reply = this.#show(0, from);
    while (reply === undefined && !this.waiting && this.#reached < this.#filters.length) {
      // One that waited has seen enough: those behind it meet the request now, with all that has come.
      const behind = this.#reached;
      reply = this.#goOn() ?? this.#show(behind, 0);
    }
    this.#inBody = false;
    if (reply !== undefined) this.#host.answer(reply);
    return reply !== undefined || this.waiting;
  }

  #show(first: number, from: number): LocalReply | undefined {
    const end = this.#reached;
    for (let at = first; at < end; at++) {
      const reply = (this.#filters[at] as HttpFilter).onRequestBody?.(this, from);
      if (reply !== undefined) return reply;
    }
    return undefined;
  }

  /** The final response head has come, or that of a switch of protocols. */
  edit(head: ResponseHead): void {
    for (const at of this.#responseOrder) (this.#filters[at] as HttpFilter).onResponse?.(this, head);
  }

  /** Filters take their places before the client, and the head goes its way through them. */
  respond(head: ResponseHead): void {
    // A try before may have left its own here, unheard.
    this.sink = this.#client;
    for (const filter of this.#filters) this.sink = filter.wrap?.(this, head, this.sink) ?? this.sink;
    this.sink.respond(head);
  }

  /** An answer of the proxy itself, as the filters leave it. */
  reply(reply: LocalReply): LocalReply {
    const filters = this.#filters;
    if (filters.length === 0) return reply;
    const text = reply.contentType === '' ? reply.headers : `Content-Type: ${reply.contentType}\r\n${reply.headers}`;
    const lines = { status: reply.status, text, runs: [0, text.length], runCount: text === '' ? 0 : 2, added: '' };
    for (const at of this.#responseOrder) (filters[at] as HttpFilter).onResponse?.(this, lines);
    const type = fieldValue(lines, 'content-type') ?? reply.contentType;
    removeFields(lines, contentType);
    let headers = '';
    for (let run = 0; run < lines.runCount; run += 2) headers += text.slice(lines.runs[run], lines.runs[run + 1]);
    return { ...reply, contentType: type, headers: headers + lines.added };
  }

  /** The exchange is over; returns the bytes that the client was spared. */
  end(): number {
    this.waiting = false;
    this.#heldBack = false;
    this.finishing = false;
    this.sink = this.#client;
    const filters = this.#filters;
    if (filters.length === 0) return 0;
    this.#reached = 0;
    this.#responseOrder = none;
    this.bytesSaved = 0;
    for (const filter of filters) filter.onEnd?.();
    filters.length = 0;
    return this.bytesSaved;
  }

  askForBody(): void {
    if (!this.head.expectContinue) return;
    this.head.expectContinue = false;
    this.#client.interim(goOn);
  }

  holdBack(): void {
    if (this.#heldBack) return;
    this.#heldBack = true;
    this.#host.holdBack();
  }

  resume(): void {
    if (!this.waiting) return;
    this.waiting = false;
    if (this.#heldBack) {
      this.#heldBack = false;
      this.#host.letSend();
    }
    if (this.#inBody) return;
    if (!this.hold(this.body.parts.length)) this.#host.proceed();
  }

  answer(reply: LocalReply): void {
    if (!this.waiting) return;
    this.waiting = false;
    this.#host.answer(reply);
  }

  unblocked(): void {
    this.#host.unblocked();
  }

  endsLater(): void {
    this.finishing = true;
  }

  ended(): void {
    this.#host.ended();
  }

  broken(): void {
    this.#host.broken();
  }
}
