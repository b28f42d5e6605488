// The status of an autoscaler: what was measured, and what was decided.
// Pure; knows the form of the API only. (Upstream: setStatus and computeStatusFor... in horizontal.go.)
import type { MetricSpec, MetricStatus, MetricValueStatus } from 'kubernetes-types/autoscaling/v2.js';
import type { Current, Proposal, Refusal } from '#control/autoscale/index.ts';
import { formatQuantity, Quantity, type QuantityFormat } from '#kube/api/quantity.ts';

/** A metric that could not be computed keeps its place in the list, and says nothing. */
export function metricStatus(spec: MetricSpec, outcome: Proposal | Refusal): MetricStatus {
  if (!outcome.ok) return { type: '' };
  const { type, resource, containerResource, pods, object, external } = spec;
  const current = valueStatus(
    outcome.current,
    (resource ?? containerResource)?.name === 'memory' ? 'BinarySI' : 'DecimalSI',
  );
  if (resource !== undefined) return { type, resource: { name: resource.name, current } };
  if (containerResource !== undefined) {
    const { name, container } = containerResource;
    return { type, containerResource: { name, container, current } };
  }
  if (pods !== undefined) return { type, pods: { metric: pods.metric, current } };
  if (object !== undefined) {
    const { describedObject, metric } = object;
    return { type, object: { describedObject, metric, current } };
  }
  return { type, ...(external === undefined ? {} : { external: { metric: external.metric, current } }) };
}

function valueStatus({ value, averageValue, averageUtilization }: Current, format: QuantityFormat): MetricValueStatus {
  return {
    ...(averageUtilization === undefined ? {} : { averageUtilization }),
    ...(averageValue === undefined ? {} : { averageValue: textOf(averageValue, format) }),
    ...(value === undefined ? {} : { value: textOf(value, format) }),
  };
}

function textOf(milli: bigint, format: QuantityFormat): string {
  return formatQuantity(new Quantity(milli * 1_000_000n, format));
}
