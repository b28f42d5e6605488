// Replicas from what each pod uses: a share of its requests, or a plain amount a pod.
// Knows pods and their measurements. (Upstream: GetResourceReplicas, calcPlainMetricReplicas.)
import { ratioOf, replicasOf, sumOf } from '../numbers.ts';
import { groupPods, type PodFacts, type PodMetrics, type ReadinessRules } from '../pods.ts';
import { type Failed, requestsOf } from '../requests.ts';
import { isWithin, type Tolerances } from '../tolerance.ts';

export interface PodsQuestion {
  /** What the target asks for now. */
  readonly current: number;
  readonly pods: readonly PodFacts[];
  readonly metrics: PodMetrics;
  /** `cpu`, `memory` ...; empty for what is no resource. */
  readonly resource: string;
  readonly tolerances: Tolerances;
  readonly rules: ReadinessRules;
}

export interface Utilization {
  readonly ok: true;
  readonly replicas: number;
  /** Percent of the requests, rounded down. */
  readonly utilization: number;
  /** Thousandths a pod. */
  readonly average: bigint;
}

/** `target`: percent of the requests. `container`: measure by the requests of this one. */
export function replicasByUtilization(
  question: PodsQuestion,
  target: number,
  container: string | undefined,
): Utilization | Failed {
  const counted = countPods(question);
  if (!counted.ok) return counted;
  const { pods, resource } = question;
  const requests = requestsOf(pods, resource, container);
  if (!requests.ok) return requests;
  const utilizationOf = (values: Values): number => percentOf(values, requests.of);
  const first = utilizationOf(counted.values);
  if (Number.isNaN(first)) return { ok: false, message: 'no metrics returned matched known pods' };
  const known = [...counted.values].filter(([name]) => requests.of.has(name)).map(([, value]) => value);
  return {
    ok: true,
    utilization: first,
    average: sumOf(known) / BigInt(known.length),
    replicas: settle(question, counted, {
      ratio: (values) => utilizationOf(values) / target,
      // A pod that nothing is known of may be as busy as it can be.
      whenDown: (name) => ((requests.of.get(name) ?? 0n) * BigInt(Math.max(100, target))) / 100n,
    }),
  };
}

export interface Average {
  readonly ok: true;
  readonly replicas: number;
  /** Thousandths a pod. */
  readonly average: bigint;
}

/** `target`: thousandths a pod. */
export function replicasByAverage(question: PodsQuestion, target: bigint): Average | Failed {
  const counted = countPods(question);
  if (!counted.ok) return counted;
  return {
    ok: true,
    average: averageOf(counted.values),
    replicas: settle(question, counted, {
      ratio: (values) => ratioOf(averageOf(values), target),
      whenDown: () => target,
    }),
  };
}

type Values = ReadonlyMap<string, bigint>;

interface Counted {
  readonly ok: true;
  readonly ready: number;
  readonly unready: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
  readonly values: Values;
}

function countPods({ pods, metrics, resource, rules }: PodsQuestion): Counted | Failed {
  if (pods.length === 0) return { ok: false, message: 'no pods returned by selector while calculating replica count' };
  const { ready, unready, missing, ignored } = groupPods(pods, metrics, resource, rules);
  const values = new Map<string, bigint>();
  for (const [name, { value }] of metrics) if (!unready.has(name) && !ignored.has(name)) values.set(name, value);
  if (values.size === 0) {
    return { ok: false, message: 'did not receive metrics for targeted pods (pods might be unready)' };
  }
  return { ok: true, ready, unready, missing, values };
}

/** Measurements of pods that are not known are left out, not counted as nothing. NaN when none is left. */
function percentOf(values: Values, requests: ReadonlyMap<string, bigint>): number {
  let used = 0n;
  let requested = 0n;
  for (const [name, value] of values) {
    const request = requests.get(name);
    if (request === undefined) continue;
    used += value;
    requested += request;
  }
  return requested === 0n
    ? Number.NaN
    : Math.min(replicasOf(Number.POSITIVE_INFINITY), Number((used * 100n) / requested));
}

function averageOf(values: Values): bigint {
  return sumOf(values.values()) / BigInt(values.size);
}

interface Measure {
  ratio(values: Values): number;
  /** What a pod is taken to use that nothing is known of, when there seem to be too many pods. */
  whenDown(name: string): bigint;
}

/** The part that both share: doubt always speaks against a change. */
function settle({ current, tolerances }: PodsQuestion, counted: Counted, { ratio, whenDown }: Measure): number {
  const first = ratio(counted.values);
  const upWithUnready = counted.unready.size > 0 && first > 1;
  if (!upWithUnready && counted.missing.size === 0) {
    return isWithin(tolerances, first) ? current : replicasOf(first * counted.ready);
  }
  const values = new Map(counted.values);
  if (first !== 1) {
    for (const name of counted.missing) values.set(name, first < 1 ? whenDown(name) : 0n);
  }
  if (upWithUnready) for (const name of counted.unready) values.set(name, 0n);
  const next = ratio(values);
  if (isWithin(tolerances, next) || (first < 1 && next > 1) || (first > 1 && next < 1)) return current;
  const replicas = replicasOf(next * values.size);
  const turned = (next < 1 && replicas > current) || (next > 1 && replicas < current);
  return turned ? current : replicas;
}
