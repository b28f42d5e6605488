// What requests and limits mean to the kernel: for one container, and for a pod as a whole.
// Pure arithmetic; knows no cgroup files.
import type { Container, Pod, ResourceRequirements } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';

/** What a group of processes may use; what is left out is not limited. */
export interface ResourceLimits {
  /** Share of CPU time when there is too little of it: 2..262144, 1024 for each whole CPU requested. */
  readonly cpuShares: number;
  /** Thousandths of a CPU. */
  readonly cpuMillis?: number;
  readonly memoryBytes?: number;
  /** Processes and threads. */
  readonly pids?: number;
}

type Side = 'requests' | 'limits';

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
/** The kernel's unit of CPU limits, and the least it accepts, in microseconds. */
export const CPU_PERIOD_US = 100_000;
const MIN_QUOTA_US = 1_000;

/** Thousandths of a CPU as shares of contended time. (Upstream: pkg/kubelet/cm/helpers_linux.go.) */
export function cpuShares(millis: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((millis * 1024) / 1000)));
}

/** Microseconds of CPU time that thousandths of a CPU are in each period. */
export function cpuQuotaUs(millis: number): number {
  return Math.max(MIN_QUOTA_US, Math.floor((millis * CPU_PERIOD_US) / 1000));
}

/** Shares of cgroup v1 as a weight of v2, 1..10000. (Upstream: the conversion that OCI runtimes agreed on.) */
export function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

function amount(resources: ResourceRequirements | undefined, side: Side, name: 'cpu' | 'memory'): number | undefined {
  const text = resources?.[side]?.[name];
  if (text === undefined) return undefined;
  const quantity = parseQuantity(text);
  return Number(name === 'cpu' ? quantity.milli() : quantity.value());
}

/** A request that is left out is the limit. */
function request(resources: ResourceRequirements | undefined, name: 'cpu' | 'memory'): number {
  return amount(resources, 'requests', name) ?? amount(resources, 'limits', name) ?? 0;
}

function limitsOf(shares: number, cpu: number | undefined, memory: number | undefined): ResourceLimits {
  return {
    cpuShares: shares,
    // A limit of nothing is none, as upstream.
    ...(cpu === undefined || cpu === 0 ? {} : { cpuMillis: cpu }),
    ...(memory === undefined || memory === 0 ? {} : { memoryBytes: memory }),
  };
}

export function containerLimits({ resources }: Container): ResourceLimits {
  const cpu = amount(resources, 'limits', 'cpu');
  return limitsOf(cpuShares(request(resources, 'cpu')), cpu, amount(resources, 'limits', 'memory'));
}

function isSidecar(container: Container): boolean {
  return (container as { restartPolicy?: string }).restartPolicy === 'Always';
}

/** The most that the pod's containers need at any one time: init containers run alone, but beside earlier sidecars. */
function podSum(pod: Pod, of: (container: Container) => number): number {
  let sidecars = 0;
  let most = 0;
  for (const container of pod.spec?.initContainers ?? []) {
    if (isSidecar(container)) sidecars += of(container);
    most = Math.max(most, isSidecar(container) ? sidecars : sidecars + of(container));
  }
  const together = (pod.spec?.containers ?? []).reduce((sum, container) => sum + of(container), sidecars);
  return Math.max(most, together);
}

/**
 * Bounds of the whole pod: its containers' requests, and their limits when each of them has one. `pids` is the node's
 * bound for a pod. (Upstream: ResourceConfigForPod in pkg/kubelet/cm/helpers_linux.go.)
 */
export function podLimits(pod: Pod, pids: number): ResourceLimits {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const own = (pod.spec as { resources?: ResourceRequirements } | undefined)?.resources;
  const limit = (name: 'cpu' | 'memory'): number | undefined => {
    const whole = amount(own, 'limits', name);
    if (whole !== undefined) return whole;
    const each = containers.every(({ resources }) => (amount(resources, 'limits', name) ?? 0) > 0);
    return each ? podSum(pod, ({ resources }) => amount(resources, 'limits', name) ?? 0) : undefined;
  };
  const cpu = amount(own, 'requests', 'cpu') ?? podSum(pod, ({ resources }) => request(resources, 'cpu'));
  return { ...limitsOf(cpuShares(cpu), limit('cpu'), limit('memory')), pids };
}
