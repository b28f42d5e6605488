// What a layer 2 announcer counts, and how it prints.
// One thread writes and another prints, through one memory; knows numbers only.
import { exposition } from '#telemetry/exposition.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import type { MetricDefinition, Series } from '#telemetry/series.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
): MetricDefinition => ({ name: `evenkeel_l2_${name}`, help, type, labels, maxSeries: 10 });

const definitions = {
  held: metric('held_addresses', 'gauge', [], 'Addresses that this node answers for.'),
  answers: metric('answers_total', 'counter', ['protocol'], 'Questions for an address that were answered.'),
  announcements: metric('announcements_total', 'counter', ['protocol'], 'Times that an address was told to all.'),
  conflicts: metric('conflicts_total', 'counter', [], 'Times that another host said it has an address held here.'),
} as const satisfies Record<string, MetricDefinition>;

/** Bytes of memory that are enough. */
export const L2_METRIC_BYTES = 8 * 512;

export class L2Metrics {
  readonly #writer: MetricWriter;

  /** `announce` hears of each new series, once. */
  constructor(memory: SharedArrayBuffer, announce: (series: Series) => void) {
    this.#writer = new MetricWriter(memory, announce);
    this.holds(0);
  }

  holds(addresses: number): void {
    this.#writer.set(this.#writer.cell(definitions.held, []), addresses);
  }

  answered(protocol: 'arp' | 'ndp'): void {
    this.#writer.add(this.#writer.cell(definitions.answers, [protocol]), 1);
  }

  announced(protocol: 'arp' | 'ndp'): void {
    this.#writer.add(this.#writer.cell(definitions.announcements, [protocol]), 1);
  }

  conflict(): void {
    this.#writer.add(this.#writer.cell(definitions.conflicts, []), 1);
  }
}

/** Ends with a line break. */
export function l2MetricsText(memory: SharedArrayBuffer, series: readonly Series[], format?: MetricFormat): string {
  return exposition(Object.values(definitions), [{ memory, series, ended: false }], format);
}
