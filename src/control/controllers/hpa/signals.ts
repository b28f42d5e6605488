// What an autoscaler measures by, read from the three APIs for metrics as any client would, whoever serves them.
// Knows paths and shapes; what follows from the figures is decided elsewhere. (Upstream: metrics/client.go.)
import type { MetricSpec } from 'kubernetes-types/autoscaling/v2.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { type PodMetric, type Signal, sumOf } from '#control/autoscale/index.ts';
import { labelSelectorQuery } from '#kube/api/selector.ts';
import type { Client } from '#kube/client/client.ts';
import { withQuery } from '#kube/client/paths.ts';
import type { Clock } from '#lib/clock.ts';
import { readDuration } from '#lib/duration.ts';
import { milliOf } from './facts.ts';
import type { Kinds } from './kinds.ts';

const RESOURCE = '/apis/metrics.k8s.io/v1beta1';
const CUSTOM = '/apis/custom.metrics.k8s.io';
const EXTERNAL = '/apis/external.metrics.k8s.io/v1beta1';
/** What a source that names no window is taken to measure over, in milliseconds. */
const USUAL_WINDOW_MS = 60_000;
/** So long it holds which version of the API for custom metrics is served. */
const VERSION_KEPT_MS = 30_000;
/** Newest first. */
const CUSTOM_VERSIONS = ['v1beta2', 'v1beta1'];

interface PodMetrics {
  readonly metadata?: { readonly name?: string };
  readonly timestamp?: string;
  readonly window?: string;
  readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[];
}

interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly window?: number;
  readonly value: string;
}

interface List<T> {
  readonly items?: readonly T[];
}

export class Signals {
  readonly #client: Client;
  readonly #kinds: Kinds;
  readonly #clock: Clock;
  #custom: { readonly at: number; readonly path: string } | undefined;

  constructor(client: Client, kinds: Kinds, clock: Clock) {
    this.#client = client;
    this.#kinds = kinds;
    this.#clock = clock;
  }

  /** `selector`: of the target's pods, as text. Never rejects. */
  async read(metric: MetricSpec, namespace: string, selector: string): Promise<Signal> {
    try {
      return await this.#read(metric, namespace, selector);
    } catch (error) {
      return { kind: 'failed', message: (error as Error).message };
    }
  }

  #read(
    { type, resource, containerResource, pods, object, external }: MetricSpec,
    namespace: string,
    selector: string,
  ) {
    if (type === 'Resource' && resource !== undefined) {
      return this.#resource(resource.name, undefined, namespace, selector);
    }
    if (type === 'ContainerResource' && containerResource !== undefined) {
      return this.#resource(containerResource.name, containerResource.container, namespace, selector);
    }
    if (type === 'Pods' && pods !== undefined) return this.#pods(pods.metric, namespace, selector);
    if (type === 'Object' && object !== undefined) return this.#object(object, namespace);
    if (type === 'External' && external !== undefined) return this.#external(external.metric, namespace);
    return { kind: 'failed', message: 'it names no source' } as const;
  }

  async #resource(name: string, container: string | undefined, namespace: string, selector: string): Promise<Signal> {
    const path = withQuery(`${RESOURCE}/namespaces/${namespace}/pods`, { labelSelector: selector });
    const items = await this.#list<PodMetrics>(path, 'resource metrics', 'pods.metrics.k8s.io');
    const metrics = new Map<string, PodMetric>();
    for (const { metadata, timestamp, window, containers = [] } of items) {
      const counted = container === undefined ? containers : containers.filter((one) => one.name === container);
      const amounts = counted.map(({ usage }) => usage?.[name]);
      // A part of a pod's use would pass for the whole of it.
      if (amounts.length === 0 || amounts.includes(undefined)) continue;
      metrics.set(metadata?.name ?? '', {
        value: sumOf(amounts.map((text) => milliOf(text ?? '0'))),
        at: Date.parse(timestamp ?? '') || 0,
        windowMs: readDuration(window ?? '') ?? 0,
      });
    }
    return { kind: 'pods', metrics };
  }

  async #pods({ name, selector: which }: Identifier, namespace: string, selector: string): Promise<Signal> {
    const base = await this.#customPath();
    const path = withQuery(`${base}/namespaces/${namespace}/pods/*/${encodeURIComponent(name)}`, {
      labelSelector: selector,
      metricLabelSelector: textOf(which),
    });
    const items = await this.#list<MetricValue>(path, 'custom metrics', `pods.custom.metrics.k8s.io *`);
    const metrics = new Map<string, PodMetric>();
    for (const { describedObject, timestamp, windowSeconds, window, value } of items) {
      const seconds = windowSeconds ?? window;
      metrics.set(describedObject?.name ?? '', {
        value: milliOf(value),
        at: Date.parse(timestamp ?? '') || 0,
        windowMs: seconds === undefined ? USUAL_WINDOW_MS : seconds * 1000,
      });
    }
    return { kind: 'pods', metrics };
  }

  async #object({ describedObject, metric }: NonNullable<MetricSpec['object']>, namespace: string): Promise<Signal> {
    const { apiVersion = '', kind, name } = describedObject;
    const base = await this.#customPath();
    const [ref] = await this.#kinds.of(apiVersion, kind);
    const resource = ref === undefined || ref.group === '' ? ref?.resource : `${ref.resource}.${ref.group}`;
    // Of a namespace only one's own can be asked for, whatever it says.
    const object = kind === 'Namespace' && ref?.group === '' ? 'metrics' : `${resource}/${encodeURIComponent(name)}`;
    const path = withQuery(`${base}/namespaces/${namespace}/${object}/${encodeURIComponent(metric.name)}`, {
      metricLabelSelector: textOf(metric.selector),
    });
    const [first] = await this.#list<MetricValue>(path, 'custom metrics', `${resource}.custom.metrics.k8s.io ${name}`);
    return { kind: 'value', value: milliOf(first?.value ?? '0') };
  }

  async #external({ name, selector }: Identifier, namespace: string): Promise<Signal> {
    const path = withQuery(`${EXTERNAL}/namespaces/${namespace}/${encodeURIComponent(name)}`, {
      labelSelector: textOf(selector),
    });
    const items = await this.#list<MetricValue>(path, 'external metrics', `${name}.external.metrics.k8s.io`);
    return { kind: 'value', value: sumOf(items.map(({ value }) => milliOf(value))) };
  }

  async #list<T>(path: string, api: string, what: string): Promise<readonly T[]> {
    let answer: List<T>;
    try {
      answer = (await this.#client.raw('GET', path)) as List<T>;
    } catch (error) {
      const { code, message } = error as { code?: number; message: string };
      // Nobody serves it: client-go says what was asked for.
      const nobody = code === 404 && message === 'the server could not find the requested resource';
      throw new Error(`unable to fetch metrics from ${api} API: ${message}${nobody ? ` (get ${what})` : ''}`);
    }
    const { items = [] } = answer;
    if (items.length === 0) throw new Error(`no metrics returned from ${api} API`);
    return items;
  }

  async #customPath(): Promise<string> {
    const now = this.#clock.now();
    if (this.#custom !== undefined && now - this.#custom.at < VERSION_KEPT_MS) return this.#custom.path;
    const refusal = 'no custom metrics API (custom.metrics.k8s.io) registered';
    const answer = (await this.#client.raw('GET', CUSTOM).catch((error: Error & { code?: number }) => {
      throw error.code === 404 ? new Error(`unable to fetch metrics from custom metrics API: ${refusal}`) : error;
    })) as { versions?: readonly { version: string }[] };
    const served = (answer.versions ?? []).map(({ version }) => version);
    const version = CUSTOM_VERSIONS.find((one) => served.includes(one));
    if (version === undefined) throw new Error(`unable to fetch metrics from custom metrics API: ${refusal}`);
    this.#custom = { at: now, path: `${CUSTOM}/${version}` };
    return this.#custom.path;
  }
}

interface Identifier {
  readonly name: string;
  readonly selector?: LabelSelector;
}

function textOf(selector: LabelSelector | undefined): string | undefined {
  return selector && labelSelectorQuery(selector).toString();
}
