// Puts together the access log's line of one exchange.
// Knows nothing of how lines are written.

import type { ClusterEntry, EngineTarget, RouteEntry } from '#traffic/snapshot/index.ts';
import type { ClientStream } from './client-stream.ts';
import type { AccessRecord } from './context.ts';

/** What the exchange knows when it is over. */
export interface ExchangeResult {
  readonly status: number;
  readonly durationMs: number;
  readonly bytesOut: number;
  readonly route: RouteEntry | undefined;
  readonly cluster: ClusterEntry | undefined;
  /** Where the last attempt went. */
  readonly target: EngineTarget | undefined;
  readonly attempts: number;
  readonly requestId: string;
  readonly failure: string;
}

export function accessRecord(client: ClientStream, result: ExchangeResult): AccessRecord {
  const { head, listener, facts, bytesIn, protocol } = client;
  return {
    listener,
    client: facts.address,
    method: head.method,
    host: head.host,
    path: head.target,
    protocol,
    status: result.status,
    durationMs: Math.round(result.durationMs * 1000) / 1000,
    bytesIn,
    bytesOut: result.bytesOut,
    route: result.route?.route.name ?? '',
    cluster: result.cluster?.config.name ?? '',
    endpoint: result.target?.key ?? '',
    pod: result.target?.endpoint.pod ?? '',
    attempts: result.attempts,
    requestId: result.requestId,
    failure: result.failure,
  };
}
