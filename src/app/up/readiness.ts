// Whether a workload has what it asks for, has failed for good, or how far it is: one rule a kind, as kubectl reads them.
// Pure; knows specs and statuses only.
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { KubeObject } from '#kube/api/object.ts';

export interface Workload extends KubeObject {
  spec?: { selector?: LabelSelector };
}

export interface Readiness {
  /** E.g. `1/2 ready`. */
  readonly text: string;
  readonly done: boolean;
  /** Why it will never be done, in the words of its status. */
  readonly failed?: string;
}

/** Kinds that `up` waits for; the kind under which an object is found says what it is. */
export const readinessRules: Readonly<Record<string, (object: KubeObject) => Readiness>> = {
  Deployment: (object) => deploymentReadiness(object as Deployment & KubeObject),
  StatefulSet: (object) => statefulSetReadiness(object as StatefulSet & KubeObject),
  DaemonSet: (object) => daemonSetReadiness(object as DaemonSet & KubeObject),
  ReplicaSet: (object) => replicaSetReadiness(object as ReplicaSet & KubeObject),
  Job: (object) => jobReadiness(object as Job & KubeObject),
  Pod: (object) => podReadiness(object as Pod & KubeObject),
};

interface Observed {
  metadata?: { generation?: number };
  status?: { observedGeneration?: number };
}

/** Until then the status is about an earlier spec. */
function seen({ metadata, status }: Observed): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
}

/** In the words of the condition that is there and true. */
function conditionText(
  conditions: ReadonlyArray<{ type?: string; status?: string; reason?: string; message?: string }> | undefined,
  type: string,
  status = 'True',
): string | undefined {
  const found = conditions?.find((one) => one.type === type && one.status === status);
  return found === undefined ? undefined : [found.reason, found.message].filter(Boolean).join(': ') || type;
}

export function deploymentReadiness(object: Deployment & KubeObject): Readiness {
  const { spec, status = {} } = object;
  const wanted = spec?.replicas ?? 1;
  const updated = status.updatedReplicas ?? 0;
  const ready = Math.min(status.readyReplicas ?? 0, updated);
  const settled = updated >= wanted && (status.replicas ?? 0) <= updated && (status.availableReplicas ?? 0) >= updated;
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
  const late = seen(object) && progressing?.reason === 'ProgressDeadlineExceeded';
  return {
    text: `${seen(object) ? ready : 0}/${wanted} ready`,
    done: seen(object) && settled,
    ...(late ? { failed: conditionText([progressing], 'Progressing', progressing.status) ?? '' } : {}),
  };
}

/** Pods below the partition, and all under OnDelete, may stay as they are. */
export function statefulSetReadiness(object: StatefulSet & KubeObject): Readiness {
  const { spec, status } = object;
  const wanted = spec?.replicas ?? 1;
  const { type, rollingUpdate } = spec?.updateStrategy ?? {};
  const ready = seen(object) ? (status?.readyReplicas ?? 0) : 0;
  const toUpdate = type === 'OnDelete' ? 0 : Math.max(0, wanted - (rollingUpdate?.partition ?? 0));
  const updated = (status?.updatedReplicas ?? 0) >= toUpdate;
  const settled = status?.replicas === wanted && (status.availableReplicas ?? 0) >= wanted;
  return { text: `${Math.min(ready, wanted)}/${wanted} ready`, done: seen(object) && updated && settled };
}

export function daemonSetReadiness(object: DaemonSet & KubeObject): Readiness {
  const { spec, status } = object;
  const wanted = status?.desiredNumberScheduled ?? 0;
  const updated = spec?.updateStrategy?.type === 'OnDelete' || (status?.updatedNumberScheduled ?? 0) >= wanted;
  const available = (status?.numberAvailable ?? 0) >= wanted;
  const ready = seen(object) ? (status?.numberReady ?? 0) : 0;
  return { text: `${ready}/${wanted} ready`, done: seen(object) && updated && available };
}

export function replicaSetReadiness(object: ReplicaSet & KubeObject): Readiness {
  const { spec, status } = object;
  const wanted = spec?.replicas ?? 1;
  const ready = seen(object) ? (status?.readyReplicas ?? 0) : 0;
  const settled = status?.replicas === wanted && (status.availableReplicas ?? 0) >= wanted;
  return { text: `${Math.min(ready, wanted)}/${wanted} ready`, done: seen(object) && settled };
}

/** One that is suspended waits for somebody else. */
export function jobReadiness({ spec, status }: Job & KubeObject): Readiness {
  if (spec?.suspend === true) return { text: 'suspended', done: true };
  const complete = conditionText(status?.conditions, 'Complete') !== undefined;
  const failed = conditionText(status?.conditions, 'Failed');
  // A work queue, without completions, is done when one of its pods says so.
  const wanted = spec?.completions ?? 1;
  const text = `${Math.min(status?.succeeded ?? 0, wanted)}/${wanted} complete`;
  return { text, done: complete, ...(failed === undefined ? {} : { failed }) };
}

/** Of a pod that nobody manages; one that ends by itself is done, too. */
export function podReadiness({ spec, status }: Pod & KubeObject): Readiness {
  const wanted = spec?.containers.length ?? 0;
  const ready = (status?.containerStatuses ?? []).filter((container) => container.ready).length;
  if (status?.phase === 'Succeeded') return { text: 'completed', done: true };
  const failed = status?.phase === 'Failed' ? [status.reason, status.message].filter(Boolean).join(': ') : undefined;
  return {
    text: `${ready}/${wanted} ready`,
    done: conditionText(status?.conditions, 'Ready') !== undefined,
    ...(failed === undefined ? {} : { failed: failed || 'its containers have ended' }),
  };
}
