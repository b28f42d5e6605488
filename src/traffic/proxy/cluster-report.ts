// Every cluster as the engine knows it, for the admin page and whoever asks: who is in, why not, and who got what.
// Puts together what others know; decides nothing.

import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import { endpointKey, type Selection } from '#traffic/snapshot/index.ts';
import type { EndpointView } from './health/endpoint-view.ts';

export interface ClusterReport {
  readonly name: string;
  readonly policy: Cluster['policy'];
  /** So few endpoints are healthy that all of them count. */
  readonly panic: boolean;
  /** From near to far, with the percent of the requests that each takes. */
  readonly levels: ReadonlyArray<{ readonly name: string; readonly load: number; readonly panic: boolean }>;
  readonly endpoints: readonly EndpointReport[];
}

export interface EndpointReport extends Endpoint, EndpointView {
  /** `address:port`, as in addresses of the admin server. */
  readonly key: string;
  /** Gets new requests, if only in panic. */
  readonly usable: boolean;
  /** Name of its level, empty when it is not usable. */
  readonly level: string;
  readonly inFlight: number;
  /** TCP connections of Services, since the start. */
  readonly connections: number;
  /** HTTP attempts by outcome, since the start. */
  readonly requests: Readonly<Record<string, number>>;
  /** What the balancing knows of it (weight, latency, ...), the mean over the workers. */
  readonly facts: Readonly<Record<string, number>>;
}

/** What there is to know of one endpoint beside the model. */
export type EndpointFacts = Pick<EndpointReport, 'inFlight' | 'connections' | 'requests' | 'facts'> & EndpointView;

export function reportCluster(
  cluster: Cluster,
  endpoints: readonly Endpoint[],
  selection: Selection,
  factsOf: (endpoint: Endpoint, key: string) => EndpointFacts,
): ClusterReport {
  const levels = new Map<Endpoint, string>();
  for (const { name, endpoints } of selection.levels) for (const one of endpoints) levels.set(one, name);
  return {
    name: cluster.name,
    policy: cluster.policy,
    panic: selection.panic,
    levels: selection.levels.map(({ name, load, panic }) => ({ name, load, panic })),
    endpoints: endpoints.map((endpoint) => {
      const key = endpointKey(endpoint);
      const level = levels.get(endpoint);
      return { ...endpoint, key, usable: level !== undefined, level: level ?? '', ...factsOf(endpoint, key) };
    }),
  };
}
