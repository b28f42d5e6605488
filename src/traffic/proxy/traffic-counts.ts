// What the engine has counted of requests and connections, for whoever computes rates of it.
// Puts together what others count; knows no Kubernetes.

import { type MetricSource, type Total, totals } from '#telemetry/exposition.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import { endpointKey } from '#traffic/snapshot/index.ts';
import type { MergedModel } from './merged-model.ts';
import type { SlotTable } from './workers/in-flight.ts';

/** Counters since the start, by labels as in `proxyMetrics`; gauges as of now. */
export interface TrafficCounts {
  /** By cluster, endpoint, outcome. */
  readonly attempts: readonly Total[];
  /** By cluster, endpoint. */
  readonly attemptDurations: readonly Total[];
  /** By listener, route, code. */
  readonly requests: readonly Total[];
  /** By route. */
  readonly requestDurations: readonly Total[];
  /** By Service port, outcome. */
  readonly connections: readonly Total[];
  /** By Service port: open now. */
  readonly openConnections: readonly Total[];
  /** By cluster: requests that wait for its first endpoint now. */
  readonly held: readonly Total[];
  /** Requests that an endpoint has now; one that several clusters have is in each of them. */
  readonly inFlight: readonly { readonly cluster: string; readonly endpoint: string; readonly count: number }[];
}

export function gatherCounts(sources: readonly MetricSource[], model: MergedModel, slots: SlotTable): TrafficCounts {
  const inFlight = [...model.model().clusters.keys()].flatMap((cluster) =>
    model.endpointsOf(cluster).map((endpoint) => {
      const key = endpointKey(endpoint);
      return { cluster, endpoint: endpoint.pod === '' ? key : endpoint.pod, count: slots.of(key) };
    }),
  );
  return {
    attempts: totals(proxyMetrics.upstreamRequests, sources),
    attemptDurations: totals(proxyMetrics.upstreamDuration, sources),
    requests: totals(proxyMetrics.requests, sources),
    requestDurations: totals(proxyMetrics.duration, sources),
    connections: totals(proxyMetrics.tcpAccepted, sources),
    openConnections: totals(proxyMetrics.tcpConnections, sources),
    held: totals(proxyMetrics.held, sources),
    inFlight,
  };
}
