// Which pods go first when a ReplicaSet shrinks. Upstream: ActivePodsWithRanks in pkg/controller/controller_utils.go.
// Pure; knows nothing of how pods are deleted.
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import { isPodReady, readySince } from '../common/pods.ts';

export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Sorts so that the first `count` pods are those to delete. `related` are the active pods of every ReplicaSet with the
 * same owner: of pods on one node, those that have most company go first. `nowMs` is wall time.
 */
export function podsToDelete(pods: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): Pod[] {
  if (count >= pods.length) return [...pods];
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? '';
    if (node !== '') perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const rank = (pod: Pod): number => perNode.get(pod.spec?.nodeName ?? '') ?? 0;
  return [...pods].sort((a, b) => comparePods(a, b, rank, nowMs)).slice(0, Math.max(0, count));
}

/** Negative when `a` is to be deleted before `b`. */
export function comparePods(a: Pod, b: Pod, rank: (pod: Pod) => number, nowMs: number): number {
  return (
    assigned(a) - assigned(b) ||
    phase(a) - phase(b) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    rank(b) - rank(a) ||
    newerFirst(readySince(a), readySince(b), nowMs, a, b) ||
    restarts(b) - restarts(a) ||
    newerFirst(createdAt(a), createdAt(b), nowMs, a, b)
  );
}

const assigned = (pod: Pod): number => ((pod.spec?.nodeName ?? '') === '' ? 0 : 1);
const phase = (pod: Pod): number => PHASE_ORDER[pod.status?.phase ?? ''] ?? 0;

/** An annotation that is not a 32-bit integer counts as 0. */
export function deletionCost(pod: Pod): number {
  const text = pod.metadata?.annotations?.[DELETION_COST];
  if (text === undefined || !/^(0|-?[1-9]\d*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

function restarts(pod: Pod): number {
  const most = (statuses: readonly ContainerStatus[] | undefined): number =>
    Math.max(0, ...(statuses ?? []).map((status) => status.restartCount));
  // Restarts of regular containers weigh first; sidecars, among the init containers, only break a tie.
  return most(pod.status?.containerStatuses) * 2 ** 31 + most(pod.status?.initContainerStatuses);
}

function createdAt(pod: Pod): number | undefined {
  const text = pod.metadata?.creationTimestamp;
  return text === undefined ? undefined : Date.parse(text);
}

/**
 * Younger first, but by order of magnitude only: ages within one power of two count as equal and the uid decides, so
 * that shrinking does not always hit the pods of the last scale-up (upstream: LogarithmicScaleDown).
 */
function newerFirst(a: number | undefined, b: number | undefined, nowMs: number, podA: Pod, podB: Pod): number {
  if (a === b) return 0;
  // What has no time yet is the newest of all.
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const byMagnitude = magnitude(nowMs - a) - magnitude(nowMs - b);
  if (byMagnitude !== 0) return byMagnitude;
  const uidA = podA.metadata?.uid ?? '';
  const uidB = podB.metadata?.uid ?? '';
  return uidA < uidB ? -1 : Number(uidA > uidB);
}

function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1;
}
