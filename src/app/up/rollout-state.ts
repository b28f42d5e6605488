// How far a Deployment, StatefulSet or DaemonSet is, as `kubectl rollout status` reads it, in one line.
// Pure; knows statuses only.
import type { DaemonSet, Deployment, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { KubeObject } from '#kube/api/object.ts';

export interface Workload extends KubeObject {
  spec?: { selector: LabelSelector };
}

export interface RolloutState {
  readonly text: string;
  readonly done: boolean;
  readonly failed: boolean;
}

/** Kinds that `up` waits for. */
export const rolloutStates: Readonly<Record<string, (object: Workload) => RolloutState>> = {
  Deployment: (object) => stateOf(object as Deployment & KubeObject),
  StatefulSet: (object) => statefulSetState(object as StatefulSet & KubeObject),
  DaemonSet: (object) => daemonSetState(object as DaemonSet & KubeObject),
};

export function stateOf({ metadata, spec, status = {} }: Deployment & KubeObject): RolloutState {
  const wanted = spec?.replicas ?? 1;
  const seen = (status.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const updated = status.updatedReplicas ?? 0;
  const ready = Math.min(status.readyReplicas ?? 0, updated);
  const done =
    seen && updated >= wanted && (status.replicas ?? 0) <= updated && (status.availableReplicas ?? 0) >= updated;
  const failed =
    seen &&
    status.conditions?.some(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded') ===
      true;
  return { text: `${seen ? ready : 0}/${wanted} ready`, done, failed };
}

/** Pods below the partition, and all under OnDelete, may stay as they are. */
export function statefulSetState({ metadata, spec, status }: StatefulSet & KubeObject): RolloutState {
  const wanted = spec?.replicas ?? 1;
  const { type, rollingUpdate } = spec?.updateStrategy ?? {};
  const seen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const ready = seen ? (status?.readyReplicas ?? 0) : 0;
  const toUpdate = type === 'OnDelete' ? 0 : Math.max(0, wanted - (rollingUpdate?.partition ?? 0));
  const updated = (status?.updatedReplicas ?? 0) >= toUpdate;
  const settled = status?.replicas === wanted && (status.availableReplicas ?? 0) >= wanted;
  return { text: `${Math.min(ready, wanted)}/${wanted} ready`, done: seen && updated && settled, failed: false };
}

export function daemonSetState({ metadata, spec, status }: DaemonSet & KubeObject): RolloutState {
  const wanted = status?.desiredNumberScheduled ?? 0;
  const seen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const updated = spec?.updateStrategy?.type === 'OnDelete' || (status?.updatedNumberScheduled ?? 0) >= wanted;
  const available = (status?.numberAvailable ?? 0) >= wanted;
  const ready = seen ? (status?.numberReady ?? 0) : 0;
  return { text: `${ready}/${wanted} ready`, done: seen && updated && available, failed: false };
}
