// Counts and prints the metrics of a part that runs in one thread.
// Knows the definitions it is given and nothing of what they mean.
import { exposition, type MetricSource } from './exposition.ts';
import type { MetricFormat } from './format.ts';
import { MetricWriter } from './metric-writer.ts';
import type { MetricDefinition, Series } from './series.ts';

export class MetricRecorder {
  readonly #definitions: readonly MetricDefinition[];
  /** For an exposition that joins several. */
  readonly source: MetricSource;
  readonly #writer: MetricWriter;

  /** `bytes` bound what it may count: 8 for a counter or gauge, 176 for a histogram; what comes beyond is lost. */
  constructor(definitions: Readonly<Record<string, MetricDefinition>>, bytes: number) {
    const memory = new SharedArrayBuffer(bytes);
    const live = new Map<number, Series>();
    this.#definitions = Object.values(definitions);
    this.#writer = new MetricWriter(memory, (one) => {
      if (one.ended === true) live.delete(one.cell);
      else live.set(one.cell, one);
    });
    this.source = {
      memory,
      get series() {
        return [...live.values()];
      },
      ended: false,
    };
  }

  add(metric: MetricDefinition, labels: readonly string[], amount = 1): void {
    this.#writer.add(this.#writer.cell(metric, labels), amount);
  }

  set(metric: MetricDefinition, labels: readonly string[], value: number): void {
    this.#writer.set(this.#writer.cell(metric, labels), value);
  }

  observe(metric: MetricDefinition, labels: readonly string[], milliseconds: number): void {
    this.#writer.observe(this.#writer.cell(metric, labels), milliseconds);
  }

  /** Replaces every series of a gauge: what is not named any more is gone, and what is beyond its bound left out. */
  replace(metric: MetricDefinition, values: Iterable<readonly [readonly string[], number]>): void {
    const now = new Map<string, readonly [readonly string[], number]>();
    for (const entry of values) now.set(entry[0].join('\0'), entry);
    this.#writer.release(metric, (labels) => !now.has(labels.join('\0')));
    let left = metric.maxSeries;
    for (const [labels, value] of now.values()) {
      // Under one label for all of them the last would stand for the rest.
      if (left-- === 0) return;
      this.set(metric, labels, value);
    }
  }

  /** Ends with a line break. */
  text(format?: MetricFormat): string {
    return exposition(this.#definitions, [this.source], format);
  }
}
