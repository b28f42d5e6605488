// custom.metrics.k8s.io and external.metrics.k8s.io: what is measured of objects, for autoscalers; answered and never stored.
// Knows how figures become objects; who measures is behind `MeasuredFigures`. (Upstream: custom-metrics-apiserver.)
import { formatQuantity, Quantity } from '#kube/api/quantity.ts';
import { parseLabelSelector } from '#kube/api/selector.ts';
import { StatusError } from '#kube/api/status.ts';
import type { AnyObject } from '../registry/any-object.ts';
import { timestamp } from '../write/times.ts';
import type { MeasuredValue } from './measured.ts';
import type { MetricsHome, MetricsRequest } from './metrics-home.ts';
import { scrapedValues } from './scrape/scraped-values.ts';
import { Scraper } from './scrape/scraper.ts';

interface Answer {
  readonly code: number;
  readonly object: unknown;
}

export async function customMetrics(request: MetricsRequest): Promise<Answer> {
  const { home, query } = request;
  const { resource, namespace, name, metric } = askedFor(request);
  const kind = home.objectKind(resource);
  if (kind === undefined) throw notMeasured(`${metric} for ${resource}`);
  const within = kind.namespaced ? namespace : undefined;
  const objects = selected(await home.objects(kind, within), name, query);
  const names = objects.map(({ metadata }) => metadata?.name ?? '');
  const narrowed = parseLabelSelector(query.get('metricLabelSelector') ?? '');
  const figures = { resource, namespace: within ?? '', names };
  const counted = await home.measured?.valuesOf(figures, metric, narrowed);
  // What nobody counts for them pods may say of themselves.
  const values =
    counted ??
    (resource === 'pods'
      ? await scrapedValues(scraperOf(home), objects, metric, (labels) => narrowed.matches(labels))
      : undefined);
  if (values === undefined) throw notMeasured(`${metric} for ${resource}`);
  const at = timestamp(home.clock.wall());
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  const items = values.flatMap((value, index) =>
    value === undefined
      ? []
      : [
          {
            describedObject: {
              kind: kind.kind,
              ...(within === undefined ? {} : { namespace: within }),
              name: names[index],
              apiVersion,
            },
            metric: { name: metric, selector: null },
            timestamp: at,
            ...measured(value),
          },
        ],
  );
  if (items.length === 0 && name !== '*') throw notMeasured(`${metric} for ${resource} ${name}`);
  return { code: 200, object: list('MetricValueList', 'custom.metrics.k8s.io/v1beta2', items) };
}

/** `namespaces/NAME/metrics/METRIC` is of the namespace itself. */
function askedFor({ definition, namespace = '', name = '', subresource = '' }: MetricsRequest): {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly metric: string;
} {
  return definition.resource === 'metrics'
    ? { resource: 'namespaces', namespace: '', name: namespace, metric: name }
    : { resource: definition.resource, namespace, name, metric: subresource };
}

export async function externalMetrics({ home, definition, namespace = '', query }: MetricsRequest): Promise<Answer> {
  const metricName = definition.resource;
  const narrowed = parseLabelSelector(query.get('labelSelector') ?? '');
  const values = await home.measured?.externalValues(namespace, metricName, narrowed);
  if (values === undefined) throw notMeasured(metricName);
  const at = timestamp(home.clock.wall());
  const items = values.map((value) => {
    const { value: amount, windowSeconds } = measured(value);
    const window = windowSeconds === undefined ? {} : { window: windowSeconds };
    return { metricName, metricLabels: value.labels, timestamp: at, ...window, value: amount };
  });
  return { code: 200, object: list('ExternalMetricValueList', 'external.metrics.k8s.io/v1beta1', items) };
}

const scrapers = new WeakMap<MetricsHome, Scraper>();

function scraperOf(home: MetricsHome): Scraper {
  const known = scrapers.get(home) ?? new Scraper(home.clock);
  scrapers.set(home, known);
  return known;
}

/** `*` stands for all that the label selector lets pass. */
function selected(objects: readonly AnyObject[], name: string, query: URLSearchParams): readonly AnyObject[] {
  if (name !== '*') return objects.filter(({ metadata }) => metadata?.name === name);
  const selector = parseLabelSelector(query.get('labelSelector') ?? '');
  return objects.filter(({ metadata }) => selector.matches(metadata?.labels));
}

function measured({ value, windowSeconds }: MeasuredValue): { value: string; windowSeconds?: number } {
  const milli = BigInt(Math.round(value * 1000));
  return {
    ...(windowSeconds === 0 ? {} : { windowSeconds: Math.round(windowSeconds) }),
    value: formatQuantity(new Quantity(milli * 1_000_000n)),
  };
}

const list = (kind: string, apiVersion: string, items: readonly unknown[]): unknown => ({
  kind,
  apiVersion,
  metadata: {},
  items,
});

/** In upstream's words. */
function notMeasured(what: string): StatusError {
  return new StatusError(404, 'NotFound', `the server could not find the metric ${what}`, {});
}
