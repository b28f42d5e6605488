// What a kubelet is told: by its command line, whoever wrote that.
// Data only.
import type { Taint } from 'kubernetes-types/core/v1.js';
import type { CniOptions } from '#kube/kubelet/network/create-network.ts';
import type { Images } from '../../main/images-file.ts';
import type { Bind } from '../../main/pages.ts';
import type { Mode } from '../../service-proxy/drivers.ts';

export type KubeletNetwork = 'auto' | 'loopback' | 'bridge' | 'cni';

export interface KubeletSettings {
  /** File; kubectl's own rules when left out. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly nodeName: string;
  /** At most one a family, the primary first; that of an interface of the machine when empty. */
  readonly nodeIps: readonly string[];
  /** Of the Node's spec when empty. */
  readonly podCidrs: readonly string[];
  readonly network: KubeletNetwork;
  /** With `cni`. */
  readonly cni?: CniOptions;
  /** Begins the names of namespaces and links; unique on the machine. From data directory and name when left out. */
  readonly networkOwner?: string;
  readonly dataDir: string;
  /** Directories that containers with a root of their own must not see: keys of others. */
  readonly hidden: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly maxPods?: number;
  /** Most processes and threads of a pod. */
  readonly podMaxPids?: number;
  /** Milliseconds between two readings of what containers use. */
  readonly statsMs?: number;
  /** Other nodes run on this machine. */
  readonly sharesMachine: boolean;
  /** Seconds that a lease of the node holds. */
  readonly leaseSeconds?: number;
  /** Milliseconds between full statuses. */
  readonly statusMs?: number;
  /** From the command line; over those of the file. */
  readonly images: Images;
  /** An evenkeel.yaml, read anew for every container that starts. */
  readonly imagesFile?: string;
  readonly stubImages: boolean;
  readonly engine?: string;
  /** Port of logs, exec and metrics; 0 takes a free one. */
  readonly port: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Whose clients may ask the kubelet; the kubeconfig's authority when left out. */
  readonly clientCaFile?: string;
  /** Who says that a pod that ends gets no requests any more: the proxies themselves, or nobody. */
  readonly drainBy: 'condition' | 'slices';
  /** Serves Services on the node as well. */
  readonly serviceProxy?: {
    readonly mode: Mode;
    /** ClusterIPs are of these ranges: what no Service has is dropped, unless a name server of the pods has it. */
    readonly serviceCidrs: readonly string[];
    /** `/healthz` and `/livez` of the proxy, and its `/metrics`; undefined for nowhere. */
    readonly healthz: Bind | undefined;
    readonly metrics: Bind | undefined;
    /** Routes of Services are served by a proxy of the node's own. */
    readonly mesh: boolean;
  };
  /** Beside the proxy, announces load-balancer addresses: by layer 2 on these interfaces, or all that lead out when empty. */
  readonly announce?: readonly string[];
  /** With `announce`: leaves endpoints of nodes out that have fallen silent. */
  readonly nodeLiveness: boolean;
  /** Milliseconds that pods have to end when the kubelet does. */
  readonly graceMs: number;
}
