// Where a cluster would send a request now: its endpoints with their state, their load, and the chance of each.
// Reads the live entry and disturbs nothing.
import type { Endpoint, RouteFilter, WeightedCluster } from '#traffic/model/ir.ts';
import { type ClusterEntry, endpointKey, type RequestView, type Snapshot } from '#traffic/snapshot/index.ts';
import { hashKeyOf } from '../upstream/hash-key.ts';
import type { EndpointState, ExplainedBackend, ExplainedEndpoint } from './explanation.ts';

export interface BackendContext {
  readonly snapshot: Snapshot;
  readonly request: RequestView;
  readonly clientAddress: string;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Nothing runs: there is no load to tell of. */
  readonly atRest: boolean;
}

/** `filters` gives the filters of a backend, in the order in which they run. */
export function explainBackends(
  clusters: readonly WeightedCluster[],
  context: BackendContext,
  filters: (backend: WeightedCluster) => readonly RouteFilter[],
): readonly ExplainedBackend[] {
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  return clusters.map((backend) => {
    const share = total === 0 ? 0 : backend.weight / total;
    const base = { cluster: backend.cluster, share, filters: filters(backend) };
    const entry = context.snapshot.cluster(backend.cluster);
    if (entry === undefined) {
      return { ...base, levels: [], endpoints: [], problem: `Cluster "${backend.cluster}" does not exist` };
    }
    const hashKey = hashKeyOf(entry.config.hash, context.request, context.clientAddress);
    const endpoints = explainEndpoints(entry, hashKey, context);
    return {
      ...base,
      policy: entry.config.policy,
      ...(hashKey === '' ? {} : { hashKey }),
      levels: entry.levels.map(({ name, load, panic }) => ({ name, load, panic })),
      endpoints,
      ...(entry.targets.length > 0 ? {} : { problem: problemOf(endpoints) }),
    };
  });
}

function explainEndpoints(entry: ClusterEntry, hashKey: string, context: BackendContext): readonly ExplainedEndpoint[] {
  const { clientAddress, now, atRest } = context;
  const chances = new Map(
    entry
      .preview({ clientAddress, hashKey, now, tried: [] })
      .map(({ target, share }) => [target.key, { target, share }]),
  );
  return entry.endpoints.map((endpoint) => {
    const key = endpointKey(endpoint);
    const chance = chances.get(key);
    const target = chance?.target ?? entry.targets.find((one) => one.key === key);
    return {
      key,
      pod: endpoint.pod,
      zone: endpoint.zone,
      state: entry.health.get(key) ?? stateOf(endpoint),
      weight: target?.weight ?? endpoint.weight,
      ...(atRest || target === undefined ? {} : { inFlight: target.inFlight() }),
      chance: chance?.share ?? 0,
      details: target === undefined ? {} : entry.describe(target, now),
    };
  });
}

function stateOf({ ready, serving, terminating }: Endpoint): EndpointState {
  if (terminating) return serving ? 'leaving' : 'gone';
  return ready ? 'healthy' : 'not_ready';
}

function problemOf(endpoints: readonly ExplainedEndpoint[]): string {
  if (endpoints.length === 0) return 'It has no endpoints';
  return `None of its ${endpoints.length} endpoints can take a request`;
}
