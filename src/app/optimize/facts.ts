// What advice is made of: what each workload asked for, what it used, and how much its users asked of it, over one window.
// Shapes, and how counts become them; who reads them is live.ts and prometheus.ts.

/** Millicores, or bytes. */
export interface Amounts {
  readonly cpu?: number;
  readonly memory?: number;
}

export interface ContainerFacts {
  readonly name: string;
  readonly requests: Amounts;
  readonly limits: Amounts;
  /** One value a pod and look: millicores. */
  readonly cpu: readonly number[];
  /** One value a pod and look: bytes. */
  readonly memory: readonly number[];
}

export interface AutoscalerFacts {
  readonly name: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

export interface TrafficFacts {
  /** Requests a second, one value a look. */
  readonly rates: readonly number[];
}

/** What the gateway counted of a Service, and what the Service says of it. */
export interface BackendFacts {
  /** In the workload's namespace. */
  readonly service: string;
  /** By its annotation; undefined: the default, which goes by latency. */
  readonly policy?: string;
  readonly requestTimeout?: { readonly text: string; readonly ms: number };
  readonly requests: number;
  /** Seconds, one value a look that had requests. */
  readonly p99: readonly number[];
  readonly pods: readonly {
    /** `namespace/pod`. */
    readonly name: string;
    readonly requests: number;
    readonly meanMs: number;
  }[];
}

export interface WorkloadFacts {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  /** Ready pods, one value a look. */
  readonly replicas: readonly number[];
  /** As the manifest has it now. */
  readonly wanted: number;
  readonly containers: readonly ContainerFacts[];
  readonly autoscaler?: AutoscalerFacts;
  /** A PodDisruptionBudget covers its pods. */
  readonly budget: boolean;
  /** Of the Services that select its pods; absent where nothing was counted. */
  readonly traffic?: TrafficFacts;
  /** Of each of those Services that had requests. */
  readonly backends?: readonly BackendFacts[];
}

/** What a pod did for a Service within the window. */
export interface Spent {
  readonly requests: number;
  readonly seconds: number;
}

/** `service`: `namespace/name`. `p99`: seconds. `spent`: by pod. None where nothing was asked. */
export function backendFacts(
  service: string,
  settings: Pick<BackendFacts, 'policy' | 'requestTimeout'> = {},
  p99: readonly number[] = [],
  spent: ReadonlyMap<string, Spent> = new Map(),
): readonly BackendFacts[] {
  const pods = [...spent]
    .filter(([, { requests }]) => requests > 0)
    .map(([name, { requests, seconds }]) => ({ name, requests, meanMs: (seconds / requests) * 1000 }));
  const requests = pods.reduce((sum, pod) => sum + pod.requests, 0);
  if (requests === 0) return [];
  return [{ service: service.slice(service.indexOf('/') + 1), ...settings, requests, p99, pods }];
}
