// From a TLSRoute, TCPRoute or UDPRoute to the clusters that its connections or sessions are split over.
// Knows no listener and no other route.
import type { Layer4RouteObject } from '#kube/api/gateway/types.ts';
import type { WeightedCluster } from '../ir.ts';
import { type BackendLookups, resolveBackendRef } from './backends.ts';
import { type Fault, faultAt } from './conditions.ts';
import type { RouteKindName } from './objects.ts';

export interface Layer4Outcome {
  readonly clusters: readonly WeightedCluster[];
  readonly refFaults: readonly Fault[];
}

/** A share of a backend that cannot be used stays: its connections are closed, and do not go to the others. */
export function translateLayer4Route(
  kind: RouteKindName,
  route: Layer4RouteObject,
  lookups: BackendLookups,
): Layer4Outcome {
  const namespace = route.metadata?.namespace ?? '';
  const refFaults: Fault[] = [];
  const clusters = (route.spec?.rules?.[0]?.backendRefs ?? []).map((ref, at): WeightedCluster => {
    const { weight = 1 } = ref;
    const found = resolveBackendRef(ref, { kind, namespace }, lookups);
    if (!('fault' in found)) return { cluster: found.cluster, weight };
    refFaults.push(faultAt(`spec.rules[0].backendRefs[${at}]`, found.fault));
    return { cluster: '', weight };
  });
  return { clusters, refFaults };
}
