// What guards a cluster: circuit breaker, outlier detection, health checks, slow start, locality, load reports.
// Knows no cluster.
import type {
  CircuitBreaker,
  HealthCheck,
  HoldPolicy,
  LoadReportPolicy,
  LocalityPolicy,
  OutlierDetection,
  RetryRate,
  SlowStart,
} from '#traffic/model/ir.ts';
import { byType, checked, type EveryField, leaf, list, mapped, object, oneOf, optional, type Schema } from './kit.ts';
import { duration, endpointPort, flag, integer, method, number, percent, text } from './values.ts';

const limit = optional(integer(1, 1_000_000));

export const circuitBreaker: Schema<CircuitBreaker> = object({
  maxConnections: limit,
  maxPending: optional(integer(0, 1_000_000)),
  maxRequests: limit,
  maxRetries: optional(integer(0, 1_000_000)),
} satisfies EveryField<CircuitBreaker>);

export const hold: Schema<HoldPolicy> = object({
  maxRequests: integer(1, 1_000_000),
  maxBytes: integer(0, 1024 * 1024 * 1024),
  timeout: duration,
} satisfies EveryField<HoldPolicy>);

const count = optional(integer(0, 100_000));

export const outlierDetection: Schema<OutlierDetection> = mapped(
  object({
    consecutive5xx: count,
    consecutiveGatewayErrors: count,
    consecutiveConnectFailures: count,
    successRateStdevFactor: count,
    successRateMinimumHosts: count,
    successRateRequestVolume: count,
    latencyFactor: optional(number(1, 1_000)),
    latencyMinimum: optional(duration),
    interval: optional(duration),
    baseEjection: optional(duration),
    maxEjection: optional(duration),
    maxEjectionPercent: optional(percent),
  } satisfies EveryField<OutlierDetection, 'latencyMinimum', 'latencyMinimumMs'>),
  ({ latencyMinimum, ...rest }) => ({
    ...rest,
    ...(latencyMinimum === undefined ? {} : { latencyMinimumMs: latencyMinimum }),
  }),
);

const statuses: Schema<string> = leaf<string>('a status or a range of them', 'e.g. 200 or 200-299', (value) => {
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(value));
  if (match === null || Number(match[2] ?? match[1]) < Number(match[1])) return undefined;
  return { value: String(value) };
});

const checkPath: Schema<string> = leaf<string>(
  'the target of a request',
  'one that begins with a slash, in ASCII, e.g. /healthz?full=1',
  (value) => (typeof value === 'string' && /^\/[!"$-~]*$/.test(value) ? { value } : undefined),
);

const checkHost: Schema<string> = leaf<string>('a host', 'e.g. shop.example.com', (value) =>
  typeof value === 'string' && /^[\w.:[\]-]+$/.test(value) ? { value } : undefined,
);

const timing = {
  interval: optional(duration),
  timeout: optional(duration),
  jitter: optional(percent),
  unhealthyThreshold: optional(integer(1, 100)),
  healthyThreshold: optional(integer(1, 100)),
  port: optional(endpointPort),
  initiallyUnhealthy: optional(flag),
};

/** As kubelet probes, and with some jitter, so that a fleet of proxies does not ask in step. */
const USUAL = { interval: 10_000, timeout: 1_000, jitter: 10, unhealthyThreshold: 3, healthyThreshold: 1 };

function withUsual<T extends Partial<HealthCheck>>(schema: Schema<T>): Schema<HealthCheck> {
  const whole = mapped(schema, (given) => {
    const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return { ...USUAL, ...told } as HealthCheck;
  });
  return checked(whole, ({ interval, timeout }) => {
    if (interval === 0) return { field: 'interval', error: 'is 0', remedy: 'Write e.g. 10s' };
    if (timeout === 0 || timeout > interval) {
      return {
        field: 'timeout',
        error: `is ${timeout} ms with an interval of ${interval} ms`,
        remedy: 'Use more than 0 and at most the interval',
      };
    }
    return undefined;
  });
}

export const healthCheck: Schema<HealthCheck> = byType<HealthCheck>({
  http: withUsual(
    object({
      type: oneOf('http'),
      ...timing,
      path: optional(checkPath),
      host: optional(checkHost),
      method: optional(method),
      expectedStatuses: optional(list(statuses, 'statuses', { min: 1 })),
    }),
  ),
  tcp: withUsual(object({ type: oneOf('tcp'), ...timing })),
  grpc: withUsual(object({ type: oneOf('grpc'), ...timing, grpcService: optional(text) })),
});

export const slowStart: Schema<SlowStart> = mapped(
  object({
    window: duration,
    aggression: optional(number(0.1, 10)),
    minWeightPercent: optional(percent),
  } satisfies EveryField<SlowStart, 'window', 'windowMs'>),
  ({ window, aggression = 1, minWeightPercent = 10 }) => ({ windowMs: window, aggression, minWeightPercent }),
);

export const locality: Schema<LocalityPolicy> = object({
  prefer: oneOf('same_zone', 'same_node'),
  overprovisioningPercent: optional(integer(100, 10_000)),
} satisfies EveryField<LocalityPolicy>);

export const loadReports: Schema<LoadReportPolicy> = object({
  blackout: optional(duration),
  expiry: optional(duration),
  updateInterval: optional(duration),
  errorUtilizationPenalty: optional(number(0, 100)),
} satisfies EveryField<LoadReportPolicy>);

export const retryRate: Schema<RetryRate> = mapped(
  object({
    interval: duration,
    minCount: integer(0, 1_000_000),
    minInterval: duration,
  } satisfies EveryField<RetryRate, 'interval' | 'minInterval', 'intervalMs' | 'minIntervalMs'>),
  ({ interval, minCount, minInterval }) => ({ intervalMs: interval, minCount, minIntervalMs: minInterval }),
);
