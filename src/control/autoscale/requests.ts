// What pods request of a resource: what the utilization of it is relative to.
// Knows facts of pods. (Upstream: calculateRequests in replica_calculator.go.)
import type { ContainerFacts, PodFacts } from './pods.ts';

/** Thousandths by name of the pod, or why one of them cannot be told. */
export type RequestsOutcome = { readonly ok: true; readonly of: ReadonlyMap<string, bigint> } | Failed;

export interface Failed {
  readonly ok: false;
  readonly message: string;
}

/** `container`: only its requests; undefined: those of the pod, which count before those of its containers. */
export function requestsOf(
  pods: readonly PodFacts[],
  resource: string,
  container: string | undefined,
): RequestsOutcome {
  const found = new Map<string, bigint>();
  for (const pod of pods) {
    const request =
      pod.podRequests !== undefined && container === undefined
        ? (pod.podRequests[resource] ?? `missing pod-level request for ${resource} in Pod ${pod.name}`)
        : ofContainers(pod, resource, container);
    if (typeof request === 'string') return { ok: false, message: request };
    found.set(pod.name, request);
  }
  return { ok: true, of: found };
}

function ofContainers(pod: PodFacts, resource: string, container: string | undefined): bigint | string {
  const counted: readonly ContainerFacts[] =
    container === undefined ? pod.containers : pod.containers.filter(({ name }) => name === container);
  if (container !== undefined && counted.length === 0) return `container ${container} not found in Pod ${pod.name}`;
  let sum = 0n;
  for (const { name, requests } of counted) {
    const request = requests[resource];
    if (request === undefined) return `missing request for ${resource} in container ${name} of Pod ${pod.name}`;
    sum += request;
  }
  return sum;
}
