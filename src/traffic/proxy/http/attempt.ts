// One try of a request on one endpoint: takes a connection, and tells everyone who counts how it went.
// Knows nothing of clients and responses; one object serves the tries of a client stream in turn.

import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import type { Admission } from '../guards/admission.ts';
import type { Failure } from '../upstream/failure.ts';
import type { HttpContext } from './context.ts';
import { mayRepeat } from './retries.ts';
import type { UpstreamStream } from './upstream-stream.ts';

export class Attempt {
  /** Undefined between tries. */
  stream: UpstreamStream | undefined;
  /** Tries of this request so far. */
  count = 0;
  readonly #context: HttpContext;
  readonly #admission: Admission;
  #cluster: ClusterEntry | undefined;
  #target: EngineTarget | undefined;
  #started = 0;
  /** When the response head came; 0 before. */
  #headAt = 0;

  constructor(context: HttpContext, admission: Admission) {
    this.#context = context;
    this.#admission = admission;
  }

  /** A new request: no try yet. */
  reset(): void {
    this.stream = undefined;
    this.count = 0;
  }

  /** Takes a connection for the request; `fresh` wants one that has never been idle. */
  take(cluster: ClusterEntry, target: EngineTarget, method: string, fresh: boolean, now: number): UpstreamStream {
    const context = this.#context;
    const pool = context.pools.of(target, cluster.config);
    pool.pod = target.endpoint.pod;
    this.#cluster = cluster;
    this.#target = target;
    this.#started = now;
    this.#headAt = 0;
    this.count++;
    const stream = pool.take(mayRepeat(method), fresh, now);
    this.stream = stream;
    context.stats.upstreamStarted(pool);
    return stream;
  }

  answered(now: number): void {
    this.#headAt = now;
  }

  /** The try is over: with a response of this `status` (499: the client left), or with a `failure`. */
  done(stream: UpstreamStream, status: number, failure: Failure | undefined, now: number): void {
    const context = this.#context;
    const cluster = this.#cluster as ClusterEntry;
    const target = this.#target as EngineTarget;
    this.stream = undefined;
    this.#admission.endRetry();
    const answered = failure === undefined ? status : 0;
    context.stats.upstreamDone(cluster.config.name, stream.pool, answered, failure, now - this.#started);
    // A client that left says nothing of the endpoint.
    if (answered === 499) return;
    const latencyMs = (this.#headAt === 0 ? now : this.#headAt) - this.#started;
    context.outcomes?.record(cluster, target, answered, failure, latencyMs);
    cluster.observe?.(target, { latencyMs, failed: failure !== undefined || status >= 500, retryAfterMs: 0, now });
  }
}
