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
  readonly tries: {
    readonly cluster: ClusterEntry | undefined;
    /** Where the last one went. */
    readonly target: EngineTarget | undefined;
    readonly count: number;
  };
  readonly requestId: string;
  readonly failure: string;
}

export function accessRecord(client: ClientStream, result: ExchangeResult): AccessRecord {
  const { tries } = result;
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
    cluster: tries.cluster?.config.name ?? '',
    endpoint: tries.target?.key ?? '',
    pod: tries.target?.endpoint.pod ?? '',
    attempts: tries.count,
    requestId: result.requestId,
    failure: result.failure,
  };
}
