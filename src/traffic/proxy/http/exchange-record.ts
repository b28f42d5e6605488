// What is known of one exchange when it is over: for the counts, and for its line in the access log.
// Knows nothing of how either is written.

import type { ClusterEntry, EngineTarget, RouteEntry } from '#traffic/snapshot/index.ts';
import type { ClientStream } from './client-stream.ts';
import type { HttpContext } from './context.ts';
import type { RequestTrace } from './request-trace.ts';

/** What it took. */
interface TriesTaken {
  readonly cluster: ClusterEntry | undefined;
  /** Where the last one went. */
  readonly target: EngineTarget | undefined;
  readonly count: number;
  readonly trace: RequestTrace | undefined;
  /** Milliseconds of waiting for an endpoint. */
  readonly heldMs: number;
}

/** One per client stream, begun anew with each request. */
export class ExchangeRecord {
  /** Monotonic milliseconds. */
  started = 0;
  route: RouteEntry | undefined;
  /** Of the response; 499 when the client left before one. */
  status = 0;
  /** Payload as the backend sent it. */
  bytesOut = 0;
  /** What went wrong, in one of few words; empty when nothing did. */
  failure = '';

  /** For counts and words; empty before a route is known. */
  get routeName(): string {
    return this.route?.route.metricName ?? '';
  }

  begin(now: number): void {
    this.started = now;
    this.route = undefined;
    this.status = 0;
    this.bytesOut = 0;
    this.failure = '';
  }

  /** The exchange is over; of its payload `bytesSaved` were spared the client. */
  finish(
    context: HttpContext,
    client: ClientStream,
    tries: TriesTaken,
    requestId: string,
    now: number,
    bytesSaved: number,
  ): void {
    const durationMs = now - this.started;
    const { head, listener, facts, bytesIn, protocol } = client;
    const { route, status, failure } = this;
    const cluster = tries.cluster?.config.name ?? '';
    context.stats.requestDone(listener, route, status, durationMs, tries.trace?.traceId);
    tries.trace?.end({ facts, protocol, route, cluster, status, failure }, now);
    const log = context.accessLog;
    if (log === undefined || !log.wants(status, durationMs)) return;
    log.write({
      listener,
      client: facts.address,
      method: head.method,
      host: head.host,
      path: head.target,
      protocol,
      status,
      durationMs: Math.round(durationMs * 1000) / 1000,
      bytesIn,
      bytesOut: this.bytesOut - bytesSaved,
      route: route?.route.name ?? '',
      cluster,
      endpoint: tries.target?.key ?? '',
      pod: tries.target?.endpoint.pod ?? '',
      attempts: tries.count,
      requestId,
      traceId: tries.trace?.traceId ?? '',
      failure,
      heldMs: Math.round(tries.heldMs * 1000) / 1000,
      userAgent: (log.readsHeaders ? head.header('user-agent') : undefined) ?? '',
      referer: (log.readsHeaders ? head.header('referer') : undefined) ?? '',
    });
  }
}
