// A Job with its pods, sorted into what the decisions ask for.
// Pure; decides nothing.
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { isPodActive, isPodFinished } from '../common/pods.ts';
import { indexOf, parseIndexes } from './indexes.ts';
import { judgeFailure } from './policies.ts';
import { FAILURE_COUNT, IGNORED_COUNT, TRACKING } from './template.ts';

export interface JobView {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  /** Ended, and not in the status in any way yet. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  /** Pods over all that count. */
  readonly succeeded: number;
  readonly failed: number;
  readonly indexed: boolean;
  readonly perIndex: boolean;
  readonly succeededIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  isTracked(pod: Pod): boolean;
  isFailed(pod: Pod): boolean;
}

export const isSuspended = (job: Job): boolean => job.spec?.suspend === true;

/** `released` are the uids of pods whose finalizer is off although our copy may still show it. */
export function viewOf(job: Job, pods: readonly Pod[], released: ReadonlySet<string>): JobView {
  const { spec, status } = job;
  const completions = spec?.completions ?? 0;
  const indexed = spec?.completionMode === 'Indexed';
  const perIndex = indexed && spec?.backoffLimitPerIndex !== undefined;
  const isTracked = (pod: Pod): boolean =>
    pod.metadata?.finalizers?.includes(TRACKING) === true && !released.has(pod.metadata?.uid ?? '');
  const onlyFailed = spec?.podReplacementPolicy === 'Failed';
  // A pod that is being deleted may never come to say that it failed.
  const isFailed = (pod: Pod): boolean =>
    pod.status?.phase === 'Failed' ||
    (!onlyFailed && pod.metadata?.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded');
  const waiting = new Set([
    ...(status?.uncountedTerminatedPods?.succeeded ?? []),
    ...(status?.uncountedTerminatedPods?.failed ?? []),
  ]);
  const hasIndex = (pod: Pod): boolean => {
    const index = indexOf(pod);
    return index !== undefined && index < completions;
  };
  const isNew = (pod: Pod): boolean =>
    isTracked(pod) && !waiting.has(pod.metadata?.uid ?? '') && (!indexed || hasIndex(pod));
  const newSucceeded = pods.filter((pod) => pod.status?.phase === 'Succeeded' && isNew(pod));
  const newFailed = pods.filter((pod) => isFailed(pod) && isNew(pod));
  const succeededIndexes = parseIndexes(indexed ? status?.completedIndexes : undefined, completions);
  for (const pod of newSucceeded) if (indexed) succeededIndexes.add(indexOf(pod) ?? 0);
  const failedIndexes = parseIndexes(perIndex ? status?.failedIndexes : undefined, completions);
  for (const pod of newFailed) if (perIndex && indexIsLost(job, pod)) failedIndexes.add(indexOf(pod) ?? 0);
  for (const index of succeededIndexes) failedIndexes.delete(index);
  const counted = newFailed.filter((pod) => judgeFailure(spec?.podFailurePolicy, pod).counts);
  return {
    job,
    pods,
    active: pods.filter(isPodActive),
    terminating: pods.filter((pod) => pod.metadata?.deletionTimestamp !== undefined && !isPodFinished(pod)),
    newSucceeded,
    newFailed,
    succeeded: indexed
      ? succeededIndexes.size
      : (status?.succeeded ?? 0) + newSucceeded.length + (status?.uncountedTerminatedPods?.succeeded?.length ?? 0),
    failed: (status?.failed ?? 0) + counted.length + (status?.uncountedTerminatedPods?.failed?.length ?? 0),
    indexed,
    perIndex,
    succeededIndexes,
    failedIndexes,
    isTracked,
    isFailed,
  };
}

function annotatedCount(pod: Pod, name: string): number {
  return Number(pod.metadata?.annotations?.[name] ?? 0) || 0;
}

/** Failures of the pod's index, this one included when it counts. */
export function indexFailures(job: Job, pod: Pod): { counted: number; ignored: number } {
  const { counts } = judgeFailure(job.spec?.podFailurePolicy, pod);
  return {
    counted: annotatedCount(pod, FAILURE_COUNT) + Number(counts),
    ignored: annotatedCount(pod, IGNORED_COUNT) + Number(!counts),
  };
}

function indexIsLost(job: Job, pod: Pod): boolean {
  const verdict = judgeFailure(job.spec?.podFailurePolicy, pod);
  if (verdict.action === 'FailIndex') return true;
  return verdict.counts && annotatedCount(pod, FAILURE_COUNT) >= (job.spec?.backoffLimitPerIndex ?? 0);
}
