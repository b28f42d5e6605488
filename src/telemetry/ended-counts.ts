// What threads counted that have ended, added up in one memory: however often one dies, it costs the same to keep.
// Knows nothing of threads and of what is counted.

import type { MetricSource } from './exposition.ts';
import { HISTOGRAM_CELLS, MetricWriter } from './metric-writer.ts';
import type { MetricDefinition, Series } from './series.ts';

export class EndedCounts {
  readonly source: MetricSource;
  readonly #metrics: ReadonlyMap<string, MetricDefinition>;
  readonly #writer: MetricWriter;

  /** `bytes` hold the counts of one thread, and of those that come after it. */
  constructor(metrics: readonly MetricDefinition[], bytes: number) {
    const memory = new SharedArrayBuffer(bytes);
    const series: Series[] = [];
    this.#metrics = new Map(metrics.map((metric) => [metric.name, metric]));
    this.#writer = new MetricWriter(memory, (one) => series.push(one));
    this.source = { memory, series, ended: true };
  }

  /** Takes counters and histograms over; what the thread measured (gauges) ended with it. */
  add({ memory, series }: MetricSource): void {
    const cells = new Float64Array(memory);
    for (const { metric: name, labels, cell } of series) {
      const metric = this.#metrics.get(name);
      if (metric === undefined || metric.type === 'gauge') continue;
      const own = this.#writer.cell(metric, labels);
      const size = metric.type === 'histogram' ? HISTOGRAM_CELLS : 1;
      for (let at = 0; at < size; at++) this.#writer.add(own + at, cells[cell + at] ?? 0);
    }
  }
}
