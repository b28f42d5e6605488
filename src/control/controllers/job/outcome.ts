// Whether a Job is over, and why: in upstream's order of reasons and words.
// Pure. Upstream: syncJob of pkg/controller/job/job_controller.go.
import type { Job, JobCondition } from 'kubernetes-types/batch/v1.js';
import { judgeFailure, metSuccessPolicy } from './policies.ts';
import { isSuspended, type JobView } from './view.ts';

/** How a Job is going to end; the final condition follows when all its pods are accounted for. */
export interface Outcome {
  readonly type: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}

export function heldCondition(job: Job, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export const isFinished = (job: Job): boolean =>
  heldCondition(job, 'Complete') !== undefined || heldCondition(job, 'Failed') !== undefined;

const failure = (reason: string, message: string): Outcome => ({ type: 'FailureTarget', reason, message });

/** What ends the Job whatever its pods do next; undefined while it goes on. `now` is wall time. */
export function outcomeOf(view: JobView, now: number): Outcome | undefined {
  const { job } = view;
  // What has been said once is not taken back.
  for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    const said = heldCondition(job, type);
    if (said !== undefined) return { type, reason: said.reason ?? '', message: said.message ?? '' };
  }
  return failureOf(view, now) ?? policyOf(view);
}

function failureOf(view: JobView, now: number): Outcome | undefined {
  const { job, pods } = view;
  const { podFailurePolicy, backoffLimit = 6, maxFailedIndexes, completions = 0 } = job.spec ?? {};
  for (const pod of pods) {
    if (!view.isFailed(pod)) continue;
    const { message } = judgeFailure(podFailurePolicy, pod);
    if (message !== undefined) return failure('PodFailurePolicy', message);
  }
  if (view.failed > backoffLimit || restartsExceed(view, backoffLimit))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  const left = deadlineLeft(job, now);
  if (left !== undefined && left <= 0)
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (!view.perIndex) return undefined;
  if (maxFailedIndexes !== undefined && view.failedIndexes.size > maxFailedIndexes)
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  if (view.failedIndexes.size > 0 && view.failedIndexes.size + view.succeededIndexes.size >= completions)
    return failure('FailedIndexes', 'Job has failed indexes');
  return undefined;
}

function policyOf(view: JobView): Outcome | undefined {
  const message = view.indexed ? metSuccessPolicy(view.job, view.succeededIndexes) : undefined;
  return message === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message };
}

/** Enough pods have succeeded, and none runs any more. */
export function completion(view: JobView, activeNow: number): Outcome | undefined {
  const { completions } = view.job.spec ?? {};
  const enough = completions === undefined ? view.succeeded > 0 : view.succeeded >= completions;
  if (!enough || activeNow > 0) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message };
}

/** Milliseconds until `activeDeadlineSeconds` is over; undefined when it does not run. */
export function deadlineLeft(job: Job, now: number): number | undefined {
  const { activeDeadlineSeconds } = job.spec ?? {};
  const started = job.status?.startTime;
  if (activeDeadlineSeconds === undefined || started === undefined || isSuspended(job)) return undefined;
  return Date.parse(String(started)) + activeDeadlineSeconds * 1000 - now;
}

/** With OnFailure the pods stay and their containers are counted. */
function restartsExceed({ job, pods }: JobView, limit: number): boolean {
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
