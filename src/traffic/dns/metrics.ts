// What the DNS server counts, and how it prints.
// One thread, one memory; knows numbers and words of the protocol only.
import { exposition } from '#telemetry/exposition.ts';
import type { MetricFormat } from '#telemetry/format.ts';
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
  searches: metric(
    'autopath_searches_total',
    'counter',
    ['outcome'],
    'Names searched for in place of clients: found further along their search path, or none.',
  ),
  names: metric('names', 'gauge', [], 'Names of the cluster that have records.'),
} as const satisfies Record<string, MetricDefinition>;

export type AnswerSource = 'cluster' | 'upstream' | 'server';

/** Of numbers up to 255; larger ones are rare, and searched for. */
class Cells {
  readonly #known = new Int32Array(256);

  of(number: number, find: () => number): number {
    const known = this.#known[number];
    if (known !== undefined && known !== 0) return known;
    const cell = find();
    if (number < this.#known.length) this.#known[number] = cell;
    return cell;
  }
}

export class DnsMetrics {
  readonly #memory = new SharedArrayBuffer(8 * 32_768);
  readonly #series: Series[] = [];
  readonly #writer = new MetricWriter(this.#memory, (series) => this.#series.push(series));

  /** Cells by what they count, so that a question costs no search for them. */
  readonly #types = { udp: new Cells(), tcp: new Cells() };
  readonly #rcodes = { cluster: new Cells(), upstream: new Cells(), server: new Cells() };
  readonly #durations: Partial<Record<AnswerSource, number>> = {};

  asked(protocol: 'udp' | 'tcp', type: number): void {
    const cell = this.#types[protocol].of(type, () =>
      this.#writer.cell(definitions.requests, [protocol, typeName(type)]),
    );
    this.#writer.add(cell, 1);
  }

  answered(source: AnswerSource, rcode: number, milliseconds: number): void {
    const cell = this.#rcodes[source].of(rcode, () =>
      this.#writer.cell(definitions.responses, [source, rcodeName(rcode)]),
    );
    this.#writer.add(cell, 1);
    this.#durations[source] ??= this.#writer.cell(definitions.duration, [source]);
    this.#writer.observe(this.#durations[source], milliseconds);
  }

  dropped(reason: 'response' | 'short' | 'overload'): void {
    this.#count(definitions.dropped, reason);
  }

  forwarded(upstream: string, outcome: number | 'failed'): void {
    this.#count(definitions.forwards, upstream, typeof outcome === 'number' ? rcodeName(outcome) : outcome);
  }

  searched(outcome: 'found' | 'none'): void {
    this.#count(definitions.searches, outcome);
  }

  cached(outcome: 'hit' | 'miss' | 'stale'): void {
    this.#count(definitions.cache, outcome);
  }

  /** Ends with a line break. */
  text(names: number, format?: MetricFormat): string {
    this.#writer.set(this.#writer.cell(definitions.names, []), names);
    return exposition(
      Object.values(definitions),
      [{ memory: this.#memory, series: this.#series, ended: false }],
      format,
    );
  }

  #count(definition: MetricDefinition, ...labels: string[]): void {
    this.#writer.add(this.#writer.cell(definition, labels), 1);
  }
}
