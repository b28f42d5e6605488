// Which finished Jobs of a CronJob are too old to keep.
// Pure. Upstream: cleanupFinishedJobs of pkg/controller/cronjob/cronjob_controllerv2.go.
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js';
import { heldCondition } from '../job/outcome.ts';

export function surplusJobs(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
  return [...oldest(jobs, 'Complete', successfulJobsHistoryLimit), ...oldest(jobs, 'Failed', failedJobsHistoryLimit)];
}

function oldest(jobs: readonly Job[], type: string, limit: number | undefined): Job[] {
  if (limit === undefined) return [];
  const started = (job: Job): string => String(job.status?.startTime ?? job.metadata?.creationTimestamp ?? '');
  const finished = jobs.filter((job) => heldCondition(job, type) !== undefined);
  const sorted = finished.sort((a, b) => (started(a) < started(b) ? -1 : 1));
  return sorted.slice(0, Math.max(0, sorted.length - limit));
}
