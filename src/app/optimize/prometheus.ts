// Facts from a Prometheus: the same as from a running cluster, but of the past, for as long as it remembers.
// Knows PromQL and Prometheus's HTTP API; the workloads are still those of the cluster.
import type { Client } from '#kube/client/client.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { backendFacts, type Spent, type WorkloadFacts } from './facts.ts';
import { readWorkloads, type Workload } from './workloads.ts';

export interface HistoryOptions {
  readonly client: Client;
  readonly prometheus: URL;
  readonly namespace?: string;
  readonly windowMs: number;
  /** From one value to the next, at least. */
  readonly stepMs: number;
  /** Wall milliseconds. */
  readonly now: number;
}

/** One line of an answer. */
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

/** Prometheus refuses more than 11,000 points a line; these are enough for a percentile. */
const MOST_POINTS = 1000;
const PATIENCE_MS = 30_000;

export async function readHistory(options: HistoryOptions): Promise<readonly WorkloadFacts[]> {
  const { client, namespace } = options;
  const ask = (query: string): Promise<readonly Series[]> => queryRange(options, query);
  const only = namespace === undefined ? 'container!=""' : `container!="",namespace="${namespace}"`;
  const window = `[${Math.max(1, Math.round(options.windowMs / 1000))}s]`;
  /** As of the end, over all of the window. */
  const grown = (part: string): Promise<readonly Series[]> =>
    queryRange(
      { ...options, windowMs: 0 },
      `sum by (cluster, endpoint) (increase(evenkeel_upstream_request_duration_seconds_${part}${window}))`,
    );
  const [workloads, cpu, memory, rates, p99, requests, seconds] = await Promise.all([
    readWorkloads(client, namespace),
    ask(`rate(container_cpu_usage_seconds_total{${only}}[1m])`),
    ask(`container_memory_working_set_bytes{${only}}`),
    ask('sum by (cluster) (rate(evenkeel_upstream_requests_total[1m]))'),
    ask('histogram_quantile(0.99, sum by (cluster, le) (rate(evenkeel_upstream_request_duration_seconds_bucket[1m])))'),
    grown('count'),
    grown('sum'),
  ]);
  return workloads.map((workload) => factsOf(workload, { cpu, memory, rates, p99, requests, seconds }));
}

type Answers = Readonly<Record<'cpu' | 'memory' | 'rates' | 'p99' | 'requests' | 'seconds', readonly Series[]>>;

function factsOf(workload: Workload, answers: Answers): WorkloadFacts {
  const { services, owns: _, settings, containers, ...rest } = workload;
  const ofPods = ({ metric }: Series): boolean =>
    metric.namespace === workload.namespace && isPodOf(workload, metric.pod ?? '');
  const ofTraffic = ({ metric }: Series): boolean =>
    services.some((service) => metric.cluster?.startsWith(`${service}/`) === true);
  const rates = sums(answers.rates.filter(ofTraffic));
  const used = (of: readonly Series[], container: string): readonly number[] =>
    numbers(of.filter((series) => ofPods(series) && series.metric.container === container));
  return {
    ...rest,
    // A pod that was there was measured.
    replicas: counts(
      answers.memory.filter((series) => ofPods(series) && series.metric.container === containers[0]?.name),
    ),
    containers: containers.map((container) => ({
      ...container,
      cpu: used(answers.cpu, container.name).map((cores) => cores * 1000),
      memory: used(answers.memory, container.name),
    })),
    ...(rates.length === 0 ? {} : { traffic: { rates } }),
    backends: services.flatMap((service) => {
      const own = (of: readonly Series[]): readonly Series[] =>
        of.filter(({ metric }) => metric.cluster?.startsWith(`${service}/`) === true);
      return backendFacts(
        service,
        settings.get(service),
        numbers(own(answers.p99)),
        spentBy(own(answers.requests), own(answers.seconds)),
      );
    }),
  };
}

/** By pod, all ports of the Service together. */
function spentBy(requests: readonly Series[], seconds: readonly Series[]): ReadonlyMap<string, Spent> {
  const all = new Map<string, Spent>();
  const add = (of: readonly Series[], key: keyof Spent): void => {
    for (const { metric, values } of of) {
      const pod = metric.endpoint ?? '';
      const before = all.get(pod) ?? { requests: 0, seconds: 0 };
      all.set(pod, { ...before, [key]: before[key] + Number(values.at(-1)?.[1] ?? 0) });
    }
  };
  // Growth is estimated to the ends of the window, which makes fractions of requests.
  add(requests, 'requests');
  add(seconds, 'seconds');
  return new Map([...all].map(([pod, spent]) => [pod, { ...spent, requests: Math.round(spent.requests) }]));
}

/** By its name: pods of the past are in no list any more. */
function isPodOf({ kind, name }: Workload, pod: string): boolean {
  if (!pod.startsWith(`${name}-`)) return false;
  const rest = pod.slice(name.length + 1);
  if (kind === 'StatefulSet') return /^\d+$/.test(rest);
  return kind === 'DaemonSet' ? /^[a-z0-9]+$/.test(rest) : /^[a-z0-9]+-[a-z0-9]+$/.test(rest);
}

async function queryRange(
  { prometheus, windowMs, stepMs, now }: HistoryOptions,
  query: string,
): Promise<readonly Series[]> {
  const step = Math.max(stepMs, windowMs / MOST_POINTS) / 1000;
  const url = new URL('api/v1/query_range', prometheus.href.endsWith('/') ? prometheus : `${prometheus.href}/`);
  url.search = new URLSearchParams({
    query,
    start: `${(now - windowMs) / 1000}`,
    end: `${now / 1000}`,
    step: `${step}`,
  }).toString();
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    throw new Failure(
      `No Prometheus answers at ${prometheus.origin}: ${codeOf(cause) ?? messageOf(cause ?? error)}`,
      'Give --prometheus the address of one that scrapes this cluster, or leave it out to look at the cluster itself',
      { cause: error },
    );
  }
  const body = (await response.json().catch(() => undefined)) as
    | { status: string; error?: string; data?: { result: readonly Series[] } }
    | undefined;
  if (body?.status === 'success' && body.data !== undefined) return body.data.result;
  throw new Failure(
    `Prometheus at ${prometheus.origin} answers ${response.status}: ${body?.error ?? 'no JSON'}`,
    'Give --prometheus the address of a Prometheus',
  );
}

function numbers(all: readonly Series[]): readonly number[] {
  return all.flatMap(({ values }) => values.map(([, value]) => Number(value))).filter(Number.isFinite);
}

/** One value a moment: the sum of all lines. */
function sums(all: readonly Series[]): readonly number[] {
  return moments(all, (value) => value);
}

/** One value a moment: how many lines there are. */
function counts(all: readonly Series[]): readonly number[] {
  return moments(all, () => 1);
}

function moments(all: readonly Series[], of: (value: number) => number): readonly number[] {
  const at = new Map<number, number>();
  for (const { values } of all) {
    for (const [seconds, value] of values) at.set(seconds, (at.get(seconds) ?? 0) + of(Number(value)));
  }
  return [...at].sort(([a], [b]) => a - b).map(([, value]) => value);
}
