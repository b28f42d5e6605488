// One look at a running gateway: its clusters, and how long their requests have taken so far.
// Reads the admin page; what two looks mean together, rows.ts says.
import type { ClusterReport } from '#traffic/proxy/cluster-report.ts';
import { codeOf, Failure, messageOf, UsageFailure } from '../failure.ts';

/** Requests so far that took at most `upTo` seconds, by rising `upTo`; the last is infinite. */
export type Buckets = ReadonlyMap<number, number>;

/** Requests to one endpoint so far, and the seconds that they took together. */
export interface Spent {
  readonly requests: number;
  readonly seconds: number;
}

export interface Sample {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly clusters: readonly ClusterReport[];
  /** By cluster. */
  readonly durations: ReadonlyMap<string, Buckets>;
  /** By cluster and then by pod, or address. */
  readonly spent: ReadonlyMap<string, ReadonlyMap<string, Spent>>;
}

/** Longest wait for an answer, milliseconds. */
const PATIENCE_MS = 5000;
const DURATION =
  /^evenkeel_upstream_request_duration_seconds_bucket\{cluster="((?:[^"\\]|\\.)*)",.*le="([^"]+)"\} (\d+)/gm;

/** Throws a `Failure` when nobody answers, or somebody else. */
export async function takeSample(admin: URL): Promise<Sample> {
  const [clusters, metrics] = await Promise.all([ask(admin, '/clusters'), ask(admin, '/metrics')]);
  return {
    at: performance.now(),
    clusters: JSON.parse(clusters) as ClusterReport[],
    durations: durationsIn(metrics),
    spent: spentIn(metrics),
  };
}

/** `text` as Prometheus reads it; the buckets of a cluster's endpoints are added up. */
export function durationsIn(text: string): Map<string, Buckets> {
  const all = new Map<string, Map<number, number>>();
  for (const [, cluster = '', le = '', count = ''] of text.matchAll(DURATION)) {
    let buckets = all.get(cluster);
    if (buckets === undefined) {
      buckets = new Map();
      all.set(cluster, buckets);
    }
    const upTo = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    buckets.set(upTo, (buckets.get(upTo) ?? 0) + Number(count));
  }
  return all;
}

const SPENT =
  /^evenkeel_upstream_request_duration_seconds_(sum|count)\{cluster="((?:[^"\\]|\\.)*)",endpoint="([^"]*)"\} (\S+)/gm;

function spentIn(text: string): Map<string, Map<string, Spent>> {
  const all = new Map<string, Map<string, Spent>>();
  for (const [, part, cluster = '', endpoint = '', value] of text.matchAll(SPENT)) {
    const pods = all.get(cluster) ?? new Map<string, Spent>();
    const { requests = 0, seconds = 0 } = pods.get(endpoint) ?? {};
    pods.set(endpoint, part === 'sum' ? { requests, seconds: Number(value) } : { requests: Number(value), seconds });
    all.set(cluster, pods);
  }
  return all;
}

/** `example`: the flag that gave it, and what to write. */
export function adminUrl(text: string, example = '--admin e.g. http://127.0.0.1:9901'): URL {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new UsageFailure(`"${text}" is no http URL`, `Give ${example}`);
}

async function ask(admin: URL, path: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(new URL(path, admin), { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    throw new Failure(
      `No gateway answers at ${admin.origin}: ${codeOf(cause) ?? messageOf(cause ?? error)}`,
      'Start one with "evenkeel up" or "evenkeel gateway", or name its admin page with --admin',
      { cause: error },
    );
  }
  const text = await response.text();
  if (response.status === 200) return text;
  throw new Failure(
    `The page at ${admin.origin}${path} answers ${response.status}`,
    'Name the admin page of a gateway of this version with --admin',
  );
}
