// What the DNS server counts, and how it prints.
// One thread, one memory; knows numbers and words of the protocol only.
import { exposition } from '#telemetry/exposition.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import type { MetricDefinition, Series } from '#telemetry/series.ts';
import { rcodeName, typeName } from './wire/message.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
  maxSeries = 100,
): MetricDefinition => ({ name: `evenkeel_dns_${name}`, help, type, labels, maxSeries });

const definitions = {
  requests: metric('requests_total', 'counter', ['protocol', 'type'], 'Questions by transport (udp, tcp) and type.'),
  responses: metric(
    'responses_total',
    'counter',
    ['source', 'rcode'],
    'Answers by who gave them (cluster, upstream, or server for what was refused) and response code.',
  ),
  duration: metric('request_duration_seconds', 'histogram', ['source'], 'Time from a question to its answer.'),
  dropped: metric('dropped_total', 'counter', ['reason'], 'Datagrams and connections that got no answer.'),
  forwards: metric(
    'forward_requests_total',
    'counter',
    ['upstream', 'outcome'],
    'Questions to upstream resolvers by response code, or failed.',
  ),
  cache: metric('cache_lookups_total', 'counter', ['outcome'], 'Looks into remembered answers: hit, miss, or stale.'),
  names: metric('names', 'gauge', [], 'Names of the cluster that have records.'),
} as const satisfies Record<string, MetricDefinition>;

export type AnswerSource = 'cluster' | 'upstream' | 'server';

export class DnsMetrics {
  readonly #memory = new SharedArrayBuffer(8 * 32_768);
  readonly #series: Series[] = [];
  readonly #writer = new MetricWriter(this.#memory, (series) => this.#series.push(series));

  asked(protocol: 'udp' | 'tcp', type: number): void {
    this.#count(definitions.requests, protocol, typeName(type));
  }

  answered(source: AnswerSource, rcode: number, milliseconds: number): void {
    this.#count(definitions.responses, source, rcodeName(rcode));
    this.#writer.observe(this.#writer.cell(definitions.duration, [source]), milliseconds);
  }

  dropped(reason: 'response' | 'short' | 'overload'): void {
    this.#count(definitions.dropped, reason);
  }

  forwarded(upstream: string, outcome: number | 'failed'): void {
    this.#count(definitions.forwards, upstream, typeof outcome === 'number' ? rcodeName(outcome) : outcome);
  }

  cached(outcome: 'hit' | 'miss' | 'stale'): void {
    this.#count(definitions.cache, outcome);
  }

  /** In Prometheus' text format. */
  text(names: number): string {
    this.#writer.set(this.#writer.cell(definitions.names, []), names);
    return exposition(Object.values(definitions), [{ memory: this.#memory, series: this.#series, ended: false }]);
  }

  #count(definition: MetricDefinition, ...labels: string[]): void {
    this.#writer.add(this.#writer.cell(definition, labels), 1);
  }
}
