// Quality-of-service class of a pod, from its requests and limits.
// Pure; knows nothing of enforcement.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';

const COUNTED = ['cpu', 'memory'] as const;

function amount(text: string | undefined): number {
  return text === undefined ? 0 : Number(parseQuantity(text).milli());
}

/** `Guaranteed`, `Burstable` or `BestEffort`. (Upstream: pkg/apis/core/v1/helper/qos.) */
export function qosClass(pod: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  let anySet = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of COUNTED) {
      const limit = amount(resources?.limits?.[name]);
      // A request left out is its limit; the API server writes it so, and a hand-made object means the same.
      const request = resources?.requests?.[name] === undefined ? limit : amount(resources.requests[name]);
      if (limit > 0 || request > 0) anySet = true;
      if (limit === 0 || request !== limit) guaranteed = false;
    }
  }
  if (!anySet) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
