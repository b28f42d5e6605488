// Where a cluster would send a request now: its endpoints with their state, their load, and the chance of each.
// Reads the live entry and disturbs nothing.
import type { WeightedCluster } from '#traffic/model/ir.ts';
import { type ClusterEntry, endpointKey, type RequestView, type Snapshot } from '#traffic/snapshot/index.ts';
import { stateOf } from '../health/endpoint-view.ts';
import { hashKeyOf } from '../upstream/hash-key.ts';
import type { ExplainedBackend, ExplainedEndpoint } from './explanation.ts';

export interface BackendContext {
  readonly snapshot: Snapshot;
  readonly request: RequestView;
  readonly clientAddress: string;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Nothing runs: there is no load to tell of. */
  readonly atRest: boolean;
}

/** `of` says what the way to a backend does to the request. */
export function explainBackends(
  clusters: readonly WeightedCluster[],
  context: BackendContext,
  of: (backend: WeightedCluster) => Pick<ExplainedBackend, 'filters' | 'sentAs'>,
): readonly ExplainedBackend[] {
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  return clusters.map((backend) => {
    const share = total === 0 ? 0 : backend.weight / total;
    const base = { cluster: backend.cluster, share, ...of(backend) };
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
      state: stateOf(endpoint, entry.health.get(key)),
      // The engine knows; a worker is told the state alone.
      reason: '',
      weight: target?.weight ?? endpoint.weight,
      ...(atRest || target === undefined ? {} : { inFlight: target.inFlight() }),
      chance: chance?.share ?? 0,
      details: target === undefined ? {} : entry.describe(target, now),
    };
  });
}

function problemOf(endpoints: readonly ExplainedEndpoint[]): string {
  if (endpoints.length === 0) return 'It has no endpoints';
  return `None of its ${endpoints.length} endpoints can take a request`;
}
