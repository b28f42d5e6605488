// What a pod worker needs of the rest of the kubelet.
// Types only.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Client } from '#kube/client/client.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { PodNetwork } from '../network/pod-network.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import type { StarterDependencies } from './container-starter.ts';
import type { DrainGate } from './drain-gate.ts';
import type { ClusterDns } from './resolv-conf.ts';

/** Records an event about a pod or, with `container`, about one of its containers. */
export type PodEvents = (
  pod: Pod,
  container: string | undefined,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void;

export interface PodWorkerDependencies extends StarterDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: PodEvents;
  readonly network: PodNetwork;
  /** Whether containers that are processes have namespaces and a root of their own. */
  readonly isolated: boolean;
  readonly nodeName: string;
  readonly dns: ClusterDns;
  readonly drain: DrainGate;
  readonly volumes: (pod: Pod) => PodVolumes;
  /** The node's addresses, the primary one first. */
  readonly hostIps: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly dataDir: string;
}

/** `name_namespace(uid)`: a pod in messages, as upstream writes it. */
export function formatPod(pod: Pod): string {
  const { name, namespace, uid } = pod.metadata ?? {};
  return `${name}_${namespace}(${uid})`;
}
