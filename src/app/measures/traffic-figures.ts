// What the gateway counts, as metrics of pods, Services and Ingresses for autoscalers. Reads only while somebody asks.
// Knows the engine by what it counted, and the API server by the form of its questions.
import type { LabelQuery } from '#kube/api/selector.ts';
import type {
  CustomMetric,
  ExternalValue,
  MeasuredFigures,
  MeasuredValue,
  ObjectNames,
} from '#kube/apiserver/metrics/measured.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { CountWindow } from '#telemetry/count-window.ts';
import type { TrafficCounts } from '#traffic/proxy/traffic-counts.ts';
import { type Arrivals, ratedBy } from './arrivals.ts';
import { clusterParts, labelValue, type Subject, seriesOf, subjectOf } from './count-series.ts';
import {
  computeWindowed,
  customMetrics,
  externalMetrics,
  externalParts,
  HTTP_IN_FLIGHT,
  HTTP_RATE,
  TCP_OPEN,
  TCP_RATE,
} from './metric-names.ts';

export interface CountSource {
  counts(): Promise<TrafficCounts>;
}

/** Over which time rates and quantiles are taken. */
const WINDOW_MS = 10_000;
/** So much of it shows a rise. */
const RECENT_MS = 2_000;
const PERIOD_MS = 1_000;
/** After so long without a question nobody is asking any more. */
const IDLE_MS = 60_000;
/** The first question has to wait for a second reading. */
const FIRST_MS = 250;

type Counted = keyof typeof customMetrics;

type Matches = (labels: Readonly<Record<string, string>>) => boolean;

export class TrafficFigures implements MeasuredFigures {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #window = new CountWindow(WINDOW_MS);
  #source: CountSource | undefined;
  #latest: TrafficCounts | undefined;
  #askedAt = 0;
  #cancel: Cancel | undefined;
  #reading: Promise<void> | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** From now on there is something to count. */
  watch(source: CountSource): void {
    this.#source = source;
  }

  /** Reads now, if somebody asks at all; otherwise the first question will. */
  async refresh(): Promise<void> {
    if (this.#cancel !== undefined) await this.#read();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#source = undefined;
    this.#window.forget();
  }

  *custom(): Iterable<CustomMetric> {
    for (const [resource, metrics] of Object.entries(customMetrics)) {
      for (const metric of metrics) yield { resource, metric };
    }
  }

  external(): Iterable<string> {
    return externalMetrics;
  }

  async valuesOf(
    { resource, namespace, names }: ObjectNames,
    metric: string,
    narrowed: LabelQuery,
  ): Promise<readonly (MeasuredValue | undefined)[] | undefined> {
    if (!isCounted(resource) || !(customMetrics[resource] as readonly string[]).includes(metric)) return undefined;
    await this.#asked();
    if (this.#latest === undefined) return undefined;
    const matches: Matches = (labels) => narrowed.matches(labels);
    return names.map((name) => this.#value(resource, `${namespace}/${name}`, metric, matches));
  }

  async externalValues(
    namespace: string,
    name: string,
    narrowed: LabelQuery,
  ): Promise<readonly ExternalValue[] | undefined> {
    const parts = externalParts(name);
    if (parts === undefined || !externalMetrics.includes(name)) return undefined;
    await this.#asked();
    if (this.#latest === undefined) return undefined;
    const label = parts.resource === 'services' ? 'service' : 'ingress';
    return [...this.#known(label)]
      .filter((key) => key.startsWith(`${namespace}/`))
      .filter((key) => narrowed.matches({ [label]: nameOf(key) }))
      .flatMap((key) => {
        const value = this.#value(parts.resource, key, parts.metric, () => true);
        return value === undefined ? [] : [{ ...value, labels: { [label]: nameOf(key) } }];
      });
  }

  /** Services and Ingresses that the engine knows of. */
  #known(label: 'service' | 'ingress'): Set<string> {
    const { inFlight = [], openConnections = [] } = this.#latest ?? {};
    const keys = new Set<string>();
    for (const series of seriesOf(this.#latest as TrafficCounts).keys()) keys.add(subjectOf(series)[label]);
    if (label === 'service') {
      for (const { cluster } of inFlight) keys.add(clusterParts(cluster).service);
      for (const { labels } of openConnections) keys.add((labels[0] ?? '').split(':')[0] ?? '');
    }
    keys.delete('');
    return keys;
  }

  #value(resource: Counted, key: string, metric: string, matches: Matches): MeasuredValue | undefined {
    if (metric === HTTP_IN_FLIGHT && resource !== 'ingresses.networking.k8s.io') {
      return { value: this.#inFlight(resource, key, matches), windowSeconds: 0 };
    }
    if (metric === TCP_OPEN) return { value: this.#open(key, matches) + this.#held(key, matches), windowSeconds: 0 };
    const seconds = this.#window.seconds();
    if (seconds === 0) return undefined;
    if (metric === HTTP_RATE) {
      const rated = ratedBy(this.#arrivals(resource, key, matches), this.#arrivals(resource, key, matches, RECENT_MS));
      return { value: rated.count / rated.seconds, windowSeconds: rated.seconds };
    }
    const counts = this.#window.within((series) => belongs(subjectOf(series), resource, key, metric, matches));
    // How many there were at a time, on average: what they lasted together, in the time they had.
    if (metric === HTTP_IN_FLIGHT) return { value: counts.seconds / seconds, windowSeconds: seconds };
    const value =
      metric === TCP_RATE
        ? (counts.events + this.#held(key, matches)) / seconds
        : computeWindowed(metric, counts, seconds);
    return value === undefined ? undefined : { value, windowSeconds: seconds };
  }

  /**
   * Requests count when they come, not when they end: an overloaded pod ends no more of them than it can, and what waits
   * for the first pod has come as well.
   */
  #arrivals(resource: Counted, key: string, matches: Matches, lastMs?: number): Arrivals {
    // A pod that several ports or Services have is the same pod in each of them.
    const pods = new Set<string>();
    const { events, open } = this.#window.within((series) => {
      const subject = subjectOf(series);
      if (!belongs(subject, resource, key, HTTP_RATE, matches)) return false;
      if (subject.kind !== 'open') return true;
      const isNew = !pods.has(subject.pod);
      pods.add(subject.pod);
      return isNew;
    }, lastMs);
    const held = resource === 'services' ? this.#held(key, matches) : 0;
    return { count: Math.max(0, events + open) + held, seconds: this.#window.seconds(lastMs) };
  }

  #inFlight(resource: Counted, key: string, matches: Matches): number {
    let sum = 0;
    // A pod that several ports or Services have is the same pod in each of them.
    const pods = new Map<string, number>();
    for (const { cluster, endpoint, count } of this.#latest?.inFlight ?? []) {
      const { service, port } = clusterParts(cluster);
      if (resource === 'pods' && endpoint === key && matches({ service: nameOf(service), port })) pods.set('', count);
      if (resource === 'services' && service === key && matches({ port })) pods.set(endpoint, count);
    }
    for (const count of pods.values()) sum += count;
    return resource === 'services' ? sum + this.#held(key, matches) : sum;
  }

  /** Requests and connections that wait for the first pod: without them nobody would ask for it. */
  #held(key: string, matches: Matches): number {
    let sum = 0;
    for (const { labels, values } of this.#latest?.held ?? []) {
      const { service, port } = clusterParts(labels[0] ?? '');
      if (service === key && matches({ port })) sum += values[0] ?? 0;
    }
    return sum;
  }

  #open(key: string, matches: Matches): number {
    let sum = 0;
    for (const { labels, values } of this.#latest?.openConnections ?? []) {
      const [service = '', port = ''] = (labels[0] ?? '').split(':');
      if (service === key && matches({ port })) sum += values[0] ?? 0;
    }
    return sum;
  }

  /** Begins to read, and resolves when there is something to say. */
  async #asked(): Promise<void> {
    this.#askedAt = this.#clock.now();
    if (this.#source === undefined) return;
    if (this.#cancel === undefined) {
      this.#cancel = this.#clock.every(PERIOD_MS, () => void this.#tick());
      this.#reading = this.#first();
    }
    await this.#reading;
  }

  async #first(): Promise<void> {
    await this.#read();
    await new Promise<void>((resolve) => this.#clock.after(FIRST_MS, resolve));
    await this.#read();
  }

  async #tick(): Promise<void> {
    if (this.#clock.now() - this.#askedAt > IDLE_MS) {
      this.#cancel?.();
      this.#cancel = undefined;
      this.#window.forget();
      return;
    }
    await this.#read();
  }

  async #read(): Promise<void> {
    try {
      const counts = await this.#source?.counts();
      if (counts === undefined) return;
      this.#latest = counts;
      this.#window.add(this.#clock.now(), seriesOf(counts));
    } catch (error) {
      // The engine is going down, or one of its threads has just ended: the next reading tells.
      this.#log.debug({ error: (error as Error).message }, 'Traffic could not be read');
    }
  }
}

function belongs(subject: Subject, resource: Counted, key: string, metric: string, matches: Matches): boolean {
  const { kind, service, port, pod, ingress, path } = subject;
  if (metric === TCP_RATE) return kind === 'connection' && service === key && matches({ port });
  if (resource === 'ingresses.networking.k8s.io')
    return kind === 'request' && ingress === key && matches({ path: labelValue(path) });
  if (kind !== 'attempt' && !(kind === 'open' && metric === HTTP_RATE)) return false;
  return resource === 'pods'
    ? pod === key && matches({ service: nameOf(service), port })
    : service === key && matches({ port });
}

const isCounted = (resource: string): resource is Counted => Object.hasOwn(customMetrics, resource);

const nameOf = (key: string): string => key.slice(key.indexOf('/') + 1);
