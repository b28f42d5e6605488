// Times that whoever starts the controllers may choose; the defaults are upstream's.
// Knows no controller.

export interface NodeCidrs {
  /** Upstream: --cluster-cidr. */
  readonly cidr: string;
  /** Length of a node's prefix. Upstream: --node-cidr-mask-size-ipv4 and -ipv6. */
  readonly nodePrefix: number;
}

/** What a certificate may be used for, and how long, in milliseconds since the epoch. */
export interface CertificateTerms {
  readonly client: boolean;
  readonly server: boolean;
  readonly keyEncipherment: boolean;
  readonly from: number;
  readonly to: number;
}

/** Times in milliseconds; each upstream flag begins with --horizontal-pod-autoscaler-. */
export interface AutoscalingSettings {
  /** Between two looks at an autoscaler. Upstream: ...-sync-period. */
  readonly syncPeriodMs: number;
  /** Over which the highest recommendation counts, for whoever names no window. Upstream: ...-downscale-stabilization. */
  readonly downscaleStabilizationMs: number;
  /** Share of the target that is no deviation. Upstream: ...-tolerance. */
  readonly tolerance: number;
  /** Upstream: ...-cpu-initialization-period. */
  readonly cpuInitializationMs: number;
  /** Upstream: ...-initial-readiness-delay. */
  readonly initialReadinessDelayMs: number;
  /** Autoscalers looked at at a time. Upstream: --concurrent-horizontal-pod-autoscaler-syncs. */
  readonly workers: number;
}

export const defaultAutoscaling: AutoscalingSettings = {
  syncPeriodMs: 15_000,
  downscaleStabilizationMs: 300_000,
  tolerance: 0.1,
  cpuInitializationMs: 300_000,
  initialReadinessDelayMs: 30_000,
  workers: 5,
};

export interface ControllerSettings {
  /** Between two looks at every node, in milliseconds. Upstream: --node-monitor-period. */
  readonly nodeMonitorPeriodMs: number;
  /** A node is unknown after so long without a sign of life. Upstream: --node-monitor-grace-period. */
  readonly nodeMonitorGraceMs: number;
  /** The same for a node that never reported anything. Upstream: --node-startup-grace-period. */
  readonly nodeStartupGraceMs: number;
  /** Nodes of a healthy zone that may be emptied, a second. Upstream: --node-eviction-rate. */
  readonly nodeEvictionRate: number;
  /** The same where most of a zone is ill and the cluster is large. Upstream: --secondary-node-eviction-rate. */
  readonly secondaryNodeEvictionRate: number;
  /** Nodes from which on a cluster is large. Upstream: --large-cluster-size-threshold. */
  readonly largeClusterSize: number;
  /** Share of ill nodes, from 0 to 1, from which on a zone is disrupted. Upstream: --unhealthy-zone-threshold. */
  readonly unhealthyZoneThreshold: number;
  /** Where volumes of the provisioner `evenkeel.dev/host-path` lie on this machine; undefined: none are made. */
  readonly volumesDir: string | undefined;
  /** What is divided among the nodes for their pods, one of each family. Upstream: --allocate-node-cidrs. */
  readonly nodeCidrs: readonly NodeCidrs[];
  readonly autoscaling: AutoscalingSettings;
  /** Tells of Services that somebody waits for: autoscalers that measure them are looked at at once. */
  readonly onAwaited: ((listener: (namespace: string, service: string) => void) => void) | undefined;
  /** Whether Services of type LoadBalancer that name no class get addresses of our pools. */
  readonly defaultLoadBalancer: boolean;
  /** Signs a request (PKCS #10, PEM text) and yields the certificate; undefined: nobody signs. Upstream: --cluster-signing-cert-file. */
  readonly signCertificate: ((requestPem: string, terms: CertificateTerms) => Promise<string>) | undefined;
}

export const defaultSettings: ControllerSettings = {
  nodeMonitorPeriodMs: 5_000,
  nodeMonitorGraceMs: 50_000,
  nodeStartupGraceMs: 60_000,
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  largeClusterSize: 50,
  unhealthyZoneThreshold: 0.55,
  volumesDir: undefined,
  nodeCidrs: [],
  autoscaling: defaultAutoscaling,
  onAwaited: undefined,
  defaultLoadBalancer: true,
  signCertificate: undefined,
};
