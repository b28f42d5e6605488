// Puts into an explanation what only the engine knows of endpoints: why they are in the state they are in.
// Knows an explanation and a way to look endpoints up.
import type { Endpoint } from '#traffic/model/ir.ts';
import { endpointKey } from '#traffic/snapshot/index.ts';
import type { EndpointView } from '../health/endpoint-view.ts';
import type { Explanation } from './explanation.ts';

export interface HealthLookup {
  endpointsOf(cluster: string): readonly Endpoint[];
  view(cluster: string, endpoint: Endpoint): EndpointView;
}

export function withHealth(explanation: Explanation, { endpointsOf, view }: HealthLookup): Explanation {
  const backends = explanation.backends.map((backend) => {
    const known = new Map(endpointsOf(backend.cluster).map((endpoint) => [endpointKey(endpoint), endpoint]));
    const endpoints = backend.endpoints.map((explained) => {
      const endpoint = known.get(explained.key);
      if (endpoint === undefined) return explained;
      const { state, reason } = view(backend.cluster, endpoint);
      return { ...explained, state, reason };
    });
    return { ...backend, endpoints };
  });
  return { ...explanation, backends };
}
