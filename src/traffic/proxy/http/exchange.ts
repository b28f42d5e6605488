// One request and its response: picks an endpoint, sends, relays the answer, tries again where that is safe.
// Knows nothing of how messages are framed on either side; one object serves the requests of a client in turn.

import { type FilterHost, FilterRun } from '../filters/filter-run.ts';
import { backendAnswer, localAction } from '../filters/local-action.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { Timed } from '../sweeper.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import type { ClientStream } from './client-stream.ts';
import type { HttpContext } from './context.ts';
import { Deadlines, shorter } from './deadlines.ts';
import { discard } from './discarded-response.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { failureOf, type LocalReply, textReply } from './local-reply.ts';
import { RequestBody } from './request-body.ts';
import { requestFacts } from './request-facts.ts';
import { Tries, type TriesHost } from './tries.ts';
import { switchProtocols } from './upgrade.ts';
import type { ResponseHandler, UpstreamRequest, UpstreamStream } from './upstream-stream.ts';

export class Exchange implements FilterHost, ResponseHandler, Timed, TriesHost, UpstreamRequest {
  active = false;
  requestId = '';
  readonly head: RequestHead;
  facts: ClientStream['facts'];
  readonly #context: HttpContext;
  readonly #client: ClientStream;
  /** Who connected, whoever it speaks for. */
  readonly #peer: ClientStream['facts'];
  readonly #deadlines: Deadlines;
  readonly #tries: Tries;
  readonly #body = new RequestBody();
  readonly #record = new ExchangeRecord();
  readonly #filters: FilterRun;
  #responding = false;
  /** The client does not read. */
  #paused = false;
  /** The backend does not read. */
  #requestBlocked = false;

  constructor(context: HttpContext, client: ClientStream) {
    this.#context = context;
    this.#client = client;
    this.head = client.head;
    this.facts = client.facts;
    this.#peer = client.facts;
    this.#deadlines = new Deadlines(context.sweeper, this);
    this.#filters = new FilterRun(context, client, this.#body, this);
    this.#tries = new Tries(context, this, this.#deadlines, client.facts);
  }

  /** Part of the answer has been written. */
  get responding(): boolean {
    return this.active && this.#responding;
  }

  /** Routes the request. False when it was answered at once; else the caller puts what it has of the body into the
   * context's out buffer and calls `dispatch`. */
  start(misdirected: boolean): boolean {
    const context = this.#context;
    const client = this.#client;
    const { head } = this;
    this.active = true;
    this.#record.begin(context.now());
    const facts = requestFacts(this.#peer, head, context.isTrusted);
    this.facts = facts;
    client.facts = facts;
    this.#tries.reset(facts, context.tracer?.begin(head, this.#record.started));
    this.#responding = false;
    this.#paused = false;
    this.#requestBlocked = false;
    this.#body.begin();
    if (client.requestComplete) this.#body.end('');
    this.requestId = head.requestId === '' ? context.newRequestId() : head.requestId;
    context.stats.requestStarted();
    const route = context.snapshot.route(client.listener, head.host, head.target, head);
    this.#record.route = route;
    if (misdirected) return this.#refuse(421, 'Host is not served over this TLS connection');
    if (route === undefined) return this.#refuse(404, 'No route for this host and path');
    const backend = this.#tries.backend(route, head);
    const reply =
      this.#filters.begin(route.route, backend) ?? localAction(route.route, head, this.facts) ?? backendAnswer(backend);
    if (reply !== undefined) return this.answer(reply);
    const cluster = backend === undefined ? undefined : context.snapshot.cluster(backend.cluster);
    if (cluster === undefined) return this.#refuse(503, `No backend for route ${route.route.metricName}`);
    if (context.limits.body > 0 && head.contentLength > context.limits.body)
      return this.#refuse(413, 'Body is too large');
    if (!this.#tries.enter(route.route, cluster, head))
      return this.#refuse(503, `Backend has all the requests it may have, route ${route.route.metricName}`, 'overflow');
    const whole = route.route.timeouts?.request ?? cluster.config.timeouts.request ?? 0;
    this.#deadlines.begin(shorter(whole, head.timeoutMs), this.#record.started);
    return true;
  }

  /** Sends the request, with what the out buffer holds of its body, to an endpoint. */
  dispatch(): void {
    if (!this.#filters.hold(this.#body.take(this.#context.out))) this.#tries.next(false, this.#record.started);
  }

  /** The filters have held the request until now. */
  proceed(): void {
    this.#tries.next(false, this.#context.now());
  }

  /** Who takes the body does not read: until it does, neither does the proxy. */
  holdBack(): void {
    this.#requestBlocked = true;
    this.#client.pauseRequest();
  }

  letSend(): void {
    this.#requestBlocked = false;
    this.#client.resumeRequest();
  }

  /** The body has come to its end; called before what came with the end is sent. */
  requestEnded(trailers: string): void {
    this.#body.end(trailers);
  }

  /** Sends more of the body, from the out buffer. True when nobody needs the memory it was read into any more. */
  sendBody(): boolean {
    const context = this.#context;
    const stream = this.#tries.stream;
    const body = this.#body;
    if (!this.active) {
      context.out.clear();
      return false;
    }
    const held = this.#filters.waiting;
    const from = body.take(context.out);
    if (this.#filters.hold(from)) return false;
    if (held) {
      this.proceed();
      return false;
    }
    if (stream === undefined) {
      // Between two tries: what comes now is sent with the next one.
      if (body.bytes > context.limits.replay) this.holdBack();
      return false;
    }
    const free = stream.sendBody(body, from);
    body.sent();
    // Nothing has left before the connection stands: until then all is kept, however much it is.
    if (stream.connected) body.trim(context.limits.replay);
    if (!free) this.holdBack();
    this.#touch(context.now());
    return this.#filters.transparent && body.parts.length === 0 && stream.settled === true;
  }

  /** The client is gone. */
  abort(): void {
    if (!this.active) return;
    const now = this.#context.now();
    this.#letGo(now);
    if (!this.#responding) this.#record.status = 499;
    this.#finish(now);
  }

  /** The client reads again. */
  clientDrained(): void {
    const sink = this.#filters.sink;
    if (sink.drained === undefined) this.unblocked();
    else sink.drained();
  }

  unblocked(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#tries.stream?.resume();
    this.#touch(this.#context.now());
  }

  /** Bytes of the client, once both sides switched protocols. */
  tunnel(bytes: Buffer): void {
    if (this.#tries.stream?.tunnel(bytes) === false) this.#client.pauseRequest();
    this.#touch(this.#context.now());
  }

  tunnelClientEnd(): void {
    this.#tries.stream?.tunnelEnd();
  }

  onTick(now: number): void {
    if (!this.active) return;
    const failure = this.#deadlines.expired(now) ?? this.#tries.expired(this.#body.whole, now);
    if (failure === undefined) return;
    this.#deadlines.endTry();
    if (this.#tries.stream === undefined) this.#fail(failure);
    else this.#tries.stream.fail(failure);
  }

  onConnected(): void {
    this.#touch(this.#context.now());
  }

  onDrain(): void {
    this.letSend();
    this.#touch(this.#context.now());
  }

  onInterim(head: ResponseHead): void {
    if (!this.#client.interim(head)) this.#waitForClient();
  }

  onHead(stream: UpstreamStream): void {
    const context = this.#context;
    const head = stream.head;
    this.#record.status = head.status;
    this.#tries.answered(head, context.now());
    const next = head.status >= 400 && this.#body.whole ? this.#tries.afterStatus(head.status) : undefined;
    if (next === 'retry') this.#replaceAnswer(stream);
    if (next === 'spent') stream.fail(failures.retryBudget);
    if (next !== undefined) return;
    this.#responding = true;
    this.#deadlines.answered();
    if (context.servedByHeader !== '') head.added += `${context.servedByHeader}: ${stream.pool.pod}\r\n`;
    if (!this.#client.accepts(head)) {
      stream.fail(failures.protocol);
      return;
    }
    this.#filters.edit(head);
    this.#tries.tellAffinity(head);
    if (head.status === 101) {
      // A conversation lasts as long as both want: only its silence is bounded from now on.
      this.#deadlines.begin(0, context.now());
      switchProtocols(stream, this.#client);
    } else this.#filters.respond(head);
  }

  onBody(bytes: Buffer, start: number, end: number, owned: boolean): void {
    this.#record.bytesOut += end - start;
    this.#filters.sink.sendBody(bytes, start, end, owned);
  }

  onPause(): boolean {
    if (this.#filters.sink.flush()) this.#touch(this.#context.now());
    else this.#waitForClient();
    return this.#filters.transparent && this.#client.settled === true;
  }

  onEnd(stream: UpstreamStream): boolean {
    this.#filters.sink.end(stream.trailers);
    const settled = this.#filters.transparent && this.#client.settled === true;
    const now = this.#context.now();
    this.#tries.done(stream, stream.outcome, undefined, now);
    if (this.#paused) stream.resume();
    // A request still under way when its answer ends leaves the connection at an unknown place.
    stream.release(this.#client.requestComplete, now);
    if (this.#filters.finishing) this.#deadlines.end();
    else this.ended();
    return settled;
  }

  /** The whole response is on its way to the client. */
  ended(): void {
    const now = this.#context.now();
    this.#finish(now);
    this.#client.done(now);
  }

  /** Part of a response is out, and the rest will not come. */
  broken(): void {
    this.abort();
    this.#client.cut();
  }

  onTunnel(bytes: Buffer, start: number, end: number): void {
    if (end === start) return;
    this.#record.bytesOut += end - start;
    if (!this.#client.tunnel(bytes, start, end)) this.#waitForClient();
    this.#touch(this.#context.now());
  }

  onTunnelEnd(): void {
    this.#client.tunnelEnd();
  }

  onTunnelClose(stream: UpstreamStream): void {
    const now = this.#context.now();
    this.#tries.done(stream, this.#record.status, undefined, now);
    this.#finish(now);
    this.#client.tunnelClose();
  }

  onFailure(stream: UpstreamStream, failure: Failure): void {
    const now = this.#context.now();
    this.#context.out.clear();
    this.#tries.done(stream, 0, failure, now);
    if (this.#responding && this.#client.responseStarted) {
      this.#record.failure = failure.code;
      this.#finish(now);
      this.#client.cut();
      return;
    }
    this.#responding = false;
    if (this.#body.whole && this.#tries.repeatsFailure(failure, stream.reused)) {
      this.#tryAgain(true, now);
    } else {
      this.#fail(this.#tries.isSpent ? failures.retryBudget : failure);
    }
  }

  /** An answer is thrown away for another try; its connection is not. */
  #replaceAnswer(stream: UpstreamStream): void {
    const now = this.#context.now();
    this.#tries.done(stream, this.#record.status, undefined, now);
    if (this.#client.requestComplete) discard(stream, this.#context);
    else stream.release(false, now);
    this.#tryAgain(false, now);
  }

  #tryAgain(fresh: boolean, now: number): void {
    this.#tries.again(fresh, now, () => {
      this.#requestBlocked = false;
      this.#client.resumeRequest();
    });
  }

  send(stream: UpstreamStream, now: number): void {
    if (!stream.begin(this, this, this.#body)) {
      if (!this.#client.requestComplete) this.holdBack();
    } else if (this.#requestBlocked) {
      // It was held back while there was no connection to send it on.
      this.onDrain();
    }
    if (stream.connected) this.#touch(now);
  }

  giveUp(reason: string, code: string): void {
    this.#refuse(503, `${reason}, route ${this.#record.routeName}`, code);
  }

  /** The client does not read: until it does, neither does the proxy. */
  #waitForClient(): void {
    this.#paused = true;
    this.#deadlines.rest();
    this.#tries.stream?.pause();
    this.#client.blocked();
  }

  /** Sets the time-out that fits what is being waited for now. */
  #touch(now: number): void {
    const { stream, cluster } = this.#tries;
    if (stream === undefined || cluster === undefined || !stream.connected) return;
    if (this.#paused) this.#deadlines.rest();
    else if (!this.#responding && this.#client.requestComplete)
      this.#deadlines.waitForHead(cluster.config.timeouts, now);
    else if (this.#responding || this.#requestBlocked) this.#deadlines.waitForBytes(cluster.config.timeouts, now);
    else this.#deadlines.upload();
  }

  #refuse(status: number, reason: string, code?: string): false {
    return this.answer(textReply(status, reason, code));
  }

  #fail({ status, reason, code }: Failure): void {
    this.#refuse(status, `${reason}, route ${this.#record.routeName}`, code);
  }

  /** Answers without, or instead of, a backend; of an answer that has begun the rest is withheld. */
  answer(reply: LocalReply): false {
    const client = this.#client;
    const now = this.#context.now();
    const begun = this.#responding && client.responseStarted;
    this.#context.out.clear();
    this.#letGo(now);
    this.#record.failure = failureOf(reply);
    this.#context.stats.answered(reply.code);
    if (begun) {
      this.#finish(now);
      client.cut();
      return false;
    }
    this.#record.status = reply.status;
    client.reply(this.#filters.reply(reply));
    this.ended();
    return false;
  }

  /** Ends a try that is under way, for reasons that say nothing of its endpoint. */
  #letGo(now: number): void {
    const stream = this.#tries.stream;
    if (stream === undefined) return;
    this.#tries.done(stream, this.#responding ? this.#record.status : 499, undefined, now);
    stream.release(false, now);
  }

  #finish(now: number): void {
    const context = this.#context;
    this.active = false;
    this.#deadlines.end();
    this.#tries.end();
    const bytesSaved = this.#filters.end();
    this.#record.finish(context, this.#client, this.#tries, this.requestId, now, bytesSaved);
  }
}
