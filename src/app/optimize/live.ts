// Facts from a running cluster: what kubelets measure and what the gateway counts, looked at again and again for a while.
// Knows the APIs; advice is made elsewhere.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { pause } from '../pause.ts';
import { rowsBetween } from '../top/rows.ts';
import type { Sample } from '../top/sample.ts';
import { backendFacts, type Spent, type WorkloadFacts } from './facts.ts';
import { amountsOf, readWorkloads, type Workload } from './workloads.ts';

export interface LiveOptions {
  readonly client: Client;
  /** Looks at the gateway; undefined where there is none to ask. */
  readonly sample: (() => Promise<Sample>) | undefined;
  readonly namespace?: string;
  readonly windowMs: number;
  readonly everyMs: number;
  readonly signal: AbortSignal;
  onLook(done: number, of: number): void;
}

interface PodMetrics {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly timestamp: string;
  readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[];
}

interface Growing {
  readonly workload: Workload;
  readonly replicas: number[];
  readonly cpu: Map<string, number[]>;
  readonly memory: Map<string, number[]>;
  readonly rates: number[];
  /** Seconds, by Service. */
  readonly p99: Map<string, number[]>;
  /** By Service and then by pod, over all looks. */
  readonly spent: Map<string, Map<string, Spent>>;
}

/** Looks until the window is over or the signal comes; what was seen until then counts. */
export async function watchFacts(options: LiveOptions): Promise<readonly WorkloadFacts[]> {
  const { client, namespace, windowMs, everyMs, signal } = options;
  const workloads = await readWorkloads(client, namespace);
  const all = workloads.map(
    (workload): Growing => ({
      workload,
      replicas: [],
      cpu: new Map(),
      memory: new Map(),
      rates: [],
      p99: new Map(),
      spent: new Map(),
    }),
  );
  const looks = Math.max(1, Math.round(windowMs / everyMs));
  let before = await options.sample?.();
  /** Measured at, by pod: what was seen already is no second look. */
  const seen = new Map<string, string>();
  for (let look = 0; look < looks && !signal.aborted; look++) {
    await pause(everyMs, signal);
    if (signal.aborted) break;
    const now = await options.sample?.();
    if (now !== undefined) countTraffic(all, before, now);
    before = now;
    await countPods(client, all, namespace, seen);
    options.onLook(look + 1, looks);
  }
  return all.map(factsOf);
}

function countTraffic(all: readonly Growing[], before: Sample | undefined, now: Sample): void {
  const rows = rowsBetween(before, now);
  for (const growing of all) {
    // A row is a port of a Service: `namespace/service/port`.
    const own = rows.filter(({ name }) => growing.workload.services.some((service) => name.startsWith(`${service}/`)));
    if (own.length === 0) continue;
    growing.rates.push(own.reduce((sum, row) => sum + row.rate, 0));
    for (const { name, p99 } of own) {
      const service = name.slice(0, name.lastIndexOf('/'));
      if (p99 !== undefined) push(growing.p99, service, p99);
      const pods = growing.spent.get(service) ?? new Map<string, Spent>();
      for (const [pod, spent] of now.spent.get(name) ?? []) {
        const old = before?.spent.get(name)?.get(pod);
        // Counts of a pod that has come since, or has begun anew, count from 0.
        const [requests, seconds] =
          old === undefined || spent.requests < old.requests
            ? [spent.requests, spent.seconds]
            : [spent.requests - old.requests, spent.seconds - old.seconds];
        const sum = pods.get(pod) ?? { requests: 0, seconds: 0 };
        pods.set(pod, { requests: sum.requests + requests, seconds: sum.seconds + seconds });
      }
      growing.spent.set(service, pods);
    }
  }
}

async function countPods(
  client: Client,
  all: readonly Growing[],
  namespace: string | undefined,
  seen: Map<string, string>,
): Promise<void> {
  const where = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const [pods, metrics] = await Promise.all([
    client.list<Pod & KubeObject>(builtin('Pod'), namespace === undefined ? {} : { namespace }),
    client.raw('GET', `/apis/metrics.k8s.io/v1beta1${where}/pods`) as Promise<{ items: readonly PodMetrics[] }>,
  ]);
  const measured = new Map(metrics.items.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]));
  for (const growing of all) {
    const own = pods.items.filter((pod) => growing.workload.owns(pod));
    growing.replicas.push(own.filter(isReady).length);
    for (const pod of own) {
      const key = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
      const found = measured.get(key);
      if (found === undefined || seen.get(key) === found.timestamp) continue;
      seen.set(key, found.timestamp);
      for (const { name, usage } of found.containers) {
        const { cpu, memory } = amountsOf(usage);
        if (cpu !== undefined) push(growing.cpu, name, cpu);
        if (memory !== undefined) push(growing.memory, name, memory);
      }
    }
  }
}

function factsOf({ workload, replicas, cpu, memory, rates, p99, spent }: Growing): WorkloadFacts {
  const { services, owns: _, settings, containers, ...rest } = workload;
  return {
    ...rest,
    replicas,
    containers: containers.map((container) => ({
      ...container,
      cpu: cpu.get(container.name) ?? [],
      memory: memory.get(container.name) ?? [],
    })),
    ...(rates.length === 0 ? {} : { traffic: { rates } }),
    backends: services.flatMap((service) =>
      backendFacts(service, settings.get(service), p99.get(service), spent.get(service)),
    ),
  };
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: ready }) => type === 'Ready' && ready === 'True') === true;
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
