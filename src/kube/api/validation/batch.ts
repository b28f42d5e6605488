// Rules of Job and CronJob.
// Knows nothing of when a schedule fires, only how one is written. Upstream source: pkg/apis/batch/validation.
import type { CronJob, Job, JobSpec } from 'kubernetes-types/batch/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { notNegative, oneOf, validateSelector } from './common.ts';
import { immutable } from './metadata.ts';
import { dnsSubdomain } from './names.ts';
import { validateTemplate } from './pod/spec.ts';
import { child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
] as const;

function validateJobSpec(spec: JobSpec, path: FieldPath, report: Report): void {
  for (const name of counts) notNegative(spec[name], child(path, name), report);
  oneOf(spec.completionMode, ['NonIndexed', 'Indexed'], child(path, 'completionMode'), report, 'optional');
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    report.required(child(path, 'completions'), 'when completion mode is Indexed');
  }
  if (spec.selector !== undefined) validateSelector(spec.selector, child(path, 'selector'), report);
  validateTemplate(spec.template, child(path, 'template'), report);
  const policy = spec.template?.spec?.restartPolicy;
  const policyPath = child(path, 'template', 'spec', 'restartPolicy');
  if (policy === 'Always' || policy === undefined) report.required(policyPath, 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never')
    report.notSupported(policyPath, policy, ['OnFailure', 'Never']);
}

const job = rulesFor<Job>({
  validate({ spec }, report) {
    if (spec === undefined) report.required('spec');
    else validateJobSpec(spec, 'spec', report);
  },
  validateUpdate(next, previous, report) {
    for (const field of ['completions', 'selector', 'template', 'completionMode'] as const) {
      const before = previous.spec?.[field];
      if (before !== undefined && !jsonEqual(next.spec?.[field], before)) {
        report.invalid(child('spec', field), next.spec?.[field], immutable);
      }
    }
  },
});

const field = (values: string): string => String.raw`(\*|\?|${values}(-${values})?)(\/\d+)?`;
const list = (values: string): RegExp => new RegExp(`^${field(values)}(,${field(values)})*$`, 'i');
const scheduleFields = [
  list(String.raw`\d{1,2}`),
  list(String.raw`\d{1,2}`),
  list(String.raw`\d{1,2}`),
  list(String.raw`(\d{1,2}|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`),
  list('(\\d|sun|mon|tue|wed|thu|fri|sat)'),
];
const shorthand = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/;

function validateSchedule(schedule: string, path: FieldPath, report: Report): void {
  if (schedule === '') report.required(path);
  else if (schedule.includes('TZ=')) {
    report.invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  } else if (!shorthand.test(schedule)) {
    const parts = schedule.trim().split(/\s+/);
    const wrong = parts.find((part, index) => !scheduleFields[index]?.test(part));
    if (parts.length !== 5) {
      report.invalid(path, schedule, `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
    } else if (wrong !== undefined) {
      report.invalid(path, schedule, `failed to parse field: ${wrong}`);
    }
  }
}

const cronJob = rulesFor<CronJob>({
  name: (text) => [...dnsSubdomain(text), ...(text.length > 52 ? ['must be no more than 52 characters'] : [])],
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    validateSchedule(spec.schedule ?? '', child('spec', 'schedule'), report);
    oneOf(
      spec.concurrencyPolicy,
      ['Allow', 'Forbid', 'Replace'],
      child('spec', 'concurrencyPolicy'),
      report,
      'optional',
    );
    for (const name of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) {
      notNegative(spec[name], child('spec', name), report);
    }
    if (spec.jobTemplate?.spec === undefined) report.required(child('spec', 'jobTemplate', 'spec'));
    else validateJobSpec(spec.jobTemplate.spec, child('spec', 'jobTemplate', 'spec'), report);
  },
});

export const batchRules: Readonly<Record<string, KindRules>> = { 'batch/Job': job, 'batch/CronJob': cronJob };
