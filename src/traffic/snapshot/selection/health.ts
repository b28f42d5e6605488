// What speaks against an endpoint beside its readiness, as the engine's one decision maker tells every worker.
// Types only; knows neither checks nor outcomes.

/**
 * `drained`: an operator asked for no new requests. `pending`: not to be used before its first good check.
 * `unhealthy`: its checks fail. `ejected`: it failed its requests. The first two hold even in panic.
 */
export type EndpointHealth = 'drained' | 'pending' | 'unhealthy' | 'ejected';

/** By endpoint key; who is not in it is healthy. */
export type ClusterHealth = ReadonlyMap<string, EndpointHealth>;

/** By cluster name; a cluster that is not in it is as before. */
export type HealthUpdate = ReadonlyMap<string, ClusterHealth>;

export const allHealthy: ClusterHealth = new Map();
