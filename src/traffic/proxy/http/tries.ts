// The tries of one request: each picks an endpoint and takes a connection, within the limits of the cluster.
// Knows nothing of clients and of what is sent; tells everyone who counts how each try went.

import type { Cancel } from '#lib/clock.ts';
import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget, RouteEntry, Snapshot } from '#traffic/snapshot/index.ts';
import { SessionAffinity } from '../affinity/session-affinity.ts';
import { Admission } from '../guards/admission.ts';
import { Hold } from '../guards/hold.ts';
import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { EndpointChoice } from '../upstream/endpoint-choice.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import { hashKeyOf } from '../upstream/hash-key.ts';
import { isUnheard } from '../upstream/unheard.ts';
import type { HttpContext } from './context.ts';
import type { Deadlines } from './deadlines.ts';
import type { HeaderLines } from './head-edits.ts';
import { takeLoadReport } from './load-report.ts';
import type { RequestTrace } from './request-trace.ts';
import { mayRepeat, Retries } from './retries.ts';
import { retryAfterMs } from './retry-after.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/** A living endpoint takes a connection sooner: longer than a round trip to anywhere. */
const IN_VAIN_MS = 500;
/** After so long a try is looked at: whether its endpoint is there at all, or another one should be asked. */
const FIRST_LOOK_MS = 750;
/** The same where the connection does not stand yet: the kernel has sent a second SYN by then. */
const FIRST_LOOK_UNCONNECTED_MS = 1_000;
const NEXT_LOOK_MS = 500;
/** What is still under way then has been acknowledged. */
const LAST_LOOK_MS = 5_000;

/** The exchange, as its tries see it. */
export interface TriesHost {
  /** Sends the request on `stream`. */
  send(stream: UpstreamStream, now: number): void;
  /** There is no endpoint, or no connection, and no use in waiting. */
  giveUp(reason: string, code: string): void;
}

/** One per client stream, begun anew with each request. */
export class Tries {
  /** Undefined between two tries. */
  stream: UpstreamStream | undefined;
  /** How many there were. */
  count = 0;
  cluster: ClusterEntry | undefined;
  /** What is recorded of the request; undefined for nothing. */
  trace: RequestTrace | undefined;
  /** That `cluster` is of. */
  #snapshot: Snapshot | undefined;
  readonly #context: HttpContext;
  readonly #host: TriesHost;
  readonly #deadlines: Deadlines;
  readonly #admission: Admission;
  readonly #hold: Hold;
  /** Of the request, from `reset` on. */
  #client: ClientFacts;
  readonly #choice: EndpointChoice;
  readonly #affinity = new SessionAffinity();
  readonly #retries = new Retries();
  #route: Route | undefined;
  #method = '';
  /** Ends the wait before the next try. */
  #cancelWait: Cancel | undefined;
  #started = 0;
  /** When the endpoint is looked at next. */
  #lookAt = 0;
  /** When the response head came; 0 before. */
  #headAt = 0;

  constructor(context: HttpContext, host: TriesHost, deadlines: Deadlines, client: ClientFacts) {
    this.#context = context;
    this.#host = host;
    this.#deadlines = deadlines;
    this.#admission = new Admission(context.guards, context.stats);
    this.#hold = new Hold(context.waitingRoom, context.stats);
    this.#client = client;
    this.#choice = new EndpointChoice(this.#affinity);
  }

  /** Milliseconds that it waited for an endpoint. */
  get heldMs(): number {
    return this.#hold.waitedMs;
  }

  /** Where the last try went. */
  get target(): EngineTarget | undefined {
    return this.#choice.last;
  }

  /** A new request: nothing is known of where it goes. */
  reset(client: ClientFacts, trace: RequestTrace | undefined): void {
    this.#client = client;
    this.trace = trace;
    this.stream = undefined;
    this.count = 0;
    this.cluster = undefined;
    this.#hold.reset();
    this.#choice.begin(client.address, '');
  }

  /** Where a request of this route goes; undefined when it has no backend with any weight. */
  backend(route: RouteEntry, head: RequestHead): WeightedCluster | undefined {
    return this.#affinity.backend(route, this.#context.snapshot, head, this.#client);
  }

  /** Asks for a place in `cluster`; false when it has all the requests it may have. */
  enter(route: Route, cluster: ClusterEntry, head: RequestHead): boolean {
    if (!this.#admission.enter(cluster.config)) return false;
    const { hash, hold } = cluster.config;
    if (hold !== undefined) this.#hold.bytes = keptOf(head, this.#context.limits.replay);
    if (hash !== undefined) this.#choice.begin(this.#client.address, hashKeyOf(hash, head, this.#client.address));
    this.#affinity.begin(cluster, head, this.#client);
    this.#route = route;
    this.#method = head.method;
    this.cluster = cluster;
    this.#snapshot = this.#context.snapshot;
    this.#retries.begin(route.retry ?? cluster.config.retry);
    return true;
  }

  /** The next try; `fresh` wants a connection that has never been idle. */
  next(fresh: boolean, now: number): void {
    const context = this.#context;
    const cluster = this.#present();
    const pick = this.#choice.next(cluster, context.pools.avoided.of(cluster, now), now);
    if (pick.type === 'none') {
      this.#waitForEndpoint(cluster, fresh, now);
      return;
    }
    if (this.#hold.waits) this.#hold.release(now);
    const target = pick.target;
    const pool = context.pools.of(target, cluster.config, this.#client.pair);
    context.pools.avoided.picked(pool.key, now);
    const repeatable = mayRepeat(this.#method);
    if (pool.transport.guard !== undefined && !pool.reuses(repeatable, fresh, now) && !context.pools.hasRoom(pool)) {
      this.#waitForConnection(cluster, fresh, now);
      return;
    }
    this.#admission.endWait();
    pool.pod = target.endpoint.pod;
    pool.drainTimeout = cluster.config.timeouts.drain ?? 0;
    this.#started = now;
    this.#headAt = 0;
    this.count++;
    this.trace?.beginTry(now);
    const stream = pool.take(repeatable, fresh, now);
    this.stream = stream;
    context.stats.upstreamStarted(pool);
    this.#deadlines.beginTry(this.#route?.timeouts?.perTry ?? 0, now);
    this.#lookAt = now + (stream.connected ? FIRST_LOOK_MS : FIRST_LOOK_UNCONNECTED_MS);
    if (!stream.connected) this.#deadlines.wait(cluster.config.timeouts.connect, failures.connectTimeout, now);
    this.#host.send(stream, now);
  }

  /** Why the try under way has to end, beside the time-outs; undefined when it may go on. */
  expired(repeatable: boolean, now: number): Failure | undefined {
    const drainedAt = this.stream?.pool.drainedAt ?? 0;
    // The endpoint has left, and its time to finish is over.
    if (drainedAt !== 0 && now >= drainedAt) return failures.drained;
    return repeatable && now >= this.#lookAt ? this.#silence(now) : undefined;
  }

  /** The head of a response has come; what of it is meant for the proxy is taken out. */
  answered(head: HeaderLines, now: number): void {
    this.#headAt = now;
    takeLoadReport(head, this.cluster as ClusterEntry, this.#choice.last as EngineTarget, now);
  }

  /** Tells the client where it belongs, if that is news to it. */
  tellAffinity(head: HeaderLines): void {
    this.#affinity.tell(head, this.cluster as ClusterEntry, this.#choice.last as EngineTarget);
  }

  /** The try is over: with a response of this `status` (499: the client left), or with a `failure`. */
  done(stream: UpstreamStream, status: number, failure: Failure | undefined, now: number): void {
    const context = this.#context;
    const cluster = this.cluster as ClusterEntry;
    const target = this.#choice.last as EngineTarget;
    this.stream = undefined;
    this.#deadlines.endTry();
    this.#admission.endRetry();
    if (failure === undefined && status === 499 && this.#isInVain(stream, now)) failure = failures.connectTimeout;
    this.#learn(stream, failure, now);
    const answered = failure === undefined ? status : 0;
    context.stats.upstreamDone(cluster.config.name, stream.pool, answered, failure, now - this.#started);
    this.trace?.endTry(cluster, target, answered, failure, now);
    // A client that left says nothing of the endpoint.
    if (answered === 499) return;
    // Nor does what the proxy itself put an end to.
    if (failure !== undefined && failure.source !== 'upstream') return;
    // Nor does an idle connection that the endpoint closed just as it was used. HTTP/2 says GOAWAY before.
    if (failure === failures.closed && stream.reused && stream.pool.transport.protocol === 'http1') return;
    const latencyMs = (this.#headAt === 0 ? now : this.#headAt) - this.#started;
    context.outcomes?.record(cluster, target, answered, failure, latencyMs);
    if (cluster.observe === undefined) return;
    const asksForRest = answered === 503 || answered === 429;
    cluster.observe(target, {
      latencyMs,
      failed: failure !== undefined || status >= 500 || status === 429,
      retryAfterMs: asksForRest ? retryAfterMs(stream.head, context.wall()) : 0,
      now,
    });
  }

  /** Whether a failure is worth another try. */
  repeatsFailure(failure: Failure, reused: boolean): boolean {
    this.#admission.isSpent = false;
    return this.#retries.afterFailure(failure, this.#method, reused) && this.#admission.allowsRetry();
  }

  /** An answer of this status is worth another try, or would be if the budget had one; else it reaches the client. */
  afterStatus(status: number): 'retry' | 'spent' | undefined {
    this.#admission.isSpent = false;
    if (this.#retries.afterStatus(status, this.#method) && this.#admission.allowsRetry()) return 'retry';
    return this.#admission.isSpent ? 'spent' : undefined;
  }

  /** Another try was worth it, and its cluster's budget has none left. */
  get isSpent(): boolean {
    return this.#admission.isSpent;
  }

  /** Tries again, at once or after the policy's back-off; `resume` is called right before. */
  again(fresh: boolean, now: number, resume: () => void): void {
    const context = this.#context;
    context.stats.retried((this.cluster as ClusterEntry).config.name);
    this.#admission.beginRetry();
    const wait = this.#retries.backoff(context.random);
    if (wait === 0) {
      resume();
      this.next(fresh, now);
      return;
    }
    this.#cancelWait = context.after(wait, () => {
      this.#cancelWait = undefined;
      resume();
      this.next(fresh, context.now());
    });
  }

  /** The request is over, whatever it was waiting for. */
  end(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    if (this.#hold.waits) this.#hold.leave(this.#context.now());
    this.#admission.leave();
  }

  /**
   * The endpoint has not taken the connection, or its machine does not acknowledge the request, for so long that
   * another endpoint is the better choice, and there is one, and another try is allowed. Else the time-outs of the
   * cluster are all that ends the wait.
   */
  #silence(now: number): Failure | undefined {
    const { stream } = this;
    if (stream === undefined || this.#headAt !== 0 || now - this.#started > LAST_LOOK_MS) return undefined;
    this.#lookAt = now + NEXT_LOOK_MS;
    const failure = stream.connected ? failures.unheard : failures.connectTimeout;
    if (!this.#retries.allows(failure, this.#method) || (stream.connected && !isUnheard(stream.socket)))
      return undefined;
    const cluster = this.#present();
    if (!this.#choice.hasOther(cluster, this.#context.pools.avoided.of(cluster, now))) return undefined;
    return this.#admission.allowsRetry() ? failure : undefined;
  }

  /** Whether picks should avoid the endpoint for a while, or no longer. */
  #learn({ pool, connected }: UpstreamStream, failure: Failure | undefined, now: number): void {
    const { avoided } = this.#context.pools;
    const isSilent = failure === failures.connectTimeout || failure === failures.unheard;
    if (failure !== undefined && (isSilent || !connected)) {
      avoided.avoid(pool.key, isSilent, now);
      if (isSilent) pool.renew();
    } else if (this.#headAt !== 0) avoided.forgive(pool.key);
  }

  /**
   * The client left while its endpoint was still to take the connection, for longer than a living one needs. If that
   * counted for nothing, a dead endpoint would look idle as soon as its clients lose patience, and draw the next ones.
   */
  #isInVain(stream: UpstreamStream, now: number): boolean {
    return !stream.connected && now - this.#started >= IN_VAIN_MS;
  }

  /**
   * The cluster as it is now: a retry, or a request that was held or stood in line, must not go to endpoints that have
   * left meanwhile. One comparison as long as nothing has changed.
   */
  #present(): ClusterEntry {
    const known = this.cluster as ClusterEntry;
    const { snapshot } = this.#context;
    if (snapshot === this.#snapshot) return known;
    this.#snapshot = snapshot;
    this.cluster = snapshot.cluster(known.config.name) ?? known;
    return this.cluster;
  }

  /** The cluster has no endpoint: where one is on its way, the request waits for it. */
  #waitForEndpoint(cluster: ClusterEntry, fresh: boolean, now: number): void {
    const context = this.#context;
    const { name, hold } = cluster.config;
    const isGone = context.snapshot.cluster(name) === undefined;
    const wait =
      isGone || context.draining ? undefined : this.#hold.wait(cluster, () => this.next(fresh, context.now()), now);
    if (wait === 'began' && hold !== undefined) this.#deadlines.wait(hold.timeout, failures.holdTimeout, now);
    else if (wait === 'full') this.#host.giveUp('Too many requests wait for an endpoint', 'overflow');
    else if (wait === undefined) this.#host.giveUp('No endpoint is ready', 'no_endpoint');
  }

  /** The cluster has all its connections: the request stands in line for one, if the line is not too long. */
  #waitForConnection(cluster: ClusterEntry, fresh: boolean, now: number): void {
    this.#choice.retract();
    const first = !this.#admission.waits;
    if (!this.#admission.wait({ retry: () => this.next(fresh, this.#context.now()) })) {
      this.#host.giveUp('Backend has all the connections it may have', 'overflow');
    } else if (first) {
      this.#deadlines.wait(cluster.config.timeouts.connect, failures.pendingTimeout, now);
    }
  }
}

/** Bytes of a body that are kept until it can be sent; one of unknown length may have as many as are kept at all. */
function keptOf({ contentLength }: RequestHead, replay: number): number {
  return contentLength < 0 ? replay : Math.min(contentLength, replay);
}
