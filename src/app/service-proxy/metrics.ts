// What a service proxy counts, and how it prints.
// One thread, one memory; knows numbers only.
import type { Family } from '#lib/ip.ts';
import { exposition } from '#telemetry/exposition.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import type { MetricDefinition, Series } from '#telemetry/series.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
): MetricDefinition => ({ name: `evenkeel_service_proxy_${name}`, help, type, labels, maxSeries: 100 });

const definitions = {
  changes: metric('changes_total', 'counter', ['outcome'], 'Changes of the rules: applied, or failed and tried again.'),
  duration: metric('change_duration_seconds', 'histogram', [], 'Time that the kernel takes for a change.'),
  lag: metric(
    'programming_latency_seconds',
    'histogram',
    [],
    'Time from a change of endpoints, as EndpointSlices say, until it is in force.',
  ),
  repairs: metric('repairs_total', 'counter', [], 'Rules and elements that somebody else had changed.'),
  ports: metric('service_ports', 'gauge', ['family'], 'Service ports that are served.'),
  silent: metric(
    'silent_nodes',
    'gauge',
    [],
    'Nodes that have fallen silent, so that nobody is led to what runs there.',
  ),
  leftOut: metric(
    'left_out_endpoints',
    'gauge',
    [],
    'Ready endpoints of silent nodes that are left out, once for each Service port.',
  ),
  lastChange: metric('last_change_timestamp_seconds', 'gauge', [], 'When a change came into force last.'),
  info: metric('info', 'gauge', ['mode', 'node'], 'Always 1: the driver and the node.'),
} as const satisfies Record<string, MetricDefinition>;

export class ProxyMetrics {
  readonly #memory = new SharedArrayBuffer(8 * 16_384);
  readonly #series: Series[] = [];
  readonly #writer = new MetricWriter(this.#memory, (series) => this.#series.push(series));

  constructor(mode: string, node: string) {
    this.#writer.set(this.#writer.cell(definitions.info, [mode, node]), 1);
  }

  /** Seconds; `lag` is undefined for changes that no endpoint caused. */
  applied(seconds: number, lag: number | undefined): void {
    this.#writer.add(this.#writer.cell(definitions.changes, ['applied']), 1);
    this.#writer.observe(this.#writer.cell(definitions.duration, []), seconds * 1000);
    if (lag !== undefined && lag >= 0) this.#writer.observe(this.#writer.cell(definitions.lag, []), lag * 1000);
    this.#writer.set(this.#writer.cell(definitions.lastChange, []), Date.now() / 1000);
  }

  failed(): void {
    this.#writer.add(this.#writer.cell(definitions.changes, ['failed']), 1);
  }

  repaired(count: number): void {
    this.#writer.add(this.#writer.cell(definitions.repairs, []), count);
  }

  holds(ports: Readonly<Record<Family, number>>): void {
    this.#writer.set(this.#writer.cell(definitions.ports, ['IPv4']), ports.IPv4);
    this.#writer.set(this.#writer.cell(definitions.ports, ['IPv6']), ports.IPv6);
  }

  silence(nodes: number, leftOut: number): void {
    this.#writer.set(this.#writer.cell(definitions.silent, []), nodes);
    this.#writer.set(this.#writer.cell(definitions.leftOut, []), leftOut);
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
