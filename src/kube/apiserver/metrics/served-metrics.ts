// The groups of metrics as resources: which there are, which a path means, and who answers for them.
// Knows definitions; the answers are resource-metrics.ts and measured-metrics.ts.
import type { ResourceDefinition } from '#kube/api/resources.ts';
import type { Answered } from '../registry/registry.ts';
import { customMetrics, externalMetrics } from './measured-metrics.ts';
import type { MetricsHandler, MetricsHome } from './metrics-home.ts';
import { metricsHandler, metricsResources, RESOURCE_METRICS } from './resource-metrics.ts';

export const CUSTOM_METRICS = 'custom.metrics.k8s.io';
export const EXTERNAL_METRICS = 'external.metrics.k8s.io';
const VERSIONS: Readonly<Record<string, string>> = { [CUSTOM_METRICS]: 'v1beta2', [EXTERNAL_METRICS]: 'v1beta1' };
/** What a resource has metrics of is not the resource: these are shown by their metrics alone. */
export const METRIC_LIST = 'MetricValueList';

const common = { singular: '', shortNames: [], categories: [], namespaced: true, verbs: [], subresources: [] };

/** Of these groups discovery shows metrics in place of resources. */
export function isMeasured({ group }: Pick<ResourceDefinition, 'group'>): boolean {
  return group === CUSTOM_METRICS || group === EXTERNAL_METRICS;
}

type Home = Pick<MetricsHome, 'measured' | 'objectKind'>;

/** In discovery, beside the resources that are stored; of the measured ones nothing where nobody measures. */
export function servedMetrics(home: Home): Answered {
  const measured = home.measured;
  return {
    definitions() {
      if (measured === undefined) return metricsResources;
      const byResource = new Map<string, Set<string>>();
      for (const { resource, metric } of measured.custom()) {
        byResource.set(resource, (byResource.get(resource) ?? new Set()).add(metric));
      }
      return [
        ...metricsResources,
        ...[...byResource].map(([resource, metrics]) => ({ ...customOf(home, resource), subresources: [...metrics] })),
        ...[...new Set(measured.external())].map(externalOf),
      ];
    },
    find(group, version, resource) {
      if (group === RESOURCE_METRICS) {
        return metricsResources.find((one) => one.version === version && one.resource === resource);
      }
      if (measured === undefined || VERSIONS[group] !== version) return undefined;
      // Whatever is asked for: that nobody measures it is an answer of its own.
      return group === CUSTOM_METRICS ? customOf(home, resource) : externalOf(resource);
    },
  };
}

/** `undefined` for a resource of another group, and for what nobody may do. */
export function metricsHandlerOf(
  definition: ResourceDefinition,
  method: string | undefined,
): MetricsHandler | undefined {
  if (definition.group === RESOURCE_METRICS) return metricsHandler(definition);
  if (!isMeasured(definition) || (method !== 'GET' && method !== 'HEAD')) return undefined;
  return definition.group === CUSTOM_METRICS ? customMetrics : externalMetrics;
}

function customOf(home: Home, resource: string): ResourceDefinition {
  // `namespaces/NAME/metrics/…` is of the namespace itself.
  const namespaced = resource === 'metrics' || home.objectKind(resource)?.namespaced !== false;
  return { ...common, group: CUSTOM_METRICS, version: 'v1beta2', resource, kind: METRIC_LIST, namespaced };
}

function externalOf(resource: string): ResourceDefinition {
  return { ...common, group: EXTERNAL_METRICS, version: 'v1beta1', resource, kind: 'ExternalMetricValueList' };
}
