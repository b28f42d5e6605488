// The books of a Job: which ended pods enter its status, and which of them have been counted for good.
// Pure: makes statuses, writes none. Upstream: trackJobStatusAndRemoveFinalizers of job_controller.go.
import type { Job, JobCondition, JobStatus, UncountedTerminatedPods } from 'kubernetes-types/batch/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { formatIndexes, indexOf } from './indexes.ts';
import { heldPods } from './manage.ts';
import type { Outcome } from './outcome.ts';
import { judgeFailure } from './policies.ts';
import type { JobView } from './view.ts';

/** Uids in the status at most, so that it stays small, as upstream. */
const MAX_UNCOUNTED = 500;

export interface Booked {
  readonly status: JobStatus;
  /** Their finalizer may go once the status is written. */
  readonly release: readonly Pod[];
  /** False when more pods wait than one status may carry. */
  readonly all: boolean;
}

/** Enters every pod that ended. `outcome` is how the Job ends, if nothing of it may still run. */
export function book(view: JobView, status: JobStatus, outcome: Outcome | undefined): Booked {
  const { job, pods } = view;
  const next = settle(status, new Set(pods.filter(view.isTracked).map((pod) => pod.metadata?.uid ?? '')));
  const { succeeded = [], failed = [] } = next.uncountedTerminatedPods ?? {};
  const waiting = { succeeded: [...succeeded], failed: [...failed] };
  const held = new Set(heldPods(view).values());
  const release: Pod[] = [];
  let all = true;
  for (const pod of pods) {
    const done = pod.status?.phase === 'Succeeded' || (view.isFailed(pod) && !held.has(pod));
    if (!view.isTracked(pod) || !(done || outcome !== undefined || job.metadata?.deletionTimestamp !== undefined))
      continue;
    if (waiting.succeeded.length + waiting.failed.length >= MAX_UNCOUNTED) {
      all = false;
      break;
    }
    release.push(pod);
    const uid = pod.metadata?.uid ?? '';
    const index = indexOf(pod);
    const valid = !view.indexed || (index !== undefined && index < (job.spec?.completions ?? 0));
    if (pod.status?.phase === 'Succeeded') {
      // An index says itself that it has been counted.
      if (!view.indexed && !waiting.succeeded.includes(uid)) waiting.succeeded.push(uid);
    } else if (valid && (view.isFailed(pod) || outcome?.type === 'FailureTarget') && !waiting.failed.includes(uid)) {
      if (judgeFailure(job.spec?.podFailurePolicy, pod).counts) waiting.failed.push(uid);
    }
  }
  return { status: withIndexes(view, { ...next, uncountedTerminatedPods: withoutEmpty(waiting) }), release, all };
}

function withIndexes(view: JobView, status: JobStatus): JobStatus {
  if (!view.indexed) return status;
  const completedIndexes = formatIndexes(view.succeededIndexes);
  return {
    ...status,
    succeeded: view.succeededIndexes.size,
    ...(completedIndexes === '' ? {} : { completedIndexes }),
    ...(view.perIndex ? { failedIndexes: formatIndexes(view.failedIndexes) } : {}),
  };
}

function withoutEmpty({ succeeded, failed }: { succeeded: string[]; failed: string[] }): UncountedTerminatedPods {
  return { ...(succeeded.length > 0 ? { succeeded } : {}), ...(failed.length > 0 ? { failed } : {}) };
}

/** Counts those whose pod is no longer held: `tracked` are the uids that still are. */
export function settle(status: JobStatus, tracked: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const stays = (uid: string): boolean => tracked.has(uid);
  const still = { succeeded: succeeded.filter(stays), failed: failed.filter(stays) };
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - still.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - still.failed.length,
    uncountedTerminatedPods: withoutEmpty(still),
  };
}

/** Puts a condition into the list; one that never held is not put in as false. Says whether anything changed. */
export function setCondition(
  status: JobStatus,
  type: string,
  holds: boolean,
  why: { reason: string; message: string },
  now: string,
): JobStatus {
  const stamp = now as unknown as NonNullable<JobCondition['lastTransitionTime']>;
  const conditions = status.conditions ?? [];
  const current = conditions.find((condition) => condition.type === type);
  const value = holds ? 'True' : 'False';
  if (current === undefined && !holds) return status;
  if (current?.status === value && current.reason === why.reason && current.message === why.message) return status;
  const next: JobCondition = {
    type,
    status: value,
    reason: why.reason,
    message: why.message,
    lastProbeTime: stamp,
    lastTransitionTime: stamp,
  };
  return {
    ...status,
    conditions:
      current === undefined ? [...conditions, next] : conditions.map((each) => (each === current ? next : each)),
  };
}

/** The Job is over when every pod is counted and none is still ending. */
export function conclude(job: Job, status: JobStatus, outcome: Outcome, now: string): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (succeeded.length + failed.length > 0 || (status.terminating ?? 0) > 0) return status;
  const complete = outcome.type === 'SuccessCriteriaMet';
  const ended = setCondition(status, complete ? 'Complete' : 'Failed', true, outcome, now);
  const stamp = now as unknown as NonNullable<JobStatus['completionTime']>;
  return complete && job.status?.completionTime === undefined ? { ...ended, completionTime: stamp } : ended;
}
