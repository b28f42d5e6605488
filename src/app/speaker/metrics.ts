// What a speaker as a whole counts, and how it prints; ARP and BGP count for themselves.
// One thread, one memory; knows numbers only.
import { exposition } from '#telemetry/exposition.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import type { MetricDefinition, Series } from '#telemetry/series.ts';

const metric = (name: string, type: MetricDefinition['type'], help: string): MetricDefinition => ({
  name: `evenkeel_speaker_${name}`,
  help,
  type,
  labels: [],
  maxSeries: 1,
});

const definitions = {
  alive: metric('alive_peers', 'gauge', 'Other speakers that are heard.'),
  refused: metric('refused_heartbeats_total', 'counter', 'Heartbeats that no speaker of this cluster has signed.'),
  pauses: metric(
    'pauses_total',
    'counter',
    'Times that this process stood still so long that others may have taken over.',
  ),
  changes: metric('membership_changes_total', 'counter', 'Times that another speaker came, went or died.'),
  silent: metric('silent_nodes', 'gauge', 'Nodes that have fallen silent, so that their endpoints are left out.'),
  seemingSilent: metric(
    'seemingly_silent_nodes',
    'gauge',
    'Nodes that seem silent; when more than half do, this one is cut off, and nothing is left out.',
  ),
  prefixes: metric('bgp_prefixes', 'gauge', 'Prefixes that this node announces by BGP.'),
} as const satisfies Record<string, MetricDefinition>;

export class SpeakerTotals {
  readonly #memory = new SharedArrayBuffer(8 * 256);
  readonly #series: Series[] = [];
  readonly #writer = new MetricWriter(this.#memory, (series) => this.#series.push(series));

  set(name: 'alive' | 'prefixes' | 'refused' | 'silent' | 'seemingSilent', value: number): void {
    this.#writer.set(this.#writer.cell(definitions[name], []), value);
  }

  count(name: 'changes' | 'pauses'): void {
    this.#writer.add(this.#writer.cell(definitions[name], []), 1);
  }

  /** Ends with a line break. */
  text(format?: MetricFormat): string {
    return exposition(
      Object.values(definitions),
      [{ memory: this.#memory, series: this.#series, ended: false }],
      format,
    );
  }
}
