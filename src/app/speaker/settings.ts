// What a speaker is told by whoever starts it.
// Data only.
import type { Bind } from '../main/pages.ts';

export interface SpeakerSettings {
  readonly nodeName: string;
  readonly l2: boolean;
  readonly bgp: boolean;
  /** Names for layer 2; when empty, all that lead to a network around the node. */
  readonly interfaces: readonly string[];
  /** UDP, the same on all nodes; 0: the Ready condition of Nodes alone says who is alive. */
  readonly heartbeatPort: number;
  /** Tells who has fallen silent, for a service proxy beside it; only by heartbeats. */
  readonly nodeLiveness: boolean;
  /** Where the key of the cluster's speakers is: a Secret. */
  readonly secret: { readonly namespace: string; readonly name: string };
  /** Services without a class are ours. */
  readonly defaultLoadBalancer: boolean;
  /** Of BGP, an IPv4 address; that of the Node when left out. */
  readonly routerId?: string;
  /** `/metrics`, `/status`, `/healthz`. */
  readonly metrics: Bind | undefined;
}

export const DEFAULT_HEARTBEAT_PORT = 7947;
export const DEFAULT_SECRET = { namespace: 'kube-system', name: 'evenkeel-speakers' } as const;
