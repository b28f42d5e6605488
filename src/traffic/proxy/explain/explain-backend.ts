// Where a cluster would send a request now: its endpoints with their state, their load, and the chance of each.
// Reads the live entry and disturbs nothing.
import type { WeightedCluster } from '#traffic/model/ir.ts';
import {
  type ClusterEntry,
  type EngineTarget,
  endpointKey,
  type RequestView,
  type Snapshot,
} from '#traffic/snapshot/index.ts';
import { stateOf } from '../health/endpoint-view.ts';
import { hashKeyOf } from '../upstream/hash-key.ts';
import { type Client, describeAffinity, ownEndpoint } from './explain-affinity.ts';
import type { ExplainedBackend, ExplainedEndpoint } from './explanation.ts';

export interface BackendContext {
  readonly snapshot: Snapshot;
  readonly request: RequestView;
  readonly clientAddress: string;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Nothing runs: there is no load to tell of. */
  readonly atRest: boolean;
  /** Undefined where bytes are carried. */
  readonly client: Client | undefined;
  /** The backend that the client stays with. */
  readonly own: WeightedCluster | undefined;
}

/** `of` says what the way to a backend does to the request. */
export function explainBackends(
  clusters: readonly WeightedCluster[],
  context: BackendContext,
  of: (backend: WeightedCluster) => Pick<ExplainedBackend, 'answer' | 'filters' | 'sentAs'>,
): readonly ExplainedBackend[] {
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  return clusters.map((backend) => {
    const weighted = total === 0 ? 0 : backend.weight / total;
    const share = context.own === undefined ? weighted : Number(context.own === backend);
    const base = { cluster: backend.cluster, share, ...of(backend) };
    const entry = context.snapshot.cluster(backend.cluster);
    if (entry === undefined) {
      const problem = `Cluster "${backend.cluster}" does not exist`;
      return { ...base, levels: [], endpoints: [], ...(base.answer === undefined ? { problem } : {}) };
    }
    const hashKey = hashKeyOf(entry.config.hash, context.request, context.clientAddress);
    const { affinity, origins } = entry.config;
    const target = context.client === undefined ? undefined : ownEndpoint(entry, context.client, context.now);
    const endpoints = explainEndpoints(entry, hashKey, context, target);
    return {
      ...base,
      policy: entry.config.policy,
      ...(origins === undefined ? {} : { settings: Object.entries(origins).map(([name, one]) => ({ name, ...one })) }),
      ...(hashKey === '' ? {} : { hashKey }),
      ...(affinity === undefined ? {} : { affinity: { by: describeAffinity(affinity), endpoint: target?.key } }),
      levels: entry.levels.map(({ name, load, panic }) => ({ name, load, panic })),
      endpoints,
      // Nobody asks for it where a filter answers.
      ...(entry.targets.length > 0 || base.answer !== undefined ? {} : { problem: problemOf(endpoints, entry) }),
    };
  });
}

function explainEndpoints(
  entry: ClusterEntry,
  hashKey: string,
  context: BackendContext,
  own: EngineTarget | undefined,
): readonly ExplainedEndpoint[] {
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
      chance: own === undefined ? (chance?.share ?? 0) : Number(own.key === key),
      details: atRest || target === undefined ? {} : entry.describe(target, now),
    };
  });
}

function problemOf(endpoints: readonly ExplainedEndpoint[], { config: { hold } }: ClusterEntry): string {
  const waits = hold === undefined ? '' : `; a request waits up to ${hold.timeout / 1000} s for one`;
  if (endpoints.length === 0) return `It has no endpoints${waits}`;
  return `None of its ${endpoints.length} endpoints can take a request${waits}`;
}
