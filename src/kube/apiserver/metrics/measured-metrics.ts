// custom.metrics.k8s.io and external.metrics.k8s.io: what is measured of objects, for autoscalers; answered and never stored.
// Knows how figures become objects; who measures is behind `MeasuredFigures`. (Upstream: custom-metrics-apiserver.)
import { formatQuantity, Quantity } from '#kube/api/quantity.ts';
import type { ResourceDefinition } from '#kube/api/resources.ts';
import { parseLabelSelector } from '#kube/api/selector.ts';
import { StatusError } from '#kube/api/status.ts';
import type { Handler, Reply, ResourceRequest, ServerContext } from '../context.ts';
import type { AnyObject } from '../registry/any-object.ts';
import { timestamp } from '../write/times.ts';
import { MEASURED, type MeasuredFigures, type MeasuredResource, type MeasuredValue } from './measured.ts';
import { scrapedValues } from './scrape/scraped-values.ts';
import { Scraper } from './scrape/scraper.ts';

const CUSTOM = 'custom.metrics.k8s.io';
const EXTERNAL = 'external.metrics.k8s.io';
/** What a resource has metrics of is not the resource: these are shown by their metrics alone. */
export const METRIC_LIST = 'MetricValueList';
const common = { singular: '', shortNames: [], categories: [], namespaced: true, verbs: [] };

/** In discovery, beside the resources that are stored; nothing where nobody measures. */
export function measuredResources(figures: MeasuredFigures | undefined): ResourceDefinition[] {
  if (figures === undefined) return [];
  const custom = Object.entries(figures.custom).map(([resource, subresources]) => ({
    ...common,
    group: CUSTOM,
    version: 'v1beta2',
    resource,
    kind: METRIC_LIST,
    subresources,
  }));
  const external = figures.external.map((resource) => ({
    ...common,
    group: EXTERNAL,
    version: 'v1beta1',
    resource,
    kind: 'ExternalMetricValueList',
    subresources: [],
  }));
  return [...custom, ...external];
}

/** Of these groups discovery shows metrics in place of resources. */
export function isMeasured({ group }: Pick<ResourceDefinition, 'group'>): boolean {
  return group === CUSTOM || group === EXTERNAL;
}

/** The handler of a resource of these groups; `undefined` for every other. */
export function measuredHandler(definition: ResourceDefinition, method: string | undefined): Handler | undefined {
  if (!isMeasured(definition) || (method !== 'GET' && method !== 'HEAD')) return undefined;
  return definition.group === CUSTOM ? customMetrics : externalMetrics;
}

async function customMetrics(request: ResourceRequest): Promise<Reply> {
  const { server, resource, namespace = '', name = '', subresource: metric = '', query } = request;
  const which = resource.definition.resource as MeasuredResource;
  const { group, resource: stored, kind, apiVersion } = MEASURED[which];
  const objects = selected(server.registry.builtin(group, 'v1', stored).collection.list(namespace), name, query);
  const names = objects.map(({ metadata }) => metadata?.name ?? '');
  const narrowed = parseLabelSelector(query.get('metricLabelSelector') ?? '');
  const figures = { resource: which, namespace, names };
  const matches = (labels: Readonly<Record<string, string>>): boolean => narrowed.matches(labels);
  const counted = await server.measured?.valuesOf(figures, metric, matches);
  // What nobody counts for them pods may say of themselves.
  const values =
    counted ?? (which === 'pods' ? await scrapedValues(scraperOf(server), objects, metric, matches) : undefined);
  if (values === undefined) throw notMeasured(`${metric} for ${which}`);
  const at = timestamp(server.clock.wall());
  const items = values.flatMap((value, index) =>
    value === undefined
      ? []
      : [
          {
            describedObject: { kind, namespace, name: names[index], apiVersion },
            metric: { name: metric, selector: null },
            timestamp: at,
            ...measured(value),
          },
        ],
  );
  if (items.length === 0 && name !== '*') throw notMeasured(`${metric} for ${which} ${name}`);
  return { code: 200, object: list(METRIC_LIST, `${CUSTOM}/v1beta2`, items) };
}

async function externalMetrics(request: ResourceRequest): Promise<Reply> {
  const { server, resource, namespace = '', query } = request;
  const metricName = resource.definition.resource;
  const narrowed = parseLabelSelector(query.get('labelSelector') ?? '');
  const values = (await server.measured?.externalValues(namespace, metricName)) ?? [];
  const at = timestamp(server.clock.wall());
  const items = values
    .filter(({ labels }) => narrowed.matches(labels))
    .map((value) => {
      const { value: amount, windowSeconds } = measured(value);
      const window = windowSeconds === undefined ? {} : { window: windowSeconds };
      return { metricName, metricLabels: value.labels, timestamp: at, ...window, value: amount };
    });
  return { code: 200, object: list('ExternalMetricValueList', `${EXTERNAL}/v1beta1`, items) };
}

const scrapers = new WeakMap<ServerContext, Scraper>();

function scraperOf(server: ServerContext): Scraper {
  const known = scrapers.get(server) ?? new Scraper(server.clock);
  scrapers.set(server, known);
  return known;
}

/** `*` stands for all that the label selector lets pass. */
function selected(
  all: readonly { readonly object: AnyObject }[],
  name: string,
  query: URLSearchParams,
): readonly AnyObject[] {
  const objects = all.map(({ object }) => object);
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
