// What outlier detection looks for and how hard it acts, with every default filled in.
// Knows nothing of endpoints; the defaults are Envoy's.

/** As a cluster says it: 0 or left out switches a cause off, except for `consecutive5xx`, which is on unless it is 0. */
export interface OutlierPolicy {
  readonly consecutive5xx?: number;
  readonly consecutiveGatewayErrors?: number;
  readonly consecutiveConnectFailures?: number;
  readonly successRateStdevFactor?: number;
  readonly successRateMinimumHosts?: number;
  readonly successRateRequestVolume?: number;
  readonly latencyFactor?: number;
  readonly latencyMinimumMs?: number;
  readonly interval?: number;
  readonly baseEjection?: number;
  readonly maxEjection?: number;
  readonly maxEjectionPercent?: number;
}

/** Milliseconds, percents, counts; the deviation factor in thousandths. */
export type OutlierSettings = Required<OutlierPolicy>;

export function outlierSettings(policy: OutlierPolicy): OutlierSettings {
  const baseEjection = policy.baseEjection ?? 30_000;
  return {
    consecutive5xx: policy.consecutive5xx ?? 5,
    consecutiveGatewayErrors: policy.consecutiveGatewayErrors ?? 0,
    consecutiveConnectFailures: policy.consecutiveConnectFailures ?? 0,
    successRateStdevFactor: policy.successRateStdevFactor ?? 0,
    successRateMinimumHosts: policy.successRateMinimumHosts ?? 5,
    successRateRequestVolume: policy.successRateRequestVolume ?? 100,
    latencyFactor: policy.latencyFactor ?? 0,
    latencyMinimumMs: policy.latencyMinimumMs ?? 0,
    interval: Math.max(1, policy.interval ?? 10_000),
    baseEjection,
    // A first ejection longer than the longest one would make no sense: the longer of the two holds.
    maxEjection: Math.max(policy.maxEjection ?? 300_000, baseEjection),
    maxEjectionPercent: policy.maxEjectionPercent ?? 10,
  };
}
