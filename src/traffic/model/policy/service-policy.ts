// What is said of the ports of a Service: by its annotations, by a BackendPolicy for it, by one for the port.
// Pure; the later of these has its way, setting by setting.
import type { Service, ServicePort } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { portLabel } from '../names.ts';
import type { Problem } from '../problem.ts';
import { annotated } from './annotations.ts';
import type { BackendPolicies } from './backend-policies.ts';
import { type ClusterChanges, overlayAll } from './changes.ts';

export interface ServicePolicy {
  of(port: ServicePort): ClusterChanges | undefined;
  readonly problems: readonly Problem[];
}

export function servicePolicy(service: Service, policies: BackendPolicies | undefined): ServicePolicy {
  const { changes, problems } = annotated('Service', service);
  const key = objectKey(service);
  return {
    of: (port) => overlayAll([changes, policies?.ofService(key), policies?.ofService(key, portLabel(port))]),
    problems,
  };
}

/** As Kubernetes has it of `sessionAffinity: ClientIP`. */
export const DEFAULT_AFFINITY_SECONDS = 10_800;

/** How long connections of a client to an address of the Service go to one endpoint; 0: each by itself. */
export function affinitySecondsOf({ affinity }: ClusterChanges): number {
  return affinity?.type === 'source_ip' ? (affinity.maxAgeSeconds ?? DEFAULT_AFFINITY_SECONDS) : 0;
}
