// Defaults of Job and CronJob.
// Upstream source of the rules: pkg/apis/batch/v1/defaults.go.
import type { CronJob, Job, JobSpec } from 'kubernetes-types/batch/v1.js';
import { fill, fillZero } from './fill.ts';
import { podTemplateDefaults } from './pod.ts';

const retries = 6;
/** With retries counted per index there is no limit over all of them. */
const unlimitedRetries = 2 ** 31 - 1;

export function jobDefaults(job: Job): void {
  const { spec, metadata } = job;
  if (spec === undefined) return;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  fill(spec, {
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? retries : unlimitedRetries,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
  });
  const labels = spec.template?.metadata?.labels;
  if (metadata !== undefined && labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) {
    metadata.labels = { ...labels };
  }
  jobPodDefaults(spec);
  fill(job, { status: {} });
}

export function cronJobDefaults(cronJob: CronJob): void {
  const { spec } = cronJob;
  if (spec === undefined) return;
  fillZero(spec, { concurrencyPolicy: 'Allow' });
  fill(spec, { suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
  // The rest of the job's spec is filled in when the job is made from it.
  if (spec.jobTemplate?.spec !== undefined) jobPodDefaults(spec.jobTemplate.spec);
  fill(cronJob, { status: {} });
}

function jobPodDefaults(spec: JobSpec): void {
  podTemplateDefaults(spec.template);
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) fillZero(pattern, { status: 'True' });
  }
}
