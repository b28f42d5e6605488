// One request and its response: picks an endpoint, sends, relays the answer, tries again where that is safe.
// Knows nothing of how messages are framed on either side; one object serves the requests of a client in turn.

import type { ClusterEntry, EngineTarget, RouteEntry } from '#traffic/snapshot/index.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { EndpointChoice } from '../upstream/endpoint-choice.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import { mayRepeat, RetryBudget } from '../upstream/retry-budget.ts';
import { accessRecord } from './access-record.ts';
import type { ClientStream } from './client-stream.ts';
import type { HttpContext } from './context.ts';
import { type LocalReply, textReply } from './local-reply.ts';
import { RequestBody } from './request-body.ts';
import type { ResponseHandler, UpstreamRequest, UpstreamStream } from './upstream-stream.ts';

export class Exchange implements ResponseHandler, UpstreamRequest {
  active = false;
  requestId = '';
  readonly head: RequestHead;
  readonly facts: ClientStream['facts'];
  readonly #context: HttpContext;
  readonly #client: ClientStream;
  readonly #choice: EndpointChoice;
  readonly #budget = new RetryBudget();
  readonly #body = new RequestBody();
  #route: RouteEntry | undefined;
  #cluster: ClusterEntry | undefined;
  #stream: UpstreamStream | undefined;
  #attempts = 0;
  #responding = false;
  /** The client does not read. */
  #paused = false;
  /** The backend does not read. */
  #requestBlocked = false;
  #status = 0;
  #started = 0;
  #attemptStarted = 0;
  /** When the response head came; 0 before. */
  #headAt = 0;
  #bytesOut = 0;
  #failure = '';
  #deadline = 0;
  #deadlineFailure: Failure = failures.responseTimeout;

  constructor(context: HttpContext, client: ClientStream) {
    this.#context = context;
    this.#client = client;
    this.head = client.head;
    this.facts = client.facts;
    this.#choice = new EndpointChoice(client.facts.address);
  }

  /** Part of the answer has been written. */
  get responding(): boolean {
    return this.active && this.#responding;
  }

  /**
   * Routes the request. The caller then puts what it has of the body into the context's out buffer and calls
   * `dispatch`. False when the request was answered at once.
   */
  start(misdirected: boolean): boolean {
    const context = this.#context;
    const client = this.#client;
    const head = this.head;
    this.active = true;
    this.#started = context.now();
    this.#stream = undefined;
    this.#attempts = 0;
    this.#responding = false;
    this.#paused = false;
    this.#requestBlocked = false;
    this.#bytesOut = 0;
    this.#deadline = 0;
    this.#cluster = undefined;
    this.#failure = '';
    this.#body.begin();
    if (client.requestComplete) this.#body.end('');
    this.#choice.begin('');
    this.requestId = head.requestId === '' ? context.newRequestId() : head.requestId;
    context.stats.requestStarted();
    const route = context.snapshot.route(client.listener, head.host, head.target, head);
    this.#route = route;
    if (misdirected) return this.#refuse(421, 'Host is not served over this TLS connection');
    if (route === undefined) return this.#refuse(404, 'No route for this host and path');
    const action = route.route.action;
    if (action.type === 'respond') return this.#refuse(action.status, action.reason);
    if (action.type === 'redirect') return this.#refuse(501, 'Redirects are not served');
    const name = route.pickCluster();
    const cluster = name === undefined ? undefined : context.snapshot.cluster(name);
    if (cluster === undefined) return this.#refuse(503, `No backend for route ${route.route.metricName}`);
    if (context.limits.body > 0 && head.contentLength > context.limits.body)
      return this.#refuse(413, 'Body is too large');
    this.#cluster = cluster;
    this.#budget.begin(cluster.config.retry.attempts);
    return true;
  }

  /** Sends the request, with what the out buffer holds of its body, to an endpoint. */
  dispatch(): void {
    this.#body.take(this.#context.out);
    this.#attempt(false, this.#started);
  }

  /** The body has come to its end; called before what came with the end is sent. */
  requestEnded(trailers: string): void {
    this.#body.end(trailers);
  }

  /** Sends more of the body, from the out buffer. */
  sendBody(): void {
    const context = this.#context;
    const stream = this.#stream;
    if (stream === undefined) {
      context.out.clear();
      return;
    }
    const body = this.#body;
    const free = stream.sendBody(body, body.take(context.out));
    body.sent();
    // Nothing has left before the connection stands: until then all is kept, however much it is.
    if (stream.connected) body.trim(context.limits.replay);
    if (!free) this.#blockRequest();
    this.#touch(context.now());
  }

  /** The client is gone. */
  abort(): void {
    if (!this.active) return;
    const stream = this.#stream;
    const now = this.#context.now();
    if (!this.#responding) this.#status = 499;
    if (stream !== undefined) {
      this.#attemptDone(stream, undefined, now);
      stream.release(false, now);
    }
    this.#finish(now);
  }

  /** The client reads again. */
  clientDrained(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#stream?.resume();
    this.#touch(this.#context.now());
  }

  /** Bytes of the client, once both sides switched protocols. */
  tunnel(bytes: Buffer): void {
    if (this.#stream?.tunnel(bytes) === false) this.#client.pauseRequest();
    this.#touch(this.#context.now());
  }

  tunnelClientEnd(): void {
    this.#stream?.tunnelEnd();
  }

  onTick(now: number): void {
    if (this.#deadline !== 0 && now >= this.#deadline) {
      this.#deadline = 0;
      this.#stream?.fail(this.#deadlineFailure);
    }
  }

  onConnected(): void {
    this.#touch(this.#context.now());
  }

  onDrain(): void {
    this.#requestBlocked = false;
    this.#client.resumeRequest();
    this.#touch(this.#context.now());
  }

  onInterim(head: ResponseHead): void {
    if (!this.#client.interim(head)) this.#waitForClient();
  }

  onHead(stream: UpstreamStream): void {
    const context = this.#context;
    const head = stream.head;
    this.#responding = true;
    this.#status = head.status;
    this.#headAt = context.now();
    if (context.servedByHeader !== '') head.added += `${context.servedByHeader}: ${stream.pool.pod}\r\n`;
    if (head.status === 101) this.#switchProtocols(stream);
    else this.#client.respond(head);
  }

  onBody(bytes: Buffer, start: number, end: number, owned: boolean): void {
    this.#bytesOut += end - start;
    this.#client.sendBody(bytes, start, end, owned);
  }

  onPause(): void {
    if (this.#client.flush()) this.#touch(this.#context.now());
    else this.#waitForClient();
  }

  onEnd(stream: UpstreamStream): void {
    this.#client.end(stream.trailers);
    const now = this.#context.now();
    this.#attemptDone(stream, undefined, now);
    if (this.#paused) stream.resume();
    // A request still under way when its answer ends leaves the connection at an unknown place.
    stream.release(this.#client.requestComplete, now);
    this.#finish(now);
    this.#client.done(now);
  }

  onTunnel(bytes: Buffer, start: number, end: number): void {
    if (end === start) return;
    this.#bytesOut += end - start;
    if (!this.#client.tunnel(bytes, start, end)) this.#waitForClient();
    this.#touch(this.#context.now());
  }

  onTunnelEnd(): void {
    this.#client.tunnelEnd();
  }

  onTunnelClose(stream: UpstreamStream): void {
    const now = this.#context.now();
    this.#attemptDone(stream, undefined, now);
    this.#finish(now);
    this.#client.tunnelClose();
  }

  onFailure(stream: UpstreamStream, failure: Failure): void {
    const context = this.#context;
    const cluster = this.#cluster as ClusterEntry;
    const now = context.now();
    this.#deadline = 0;
    context.out.clear();
    this.#attemptDone(stream, failure, now);
    if (!stream.connected) context.pools.refuse(stream.pool, now);
    if (this.#responding) {
      this.#finish(now);
      this.#client.cut();
      return;
    }
    if (this.#body.whole && this.#budget.allows(failure, this.head.method, stream.reused)) {
      context.stats.retried(cluster.config.name);
      this.#requestBlocked = false;
      this.#client.resumeRequest();
      this.#attempt(true, now);
      return;
    }
    this.#answer(textReply(failure.status, `${failure.reason}, route ${this.#route?.route.metricName}`), failure.code);
  }

  #attempt(again: boolean, now: number): void {
    const context = this.#context;
    // The cluster as it is now: a retry must not go to endpoints that have left since the first attempt.
    const cluster = again ? this.#currentCluster() : (this.#cluster as ClusterEntry);
    const pick = this.#choice.next(cluster, context.pools.refused(cluster.targets, now), now);
    if (pick.type === 'none') {
      this.#answer(textReply(503, `No endpoint is ready for route ${this.#route?.route.metricName}`), 'no_endpoint');
      return;
    }
    const target = pick.target;
    const pool = context.pools.of(target, cluster.config);
    pool.pod = target.endpoint.pod;
    this.#attempts++;
    this.#attemptStarted = now;
    this.#headAt = 0;
    const stream = pool.take(mayRepeat(this.head.method), again, now);
    this.#stream = stream;
    context.stats.upstreamStarted(pool);
    if (!stream.begin(this, this, this.#body) && !this.#client.requestComplete) this.#blockRequest();
    if (stream.connected) this.#touch(now);
    else this.#arm(cluster.config.timeouts.connect, failures.connectTimeout, now);
  }

  /** One attempt is over: with a response, or the client's leaving, as `#status` says, or with a `failure`. */
  #attemptDone(stream: UpstreamStream, failure: Failure | undefined, now: number): void {
    const context = this.#context;
    const cluster = this.#cluster as ClusterEntry;
    const target = this.#choice.last as EngineTarget;
    this.#stream = undefined;
    const status = failure === undefined ? this.#status : 0;
    context.stats.upstreamDone(cluster.config.name, stream.pool, status, failure, now - this.#attemptStarted);
    // A client that left says nothing of the endpoint.
    if (status === 499) return;
    const latencyMs = (this.#headAt === 0 ? now : this.#headAt) - this.#attemptStarted;
    context.outcomes?.record(cluster, target, status, failure, latencyMs);
    cluster.observe?.(target, { latencyMs, failed: failure !== undefined || status >= 500, retryAfterMs: 0, now });
  }

  #currentCluster(): ClusterEntry {
    const old = this.#cluster as ClusterEntry;
    return this.#context.snapshot.cluster(old.config.name) ?? old;
  }

  /** The backend does not read: until it does, neither does the proxy. */
  #blockRequest(): void {
    this.#requestBlocked = true;
    this.#client.pauseRequest();
  }

  /** The client does not read: until it does, neither does the proxy. */
  #waitForClient(): void {
    this.#paused = true;
    this.#deadline = 0;
    this.#stream?.pause();
    this.#client.blocked();
  }

  /** Sets the time-out that fits what is being waited for now. */
  #touch(now: number): void {
    const stream = this.#stream;
    const cluster = this.#cluster;
    if (stream === undefined || cluster === undefined || !stream.connected) return;
    const timeouts = cluster.config.timeouts;
    if (this.#paused) this.#deadline = 0;
    else if (this.#responding) this.#arm(timeouts.idle, failures.idleTimeout, now);
    else if (this.#client.requestComplete) this.#arm(timeouts.response, failures.responseTimeout, now);
    else if (this.#requestBlocked) this.#arm(timeouts.idle, failures.idleTimeout, now);
    else this.#deadline = 0;
  }

  #arm(timeout: number, failure: Failure, now: number): void {
    this.#deadline = timeout === 0 ? 0 : now + timeout;
    this.#deadlineFailure = failure;
  }

  #switchProtocols(stream: UpstreamStream): void {
    if (this.head.upgrade === '' || stream.head.upgrade === '') {
      this.#responding = false;
      stream.fail(failures.protocol);
      return;
    }
    stream.becomeTunnel();
    this.#client.becomeTunnel(stream.head);
  }

  #refuse(status: number, reason: string): false {
    this.#answer(textReply(status, reason), 'refused');
    return false;
  }

  /** Answers without, or instead of, a backend. */
  #answer(reply: LocalReply, failure: string): void {
    this.#failure = failure;
    this.#status = reply.status;
    this.#context.out.clear();
    this.#client.reply(reply);
    const now = this.#context.now();
    this.#finish(now);
    this.#client.done(now);
  }

  #finish(now: number): void {
    const context = this.#context;
    this.active = false;
    this.#deadline = 0;
    const durationMs = now - this.#started;
    context.stats.requestDone(this.#client.listener, this.#route, this.#status, durationMs);
    context.accessLog?.(
      accessRecord(this.#client, {
        status: this.#status,
        durationMs,
        bytesOut: this.#bytesOut,
        route: this.#route,
        cluster: this.#cluster,
        target: this.#choice.last,
        attempts: this.#attempts,
        requestId: this.requestId,
        failure: this.#failure,
      }),
    );
  }
}
