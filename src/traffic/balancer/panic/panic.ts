// When so few endpoints are healthy that the healthy ones would be overrun: then all of them count.
// One rule; knows neither why an endpoint is unhealthy nor where it is.

/** Percent of endpoints that must be healthy, unless a cluster says otherwise. Source: Envoy, panic threshold. */
export const DEFAULT_PANIC_THRESHOLD = 50;

/** `threshold` 0 never panics; a group without endpoints does not panic either. */
export function isPanic(healthy: number, total: number, threshold = DEFAULT_PANIC_THRESHOLD): boolean {
  return total > 0 && healthy * 100 < threshold * total;
}
