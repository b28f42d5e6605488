// Counts TLS handshakes.
// Knows nothing of sockets.

import type { MetricWriter } from '#telemetry/metric-writer.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import type { TlsStats } from '../listeners/gateway-connections.ts';

export function tlsStats(writer: MetricWriter): TlsStats {
  return {
    handshake(listener, version, resumed) {
      writer.add(writer.cell(proxyMetrics.handshakes, [listener, version, resumed ? 'yes' : 'no']), 1);
    },
    handshakeFailed(listener, reason) {
      writer.add(writer.cell(proxyMetrics.handshakeFailures, [listener, reason]), 1);
    },
  };
}
