// Adds up what all threads counted and prints it in the Prometheus text format (version 0.0.4).
// Knows nothing of what is counted.

import { bucketBounds, FINITE_BUCKETS } from './buckets.ts';
import { HISTOGRAM_CELLS } from './metric-writer.ts';
import type { MetricDefinition, Series } from './series.ts';

/** The memory of one thread and the series it announced. */
export interface MetricSource {
  readonly memory: SharedArrayBuffer;
  readonly series: readonly Series[];
  /** The thread has ended: what it counted stays, what it measured (gauges) does not. */
  readonly ended: boolean;
}

/** Sum of one label set over all sources: one value, or the cells of a histogram. */
export interface Total {
  readonly labels: readonly string[];
  readonly values: Float64Array;
}

export function totals(metric: MetricDefinition, sources: readonly MetricSource[]): Total[] {
  const size = metric.type === 'histogram' ? HISTOGRAM_CELLS : 1;
  const byLabels = new Map<string, Total>();
  for (const source of sources) {
    if (source.ended && metric.type === 'gauge') continue;
    const cells = new Float64Array(source.memory);
    for (const { metric: name, labels, cell } of source.series) {
      if (name !== metric.name) continue;
      const key = labels.join('\0');
      let total = byLabels.get(key);
      if (total === undefined) {
        total = { labels, values: new Float64Array(size) };
        byLabels.set(key, total);
      }
      for (let i = 0; i < size; i++) (total.values[i] as number) += cells[cell + i] ?? 0;
    }
  }
  return [...byLabels.values()];
}

export function exposition(metrics: readonly MetricDefinition[], sources: readonly MetricSource[]): string {
  const lines: string[] = [];
  for (const metric of metrics) {
    lines.push(`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`);
    for (const total of totals(metric, sources)) {
      const pairs = metric.labels.map((label, i) => `${label}="${escapeLabel(total.labels[i] ?? '')}"`).join(',');
      if (metric.type === 'histogram') printHistogram(lines, metric.name, pairs, total.values);
      else lines.push(`${metric.name}${pairs === '' ? '' : `{${pairs}}`} ${total.values[0]}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function printHistogram(lines: string[], name: string, pairs: string, values: Float64Array): void {
  const prefix = pairs === '' ? '' : `${pairs},`;
  let count = 0;
  for (let i = 0; i < FINITE_BUCKETS; i++) {
    count += values[i] as number;
    lines.push(`${name}_bucket{${prefix}le="${bucketBounds[i]}"} ${count}`);
  }
  count += values[FINITE_BUCKETS] as number;
  lines.push(`${name}_bucket{${prefix}le="+Inf"} ${count}`);
  const suffix = pairs === '' ? '' : `{${pairs}}`;
  lines.push(`${name}_sum${suffix} ${values[FINITE_BUCKETS + 1]}`, `${name}_count${suffix} ${count}`);
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
