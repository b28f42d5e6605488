// How a pod gets its place in the network: one contract for the loopback range, the built-in bridge and CNI plugins.
// An interface only: knows no pod worker and no way of making interfaces.

/** A port of a container that shall answer on the node itself as well. */
export interface HostPort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** Address of the node on which it answers; all of them when left out. */
  readonly hostIp?: string;
}

export interface NetworkRequest {
  readonly podUid: string;
  readonly podName: string;
  readonly namespace: string;
  readonly hostPorts: readonly HostPort[];
  /** The pod's own; `cni/capabilities.ts` has those that mean something to a network. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** What the pod itself says of name resolution, for plugins that ask for it. */
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
}

export interface NetworkAttachment {
  /** Addresses of the pod, the primary one first, at most one a family. */
  readonly podIps: readonly string[];
  /** File of the pod's network namespace, e.g. `/run/netns/x`; left out when it shares the kubelet's own. */
  readonly netns?: string;
  /** What the pod asks for and does not get here, each a sentence for its events. */
  readonly unmet?: readonly string[];
}

/** The pod cannot be given a network now; the message is meant for its events. */
export class NetworkError extends Error {}

export interface PodNetwork {
  readonly name: string;
  /** Gives the pod its network; the same answer again for a pod that has one. Throws `NetworkError`. */
  setUp(request: NetworkRequest): Promise<NetworkAttachment>;
  /**
   * Takes it away; harmless when there is none, and nothing that it frees is in use when it resolves. Throws
   * `NetworkError` when it could not be, and may then be called again.
   */
  tearDown(podUid: string): Promise<void>;
  /** Removes what an earlier run left for pods other than these. What cannot be removed is logged, and tried again. */
  sweep(live: ReadonlySet<string>): Promise<void>;
  /** Why no pod can be attached now, for the node's Ready condition; `undefined` when all is well. */
  problem(): string | undefined;
  /** Takes every pod's network away, and whatever they shared. Nothing can be set up after it. */
  close(): Promise<void>;
}
