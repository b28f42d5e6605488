// One request and its response: picks an endpoint, sends, relays the answer, tries again where that is safe.
// Knows nothing of how a request arrives; one object serves every request of a client connection in turn.

import type { ClusterEntry, RouteEntry } from '#traffic/snapshot/index.ts';
import type { ResponseHandler, UpstreamConnection } from '../upstream/connection.ts';
import { EndpointChoice } from '../upstream/endpoint-choice.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import { mayRepeat, RetryBudget } from '../upstream/retry-budget.ts';
import {
  type BodyOut,
  bodyOut,
  composeInterim,
  composeOwn,
  composeRequest,
  composeResponse,
  composeSwitch,
} from './compose.ts';
import type { AccessRecord, HttpContext } from './context.ts';
import type { ExchangeClient } from './exchange-client.ts';
import { Replay } from './replay.ts';
import type { ResponseHead } from './response-head.ts';

export class Exchange implements ResponseHandler {
  active = false;
  readonly #context: HttpContext;
  readonly #client: ExchangeClient;
  readonly #choice: EndpointChoice;
  #route: RouteEntry | undefined;
  #cluster: ClusterEntry | undefined;
  #connection: UpstreamConnection | undefined;
  readonly #budget = new RetryBudget();
  #attempts = 0;
  readonly #replay = new Replay();
  #responding = false;
  #paused = false;
  #requestBlocked = false;
  #status = 0;
  #keepAlive = true;
  #bodyOut: BodyOut = 'none';
  #started = 0;
  #attemptStarted = 0;
  #bytesOut = 0;
  #requestId = '';
  #failure = '';
  #deadline = 0;
  #deadlineFailure: Failure = failures.responseTimeout;

  constructor(context: HttpContext, client: ExchangeClient) {
    this.#context = context;
    this.#client = client;
    this.#choice = new EndpointChoice(client.facts.address);
  }

  /** Part of the answer has been written. */
  get responding(): boolean {
    return this.active && this.#responding;
  }

  /**
   * Routes the request and puts its head into the context's out buffer; the caller adds what it has of the body and
   * calls `dispatch`. False when the request was answered at once.
   */
  start(misdirected: boolean): boolean {
    const context = this.#context;
    const client = this.#client;
    const head = client.head;
    this.active = true;
    this.#started = context.now();
    this.#connection = undefined;
    this.#choice.begin('');
    this.#attempts = 0;
    this.#responding = false;
    this.#paused = false;
    this.#requestBlocked = false;
    this.#bytesOut = 0;
    this.#deadline = 0;
    this.#cluster = undefined;
    this.#failure = '';
    this.#requestId = head.requestId === '' ? context.newRequestId() : head.requestId;
    context.stats.requestStarted();
    const route = context.snapshot.route(client.listener, head.host, head.target);
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
    context.out.text = composeRequest(head, client.facts, this.#requestId);
    return true;
  }

  /** Sends what the out buffer holds to an endpoint. */
  dispatch(): void {
    this.#replay.begin(this.#context.out);
    this.#attempt(false, this.#started);
  }

  /** Sends more of the body, from the out buffer. */
  sendBody(): void {
    const connection = this.#connection;
    if (connection === undefined) {
      this.#context.out.clear();
      return;
    }
    const free = this.#replay.sendMore(this.#context.out, connection.socket);
    // Nothing has left before the connection stands: until then all is kept, however much it is.
    if (connection.connected) this.#replay.trim(this.#context.limits.replay);
    if (!free) {
      this.#requestBlocked = true;
      this.#client.pauseRequest();
    }
    this.#touch(this.#context.now());
  }

  /** The client is gone. */
  abort(): void {
    if (!this.active) return;
    const connection = this.#connection;
    const now = this.#context.now();
    if (!this.#responding) this.#status = 499;
    if (connection !== undefined) {
      this.#attemptDone(connection, undefined, now);
      connection.release(false, now);
    }
    this.#finish(now);
  }

  /** The client reads again. */
  clientDrained(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection?.socket.resume();
    this.#touch(this.#context.now());
  }

  /** Bytes of the client, once both sides switched protocols. */
  tunnel(bytes: Buffer): void {
    const connection = this.#connection;
    if (connection !== undefined && !connection.socket.write(bytes)) this.#client.pauseRequest();
    this.#touch(this.#context.now());
  }

  tunnelClientEnd(): void {
    this.#connection?.socket.end();
  }

  onTick(now: number): void {
    if (this.#deadline !== 0 && now >= this.#deadline) {
      this.#deadline = 0;
      this.#connection?.fail(this.#deadlineFailure);
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
    // HTTP/1.0 knows no interim responses.
    if (this.#client.head.minor === 0) return;
    if (!this.#client.socket.write(composeInterim(head), 'latin1')) this.#waitForClient();
  }

  onHead(connection: UpstreamConnection): void {
    const context = this.#context;
    const request = this.#client.head;
    const head = connection.head;
    this.#responding = true;
    this.#status = head.status;
    const extra = context.servedByHeader === '' ? '' : `${context.servedByHeader}: ${connection.pool.pod}\r\n`;
    if (head.status === 101) {
      this.#switchProtocols(connection, extra);
      return;
    }
    const body = bodyOut(head, request.minor, request.method === 'HEAD');
    this.#bodyOut = body;
    // A request still under way when its answer comes leaves the connection at an unknown place.
    this.#keepAlive = request.keepAlive && body !== 'until-close' && this.#client.requestComplete && !context.draining;
    context.out.text = composeResponse(head, body, request.minor, this.#keepAlive, extra);
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#bytesOut += end - start;
    this.#context.out.addBytes(bytes, start, end, this.#bodyOut === 'chunked', false);
  }

  onPause(): void {
    if (this.#context.out.flush(this.#client.socket)) {
      this.#touch(this.#context.now());
    } else {
      this.#waitForClient();
    }
  }

  onEnd(connection: UpstreamConnection): void {
    const out = this.#context.out;
    if (this.#bodyOut === 'chunked') out.text += `0\r\n${connection.body.trailers}\r\n`;
    if (!out.flush(this.#client.socket)) this.#client.blocked();
    const now = this.#context.now();
    this.#attemptDone(connection, undefined, now);
    if (this.#paused) connection.socket.resume();
    // Sent as announced at the head, unless the request came to its end only after it.
    connection.release(this.#client.requestComplete, now);
    this.#finish(now);
    this.#client.exchangeDone(this.#keepAlive, now);
  }

  onTunnel(bytes: Buffer, start: number, end: number): void {
    if (end === start) return;
    this.#bytesOut += end - start;
    if (!this.#client.socket.write(Buffer.from(bytes.subarray(start, end)))) this.#waitForClient();
    this.#touch(this.#context.now());
  }

  onTunnelEnd(): void {
    this.#client.socket.end();
  }

  onTunnelClose(connection: UpstreamConnection): void {
    const now = this.#context.now();
    this.#attemptDone(connection, undefined, now);
    this.#finish(now);
    // What the backend said last still goes out, to a client that reads it in time.
    this.#client.blocked();
    this.#client.socket.destroySoon();
  }

  onFailure(connection: UpstreamConnection, failure: Failure): void {
    const context = this.#context;
    const cluster = this.#cluster as ClusterEntry;
    const now = context.now();
    this.#deadline = 0;
    context.out.clear();
    this.#attemptDone(connection, failure, now);
    if (!connection.connected) context.pools.refuse(connection.pool, now);
    if (this.#responding) {
      // Part of the answer is out: only cutting the connection tells the client that it is not whole.
      this.#finish(now);
      this.#client.socket.destroy();
      return;
    }
    if (this.#replay.whole && this.#budget.allows(failure, this.#client.head.method, connection.reused)) {
      context.stats.retried(cluster.config.name);
      this.#requestBlocked = false;
      this.#client.resumeRequest();
      this.#attempt(true, now);
      return;
    }
    this.#answer(failure.status, `${failure.reason}, route ${this.#route?.route.metricName}`, failure.code);
  }

  #attempt(again: boolean, now: number): void {
    const context = this.#context;
    const client = this.#client;
    // The cluster as it is now: a retry must not go to endpoints that have left since the first attempt.
    const cluster = again ? this.#currentCluster() : (this.#cluster as ClusterEntry);
    const pick = this.#choice.next(cluster, context.pools.refused(cluster.targets, now), now);
    if (pick.type === 'none') {
      this.#answer(503, `No endpoint is ready for route ${this.#route?.route.metricName}`, 'no_endpoint');
      return;
    }
    const target = pick.target;
    const pool = context.pools.of(target);
    pool.pod = target.endpoint.pod;
    this.#attempts++;
    this.#attemptStarted = now;
    const method = client.head.method;
    const connection = pool.take(mayRepeat(method), again, now);
    this.#connection = connection;
    context.stats.upstreamStarted(pool);
    connection.begin(this, method === 'HEAD');
    if (!this.#replay.send(connection.socket) && !client.requestComplete) {
      this.#requestBlocked = true;
      client.pauseRequest();
    }
    const timeouts = cluster.config.timeouts;
    if (connection.connected) this.#touch(now);
    else this.#arm(timeouts.connect, failures.connectTimeout, now);
  }

  /** One attempt is over: with a response, or the client's leaving, as `#status` says, or with a `failure`. */
  #attemptDone(connection: UpstreamConnection, failure: Failure | undefined, now: number): void {
    const cluster = this.#cluster as ClusterEntry;
    this.#connection = undefined;
    this.#context.stats.upstreamDone(
      cluster.config.name,
      connection.pool,
      failure === undefined ? this.#status : 0,
      failure,
      now - this.#attemptStarted,
    );
  }

  #currentCluster(): ClusterEntry {
    const old = this.#cluster as ClusterEntry;
    return this.#context.snapshot.cluster(old.config.name) ?? old;
  }

  /** The client does not read: until it does, neither does the proxy. */
  #waitForClient(): void {
    this.#paused = true;
    this.#deadline = 0;
    this.#connection?.socket.pause();
    this.#client.blocked();
  }

  /** Sets the time-out that fits what is being waited for now. */
  #touch(now: number): void {
    const connection = this.#connection;
    const cluster = this.#cluster;
    if (connection === undefined || cluster === undefined || !connection.connected) return;
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

  #switchProtocols(connection: UpstreamConnection, extra: string): void {
    if (this.#client.head.upgrade === '' || connection.head.upgrade === '') {
      this.#responding = false;
      connection.fail(failures.protocol);
      return;
    }
    this.#keepAlive = false;
    connection.tunnel();
    this.#client.socket.write(composeSwitch(connection.head, extra), 'latin1');
    this.#client.becomeTunnel();
  }

  #refuse(status: number, reason: string): false {
    this.#answer(status, reason, 'refused');
    return false;
  }

  /** Answers without, or instead of, a backend. */
  #answer(status: number, reason: string, failure: string): void {
    this.#failure = failure;
    const client = this.#client;
    this.#context.out.clear();
    this.#status = status;
    this.#keepAlive =
      client.head.keepAlive && client.head.minor === 1 && client.requestComplete && !this.#context.draining;
    client.socket.write(composeOwn(status, reason, client.head.method === 'HEAD', this.#keepAlive), 'latin1');
    const now = this.#context.now();
    this.#finish(now);
    client.exchangeDone(this.#keepAlive, now);
  }

  #finish(now: number): void {
    const context = this.#context;
    this.active = false;
    this.#deadline = 0;
    const duration = now - this.#started;
    context.stats.requestDone(this.#client.listener, this.#route, this.#status, duration);
    if (context.accessLog !== undefined) context.accessLog(this.#record(duration));
  }

  #record(duration: number): AccessRecord {
    const { head, listener, facts, bytesIn } = this.#client;
    return {
      listener,
      client: facts.address,
      method: head.method,
      host: head.host,
      path: head.target,
      protocol: `HTTP/1.${head.minor}`,
      status: this.#status,
      durationMs: Math.round(duration * 1000) / 1000,
      bytesIn,
      bytesOut: this.#bytesOut,
      route: this.#route?.route.name ?? '',
      cluster: this.#cluster?.config.name ?? '',
      endpoint: this.#choice.last?.key ?? '',
      pod: this.#choice.last?.endpoint.pod ?? '',
      attempts: this.#attempts,
      requestId: this.#requestId,
      failure: this.#failure,
    };
  }
}
