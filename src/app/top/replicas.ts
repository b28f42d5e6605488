// Replicas behind each Service, wanted and present, and the autoscaler that decides: from live copies of the objects.
// Knows nothing of gateways; a Service leads to the workloads whose pods it selects.
import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informers } from '#kube/client/informer.ts';

export interface Replicas {
  readonly wanted: number;
  readonly ready: number;
  /** E.g. `2..10`, with what the autoscaler wants where it differs; undefined where there is none. */
  readonly autoscaler: string | undefined;
}

type Workload = (Deployment | StatefulSet) & KubeObject;
type Autoscaler = HorizontalPodAutoscaler & KubeObject;

const KINDS = ['Deployment', 'StatefulSet'] as const;

/** Asks the informers for what it needs; `cluster` is the name of a Service port: `namespace/service/port`. */
export function replicasOf(informers: Informers): (cluster: string) => Replicas | undefined {
  const services = informers.of<Service & KubeObject>(builtin('Service'));
  const workloads = KINDS.map((kind) => ({ kind, informer: informers.of<Workload>(builtin(kind)) }));
  const autoscalers = informers.of<Autoscaler>(builtin('HorizontalPodAutoscaler'));
  return (cluster) => {
    const [namespace = '', name = ''] = cluster.split('/');
    const selector = Object.entries(services.get(`${namespace}/${name}`)?.spec?.selector ?? {});
    if (selector.length === 0) return undefined;
    let [wanted, ready, found] = [0, 0, false];
    let autoscaler: string | undefined;
    for (const { kind, informer } of workloads) {
      for (const { metadata, spec, status } of informer.list(namespace)) {
        const labels = spec?.template.metadata?.labels ?? {};
        if (!selector.every(([key, value]) => labels[key] === value)) continue;
        found = true;
        wanted += spec?.replicas ?? 1;
        ready += status?.readyReplicas ?? 0;
        autoscaler ??= describe(autoscalers.list(namespace).find((one) => scales(one, kind, metadata?.name ?? '')));
      }
    }
    return found ? { wanted, ready, autoscaler } : undefined;
  };
}

function scales({ spec }: Autoscaler, kind: string, name: string): boolean {
  return spec?.scaleTargetRef.kind === kind && spec.scaleTargetRef.name === name;
}

function describe(autoscaler: Autoscaler | undefined): string | undefined {
  if (autoscaler?.spec === undefined) return undefined;
  const { minReplicas = 1, maxReplicas } = autoscaler.spec;
  const { desiredReplicas, currentReplicas } = autoscaler.status ?? {};
  // Before an autoscaler has looked for the first time it wants nothing.
  const moving = currentReplicas !== undefined && desiredReplicas !== currentReplicas;
  return `${minReplicas}..${maxReplicas}${moving ? ` -> ${desiredReplicas}` : ''}`;
}
