// Parts that listeners, routes and clusters have in common: weighted clusters and retries.
// Knows neither of the three.
import type { RetryPolicy, WeightedCluster } from '#traffic/model/ir.ts';
import { filter } from './filter.ts';
import { type EveryField, list, mapped, object, oneOf, optional, type Schema, short } from './kit.ts';
import { duration, integer, method, name } from './values.ts';

/** `cluster: name` alone means all of it. */
export const weightedCluster: Schema<WeightedCluster> = short(
  mapped(name, (cluster) => ({ cluster, weight: 1 })),
  mapped(
    object({
      cluster: name,
      weight: optional(integer(0, 1_000_000)),
      filters: optional(list(filter, 'filters')),
    }),
    ({ cluster, weight = 1, filters }) => ({ cluster, weight, ...(filters === undefined ? {} : { filters }) }),
  ),
);

/** A layer-4 listener looks into no request, so its clusters have no filters. */
export const plainCluster: Schema<WeightedCluster> = short(
  mapped(name, (cluster) => ({ cluster, weight: 1 })),
  mapped(object({ cluster: name, weight: optional(integer(0, 1_000_000)) }), ({ cluster, weight = 1 }) => ({
    cluster,
    weight,
  })),
);

export const retry: Schema<RetryPolicy> = mapped(
  object({
    attempts: integer(0, 10),
    on: optional(
      list(
        oneOf('connect_failure', 'reset', 'refused_stream', 'timeout', 'gateway_error', '5xx', 'retriable_4xx'),
        'conditions',
      ),
    ),
    statuses: optional(list(integer(400, 599), 'statuses')),
    backoff: optional(object({ base: duration, max: duration })),
    methods: optional(list(method, 'methods')),
  } satisfies EveryField<RetryPolicy>),
  ({ backoff, ...rest }) => ({
    ...rest,
    ...(backoff === undefined ? {} : { backoff: { baseMs: backoff.base, maxMs: Math.max(backoff.base, backoff.max) } }),
  }),
);
