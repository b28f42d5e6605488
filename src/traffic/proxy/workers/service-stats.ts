// Counts what the layer-4 drivers carry.
// Knows nothing of sockets.

import type { MetricWriter } from '#telemetry/metric-writer.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import type { FlowStats } from '../layer4/context.ts';
import type { InFlightCounters } from './in-flight.ts';

interface WorkerServiceStats extends FlowStats {
  /** An endpoint has left every cluster: its series end with it. */
  endpointLeft(key: string): void;
}

export function serviceStats(writer: MetricWriter, inFlight: InFlightCounters): WorkerServiceStats {
  // Name of each endpoint that has had a connection, by its key.
  const joined = new Map<string, string>();
  // An endpoint may leave while it is busy; its count has to come down where it went up.
  const slots = new Map<string, { slot: number; busy: number }>();
  return {
    tcpOpened(service, outcome) {
      writer.add(writer.cell(proxyMetrics.tcpAccepted, [service, outcome]), 1);
      if (outcome === 'connected') writer.add(writer.cell(proxyMetrics.tcpConnections, [service]), 1);
    },
    tcpClosed(service) {
      writer.add(writer.cell(proxyMetrics.tcpConnections, [service]), -1);
    },
    tcpJoined(cluster, { key, endpoint }) {
      const name = endpoint.pod === '' ? key : endpoint.pod;
      joined.set(key, name);
      writer.add(writer.cell(proxyMetrics.upstreamConnections, [cluster, name]), 1);
    },
    endpointLeft(key) {
      const name = joined.get(key);
      if (!joined.delete(key)) return;
      writer.release(proxyMetrics.upstreamConnections, (labels) => labels[1] === name);
    },
    udpOpened(service, outcome) {
      writer.add(writer.cell(proxyMetrics.udpOpened, [service, outcome]), 1);
      if (outcome === 'connected') writer.add(writer.cell(proxyMetrics.udpSessions, [service]), 1);
    },
    udpClosed(service) {
      writer.add(writer.cell(proxyMetrics.udpSessions, [service]), -1);
    },
    endpointBusy(key, delta) {
      let entry = slots.get(key);
      if (entry === undefined) {
        entry = { slot: inFlight.slot(key), busy: 0 };
        slots.set(key, entry);
      }
      inFlight.addFlow(entry.slot, delta);
      entry.busy += delta;
      if (entry.busy === 0) slots.delete(key);
    },
  };
}
