// The metrics that autoscalers may ask for of what the gateway counts, and how each is computed.
// Pure; names follow Prometheus: base units, and what is measured first.
import { type Counts, quantile } from '#telemetry/count-window.ts';

/** Of HTTP, within the window of `seconds`; a share of nothing, and a quantile of nothing, is 0. */
const windowed: Readonly<Record<string, (counts: Counts, seconds: number) => number>> = {
  http_errors_per_second: ({ failed }, seconds) => failed / seconds,
  http_error_ratio: ({ events, failed }) => (events === 0 ? 0 : failed / events),
  http_request_duration_p50_seconds: ({ buckets }) => quantile(buckets, 0.5),
  http_request_duration_p95_seconds: ({ buckets }) => quantile(buckets, 0.95),
  http_request_duration_p99_seconds: ({ buckets }) => quantile(buckets, 0.99),
};

export const HTTP_RATE = 'http_requests_per_second';
export const HTTP_IN_FLIGHT = 'http_requests_in_flight';
export const TCP_OPEN = 'tcp_connections';
export const TCP_RATE = 'tcp_connections_per_second';

const http = [HTTP_RATE, ...Object.keys(windowed), HTTP_IN_FLIGHT];

export const customMetrics = {
  pods: http,
  services: [...http, TCP_OPEN, TCP_RATE],
  'ingresses.networking.k8s.io': http,
} as const;

/** `service_http_requests_per_second` is that of a Service, whichever its labels say. */
const PREFIXES = { service_: 'services', ingress_: 'ingresses.networking.k8s.io' } as const;

export const externalMetrics: readonly string[] = Object.entries(PREFIXES).flatMap(([prefix, resource]) =>
  customMetrics[resource].map((name) => `${prefix}${name}`),
);

export function externalParts(
  name: string,
): { readonly resource: 'services' | 'ingresses.networking.k8s.io'; readonly metric: string } | undefined {
  for (const [prefix, resource] of Object.entries(PREFIXES)) {
    if (name.startsWith(prefix)) return { resource, metric: name.slice(prefix.length) };
  }
  return undefined;
}

/** Undefined for a metric that is not one of a window. */
export function computeWindowed(metric: string, counts: Counts, seconds: number): number | undefined {
  if (!Object.hasOwn(windowed, metric)) return undefined;
  return windowed[metric]?.(counts, seconds);
}
