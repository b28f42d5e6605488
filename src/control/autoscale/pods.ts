// What counts of a pod when replicas are computed, and how pods are told apart by it.
// Knows facts of pods, no API. (Upstream: groupPods in replica_calculator.go.)

/** Amounts by name of the resource, in thousandths. */
export type Requests = Readonly<Record<string, bigint>>;

export interface ContainerFacts {
  readonly name: string;
  readonly requests: Requests;
}

/** Times are wall time in milliseconds. */
export interface PodFacts {
  readonly name: string;
  readonly phase: string;
  readonly deleting: boolean;
  readonly startedAt: number | undefined;
  /** Its condition Ready, and since when it has that status. */
  readonly ready: { readonly status: string; readonly since: number } | undefined;
  /** Those that run all the time: the containers proper, then the init containers that are restarted. */
  readonly containers: readonly ContainerFacts[];
  /** Of the pod as a whole, where it says so itself. */
  readonly podRequests: Requests | undefined;
}

export interface PodMetric {
  readonly value: bigint;
  /** End of the time over which it was measured, and how long that was, in milliseconds. */
  readonly at: number;
  readonly windowMs: number;
}

/** By name of the pod. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

export interface ReadinessRules {
  readonly now: number;
  /** For so long after its start a pod's CPU counts only once it has been measured over a window since it got ready. */
  readonly cpuInitializationMs: number;
  /** A pod that is not ready, and became so before this time after its start, has never been ready. */
  readonly initialReadinessDelayMs: number;
}

export interface PodGroups {
  readonly ready: number;
  readonly unready: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
}

/** `resource`: only of `cpu` is asked how far the pod has come. */
export function groupPods(
  pods: readonly PodFacts[],
  metrics: PodMetrics,
  resource: string,
  rules: ReadinessRules,
): PodGroups {
  const unready = new Set<string>();
  const missing = new Set<string>();
  const ignored = new Set<string>();
  let ready = 0;
  for (const pod of pods) {
    const metric = metrics.get(pod.name);
    if (pod.deleting || pod.phase === 'Failed') ignored.add(pod.name);
    else if (pod.phase === 'Pending') unready.add(pod.name);
    else if (metric === undefined) missing.add(pod.name);
    else if (resource === 'cpu' && isUnready(pod, metric, rules)) unready.add(pod.name);
    else ready += 1;
  }
  return { ready, unready, missing, ignored };
}

function isUnready({ ready, startedAt }: PodFacts, metric: PodMetric, rules: ReadinessRules): boolean {
  if (ready === undefined || startedAt === undefined) return true;
  const isNotReady = ready.status === 'False';
  if (startedAt + rules.cpuInitializationMs > rules.now) {
    // What it used while it started up says nothing of the work it does.
    return isNotReady || metric.at < ready.since + metric.windowMs;
  }
  return isNotReady && startedAt + rules.initialReadinessDelayMs > ready.since;
}

/** Pods that could take work: by these the value of an object or of something outside is shared. */
export function countReadyRunning(pods: readonly PodFacts[]): number {
  return pods.filter(({ phase, ready }) => phase === 'Running' && ready?.status === 'True').length;
}
