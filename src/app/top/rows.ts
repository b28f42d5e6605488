// What happened between two looks at a gateway, a row a cluster: rates, errors, latencies, and who is out.
// Pure; knows neither the network nor the screen.
import type { ClusterReport, EndpointReport } from '#traffic/proxy/cluster-report.ts';
import type { Buckets, Sample } from './sample.ts';

export interface PodRow {
  /** `namespace/pod`, or the address where no pod stands behind it. */
  readonly name: string;
  /** Requests, or connections where it got none, a second. */
  readonly rate: number;
  /** 0 to 1. */
  readonly share: number;
  readonly errorRate: number;
  readonly inFlight: number;
  readonly state: EndpointReport['state'];
  readonly reason: string;
  /** What balancing takes its latency for, milliseconds; undefined where the policy does not measure. */
  readonly latencyMs: number | undefined;
}

export interface ClusterRow {
  readonly name: string;
  /** HTTP requests a second. */
  readonly rate: number;
  /** TCP connections a second, of those who use the Service's address. */
  readonly connections: number;
  /** 0 to 1, of the requests. */
  readonly errorRate: number;
  /** Seconds; undefined without requests. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly inFlight: number;
  readonly usable: number;
  readonly endpoints: number;
  /** What an operator should know, most urgent first. */
  readonly troubles: readonly string[];
  readonly pods: readonly PodRow[];
}

/** Nothing was counted before the first look: then rates are 0, and states are true. */
export function rowsBetween(before: Sample | undefined, now: Sample): readonly ClusterRow[] {
  const seconds = before === undefined ? Number.POSITIVE_INFINITY : Math.max(0.001, (now.at - before.at) / 1000);
  const earlier = new Map(before?.clusters.map((cluster) => [cluster.name, cluster]));
  return now.clusters.map((cluster) => {
    const old = new Map(earlier.get(cluster.name)?.endpoints.map((endpoint) => [endpoint.key, endpoint]));
    const moved = cluster.endpoints.map((endpoint) => difference(old.get(endpoint.key), endpoint));
    const requests = sum(moved, ({ requests }) => requests);
    const failed = sum(moved, ({ failed }) => failed);
    const connections = sum(moved, ({ connections }) => connections);
    const took = newBuckets(before?.durations.get(cluster.name), now.durations.get(cluster.name));
    const of = requests > 0 ? requests : connections;
    return {
      name: cluster.name,
      rate: requests / seconds,
      connections: connections / seconds,
      errorRate: requests === 0 ? 0 : failed / requests,
      p50: quantile(took, 0.5),
      p99: quantile(took, 0.99),
      inFlight: sum(cluster.endpoints, ({ inFlight }) => inFlight),
      usable: cluster.endpoints.filter(({ usable }) => usable).length,
      endpoints: cluster.endpoints.length,
      troubles: troublesOf(cluster),
      pods: cluster.endpoints.map((endpoint, i): PodRow => {
        const own = moved[i] ?? NOTHING;
        const count = requests > 0 ? own.requests : own.connections;
        return {
          name: endpoint.pod === '' ? endpoint.key : endpoint.pod,
          rate: count / seconds,
          share: of === 0 ? 0 : count / of,
          errorRate: own.requests === 0 ? 0 : own.failed / own.requests,
          inFlight: endpoint.inFlight,
          state: endpoint.state,
          reason: endpoint.reason,
          latencyMs: endpoint.facts.ewmaMs,
        };
      }),
    };
  });
}

const NOTHING = { requests: 0, failed: 0, connections: 0 };

/** Counts that have begun anew, as those of another pod at the same address, count from 0. */
function difference(before: EndpointReport | undefined, now: EndpointReport): typeof NOTHING {
  const same = before !== undefined && before.pod === now.pod;
  const moved = { ...NOTHING };
  for (const [outcome, count] of Object.entries(now.requests)) {
    const old = same ? (before.requests[outcome] ?? 0) : 0;
    const more = count >= old ? count - old : count;
    moved.requests += more;
    if (isFailure(outcome)) moved.failed += more;
  }
  const old = same ? before.connections : 0;
  moved.connections = now.connections >= old ? now.connections - old : now.connections;
  return moved;
}

/** An answer of the class 5xx, or none at all; what a client did wrong is no failure of a pod. */
function isFailure(outcome: string): boolean {
  return !/^[1-4]xx$/.test(outcome);
}

/** Requests of the time between, by bucket; the counts of endpoints that have left are gone from both. */
function newBuckets(before: Buckets | undefined, now: Buckets | undefined): [upTo: number, count: number][] {
  const all = [...(now ?? [])].sort(([a], [b]) => a - b);
  return all.map(([upTo, count]) => [upTo, Math.max(0, count - (before?.get(upTo) ?? 0))]);
}

/** As Prometheus's histogram_quantile: within a bucket, evenly. */
function quantile(buckets: readonly (readonly [upTo: number, count: number])[], part: number): number | undefined {
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = total * part;
  let [lower, below] = [0, 0];
  for (const [upper, count] of buckets) {
    if (count >= rank) {
      if (!Number.isFinite(upper)) return lower;
      return count === below ? upper : lower + ((upper - lower) * (rank - below)) / (count - below);
    }
    [lower, below] = [upper, count];
  }
  return lower;
}

const WORDS: Readonly<Partial<Record<EndpointReport['state'], string>>> = {
  ejected: 'ejected',
  unhealthy: 'unhealthy',
  drained: 'drained',
  pending: 'not checked yet',
};

function troublesOf({ endpoints, panic }: ClusterReport): readonly string[] {
  const troubles: string[] = [];
  if (endpoints.length === 0) troubles.push('no endpoints');
  else if (!endpoints.some(({ usable }) => usable)) troubles.push('no endpoint is usable');
  if (panic) troubles.push('panic');
  for (const [state, words] of Object.entries(WORDS)) {
    const count = endpoints.filter((endpoint) => endpoint.state === state).length;
    if (count > 0) troubles.push(`${count} ${words}`);
  }
  return troubles;
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
