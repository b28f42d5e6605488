// Which endpoints of a cluster Kubernetes lets take a request now.
// Knows nothing of health beyond that, nor of nodes and zones: this is the cluster-wide rule.
import type { Endpoint } from '#traffic/model/ir.ts';

/**
 * Ready endpoints; when none is ready, those that still serve while they terminate, so that the last pods of a
 * rolling update take requests until their successors do. Upstream: pkg/proxy/topology.go, CategorizeEndpoints.
 */
export function readyEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  if (ready.length > 0) return ready;
  return endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
}
