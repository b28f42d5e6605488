// A pod's phase from the states of its containers.
// Pure; a line-by-line counterpart of upstream's getPhase, because clients wait for these exact transitions.
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import { initKind } from './restart-policy.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

interface Counts {
  pendingInit: number;
  failedInit: number;
  pendingSidecar: number;
  unknown: number;
  running: number;
  waiting: number;
  stopped: number;
  succeeded: number;
}

function countInit(counts: Counts, status: ContainerStatus | undefined): void {
  const ended = status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined);
  if (ended === undefined) counts.pendingInit++;
  else if (ended.exitCode !== 0) counts.failedInit++;
}

function countSidecar(counts: Counts, status: ContainerStatus | undefined): void {
  if (status === undefined) {
    counts.unknown++;
  } else if (status.state?.running !== undefined) {
    if (status.started !== true) counts.pendingSidecar++;
    counts.running++;
  } else if (status.state?.terminated === undefined && status.lastState?.terminated === undefined) {
    counts.pendingSidecar++;
    counts.waiting++;
  }
}

function countApp(counts: Counts, status: ContainerStatus | undefined): void {
  if (status?.state?.running !== undefined) counts.running++;
  else if (status?.state?.terminated !== undefined) {
    counts.stopped++;
    if (status.state.terminated.exitCode === 0) counts.succeeded++;
  } else if (status?.state?.waiting !== undefined) {
    if (status.lastState?.terminated !== undefined) counts.stopped++;
    else counts.waiting++;
  } else counts.unknown++;
}

/**
 * `terminal`: the pod's containers will not run again whatever its policy says; `initialized`: it once got past its
 * init containers. (Upstream: pkg/kubelet/kubelet_pods.go getPhase.)
 */
export function podPhase(
  pod: Pod,
  statuses: readonly ContainerStatus[],
  terminal: boolean,
  initialized: boolean,
): PodPhase {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const counts: Counts = {
    pendingInit: 0,
    failedInit: 0,
    pendingSidecar: 0,
    unknown: 0,
    running: 0,
    waiting: 0,
    stopped: 0,
    succeeded: 0,
  };
  for (const container of pod.spec?.initContainers ?? []) {
    const count = initKind(container) === 'sidecar' ? countSidecar : countInit;
    count(counts, byName.get(container.name));
  }
  for (const container of pod.spec?.containers ?? []) countApp(counts, byName.get(container.name));

  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (counts.failedInit > 0 && policy === 'Never') return 'Failed';
  if (counts.pendingInit > 0 || (counts.pendingSidecar > 0 && !initialized) || counts.waiting > 0) return 'Pending';
  if (counts.running > 0 && counts.unknown === 0) return 'Running';
  if (counts.running === 0 && counts.stopped > 0 && counts.unknown === 0) {
    const allSucceeded = counts.stopped === counts.succeeded;
    if (terminal) return allSucceeded ? 'Succeeded' : 'Failed';
    if (policy === 'Always') return 'Running';
    if (allSucceeded) return 'Succeeded';
    return policy === 'Never' ? 'Failed' : 'Running';
  }
  return 'Pending';
}
