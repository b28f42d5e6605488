// The one series that is the engine's own.
// Knows no worker.
import { version } from '#lib/version.ts';
import type { MetricSource } from '#telemetry/exposition.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import type { Series } from '#telemetry/series.ts';

/** Which version runs. */
export function buildInfo(): MetricSource {
  const series: Series[] = [];
  const memory = new SharedArrayBuffer(4096);
  const writer = new MetricWriter(memory, (one) => series.push(one));
  writer.add(writer.cell(proxyMetrics.buildInfo, [version]), 1);
  return { memory, series, ended: false };
}
