// Adds up what all threads counted and prints it, in Prometheus' text format or in OpenMetrics.
// Knows nothing of what is counted.

import { bucketBounds, FINITE_BUCKETS } from './buckets.ts';
import type { MetricFormat } from './format.ts';
import { HISTOGRAM_CELLS } from './metric-writer.ts';
import type { Exemplar, MetricDefinition, Series } from './series.ts';

/** The memory of one thread and the series it announced. */
export interface MetricSource {
  readonly memory: SharedArrayBuffer;
  readonly series: readonly Series[];
  /** The thread has ended: what it counted stays, what it measured (gauges) does not. */
  readonly ended: boolean;
  /** A request that fell into a bucket, by the bucket's cell. */
  readonly exemplars?: ReadonlyMap<number, Exemplar>;
}

/** Sum of one label set over all sources: one value, or the cells of a histogram. */
export interface Total {
  readonly labels: readonly string[];
  readonly values: Float64Array;
  /** The latest exemplar of each bucket that has one. */
  readonly exemplars: Map<number, Exemplar>;
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
        total = { labels, values: new Float64Array(size), exemplars: new Map() };
        byLabels.set(key, total);
      }
      for (let i = 0; i < size; i++) (total.values[i] as number) += cells[cell + i] ?? 0;
      if (metric.type === 'histogram' && source.exemplars !== undefined) gather(total, source.exemplars, cell);
    }
  }
  return [...byLabels.values()];
}

function gather({ exemplars }: Total, all: ReadonlyMap<number, Exemplar>, cell: number): void {
  for (let bucket = 0; bucket <= FINITE_BUCKETS; bucket++) {
    const found = all.get(cell + bucket);
    if (found !== undefined && found.at > (exemplars.get(bucket)?.at ?? 0)) exemplars.set(bucket, found);
  }
}

/** Ends with a line break. A page of OpenMetrics ends with `endOfPage` besides. */
export function exposition(
  metrics: readonly MetricDefinition[],
  sources: readonly MetricSource[],
  format: MetricFormat = 'prometheus',
): string {
  const lines: string[] = [];
  for (const metric of metrics) {
    // In OpenMetrics `_total` belongs to the sample, not to the name of the metric.
    const family =
      format === 'openmetrics' && metric.type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name;
    lines.push(`# HELP ${family} ${escapeHelp(metric.help, format)}`, `# TYPE ${family} ${metric.type}`);
    for (const total of totals(metric, sources)) {
      const pairs = metric.labels.map((label, i) => `${label}="${escapeLabel(total.labels[i] ?? '')}"`).join(',');
      if (metric.type === 'histogram') printHistogram(lines, metric.name, pairs, total, format);
      else lines.push(`${metric.name}${pairs === '' ? '' : `{${pairs}}`} ${total.values[0]}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function printHistogram(lines: string[], name: string, pairs: string, total: Total, format: MetricFormat): void {
  const { values, exemplars } = total;
  const prefix = pairs === '' ? '' : `${pairs},`;
  const withExemplars = format === 'openmetrics' && exemplars.size > 0;
  let count = 0;
  for (let i = 0; i <= FINITE_BUCKETS; i++) {
    count += values[i] as number;
    const bound = i === FINITE_BUCKETS ? '+Inf' : bucketBounds[i];
    const suffix = withExemplars ? exemplarText(exemplars.get(i)) : '';
    lines.push(`${name}_bucket{${prefix}le="${bound}"} ${count}${suffix}`);
  }
  const suffix = pairs === '' ? '' : `{${pairs}}`;
  lines.push(`${name}_sum${suffix} ${values[FINITE_BUCKETS + 1]}`, `${name}_count${suffix} ${count}`);
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  return ` # {trace_id="${exemplar.traceId}"} ${exemplar.seconds} ${exemplar.at / 1000}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Quotes are escaped in OpenMetrics only. */
function escapeHelp(text: string, format: MetricFormat): string {
  if (format === 'openmetrics') return escapeLabel(text);
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
