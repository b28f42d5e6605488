// What a Prometheus knows, by rules, as custom and external metrics. Lists series now and then, and asks when somebody asks.
// Knows rules and the form of the questions; no autoscaler. (Upstream: prometheus-adapter, custom- and external-provider.)
import type { LabelQuery } from '#kube/api/selector.ts';
import { StatusError } from '#kube/api/status.ts';
import type {
  CustomMetric,
  ExternalValue,
  MeasuredFigures,
  MeasuredValue,
  ObjectNames,
} from '#kube/apiserver/metrics/measured.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { PrometheusClient, Sample } from './prometheus-client.ts';
import type { Rules } from './read-rules.ts';
import type { Rule } from './rule.ts';

/** After a miss the series are listed anew, but not more often than this, in milliseconds. */
const LEAST_MS = 2_000;

/** Where a metric comes from. */
interface Source {
  readonly rule: Rule;
  readonly series: string;
}

/** By `resource/metric`, and by metric. */
interface Listed {
  readonly custom: ReadonlyMap<string, Source>;
  readonly external: ReadonlyMap<string, Source>;
}

export class PrometheusFigures implements MeasuredFigures {
  readonly #client: PrometheusClient;
  readonly #rules: Rules;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #relistMs: number;
  readonly #cancel: Cancel;
  #listed: Listed = { custom: new Map(), external: new Map() };
  #listedAt = Number.NEGATIVE_INFINITY;
  #listing: Promise<void> | undefined;
  #failing = false;

  /** `relistMs`: how often series are listed, and how old a series may be to be listed. */
  constructor(client: PrometheusClient, rules: Rules, relistMs: number, clock: Clock, log: Logger) {
    this.#client = client;
    this.#rules = rules;
    this.#relistMs = relistMs;
    this.#clock = clock;
    this.#log = log;
    this.#cancel = clock.every(relistMs, () => void this.#list());
    void this.#list();
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#client.close();
  }

  *custom(): Iterable<CustomMetric> {
    for (const key of this.#listed.custom.keys()) {
      const slash = key.indexOf('/');
      yield { resource: key.slice(0, slash), metric: key.slice(slash + 1) };
    }
  }

  external(): Iterable<string> {
    return this.#listed.external.keys();
  }

  async valuesOf(
    { resource, namespace, names }: ObjectNames,
    metric: string,
    narrowed: LabelQuery,
  ): Promise<readonly (MeasuredValue | undefined)[] | undefined> {
    const source = await this.#find(({ custom }) => custom.get(`${resource}/${metric}`));
    if (source === undefined) return undefined;
    if (names.length === 0) return [];
    const { rule, series } = source;
    const label = rule.labelOf(resource) ?? '';
    const samples = await this.#ask(rule.customQuery(series, resource, namespace, names, narrowed));
    const byName = new Map(samples.map(({ labels, value }) => [labels[label] ?? '', value]));
    return names.map((name) => figureOf(byName.get(name)));
  }

  async externalValues(
    namespace: string,
    metric: string,
    narrowed: LabelQuery,
  ): Promise<readonly ExternalValue[] | undefined> {
    const source = await this.#find(({ external }) => external.get(metric));
    if (source === undefined) return undefined;
    const samples = await this.#ask(source.rule.externalQuery(source.series, namespace, narrowed));
    return samples.flatMap(({ labels: { __name__: _, ...labels }, value }) => {
      const figure = figureOf(value);
      return figure === undefined ? [] : [{ ...figure, labels }];
    });
  }

  /** One that is not listed may have come since. */
  async #find(of: (listed: Listed) => Source | undefined): Promise<Source | undefined> {
    const known = of(this.#listed);
    if (known !== undefined) return known;
    if (this.#clock.now() - this.#listedAt >= LEAST_MS) await this.#list();
    else await this.#listing;
    return of(this.#listed);
  }

  async #ask(query: string): Promise<readonly Sample[]> {
    try {
      return await this.#client.query(query);
    } catch (error) {
      this.#log.warn({ query, error: (error as Error).message }, 'Prometheus does not answer a query of a rule');
      // In upstream's words, which tell clients nothing of what stands behind.
      throw new StatusError(500, 'InternalError', 'Internal error occurred: unable to fetch metrics');
    }
  }

  #list(): Promise<void> {
    this.#listing ??= this.#relist().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #relist(): Promise<void> {
    this.#listedAt = this.#clock.now();
    const start = (this.#clock.wall() - this.#relistMs) / 1000;
    const answers = new Map<string, ReturnType<PrometheusClient['series']>>();
    const seriesOf = (rule: Rule): ReturnType<PrometheusClient['series']> => {
      const asked = answers.get(rule.seriesQuery) ?? this.#client.series(rule.seriesQuery, start);
      answers.set(rule.seriesQuery, asked);
      return asked;
    };
    try {
      const custom = new Map<string, Source>();
      const external = new Map<string, Source>();
      for (const rule of this.#rules.custom) {
        for (const labels of await seriesOf(rule)) {
          const series = labels.__name__ ?? '';
          const metric = rule.metricOf(series);
          if (metric === undefined) continue;
          // Rules should not overlap; where they do, the later one counts, as upstream.
          for (const resource of rule.resourcesOf(labels)) custom.set(`${resource}/${metric}`, { rule, series });
        }
      }
      for (const rule of this.#rules.external) {
        for (const { __name__: series = '' } of await seriesOf(rule)) {
          const metric = rule.metricOf(series);
          if (metric !== undefined) external.set(metric, { rule, series });
        }
      }
      this.#listed = { custom, external };
      if (this.#failing) this.#log.info({}, 'Prometheus tells its series again');
      this.#failing = false;
    } catch (error) {
      await Promise.allSettled(answers.values());
      // What was known stays: whether it can be asked now is told to whoever asks.
      if (!this.#failing) {
        this.#log.warn({ error: (error as Error).message }, 'Prometheus does not tell which series it has');
      }
      this.#failing = true;
    }
  }
}

/** Not a number is 0, as upstream has it: nothing of nothing. An endless one is nothing to scale by. */
function figureOf(value: number | undefined): MeasuredValue | undefined {
  if (value === undefined || Math.abs(value) === Number.POSITIVE_INFINITY) return undefined;
  return { value: Number.isNaN(value) ? 0 : value, windowSeconds: 0 };
}
