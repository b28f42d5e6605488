// Rules of a CronJob.
// Knows nothing of when a schedule fires: what one is, the room `cron` says. Upstream source: pkg/apis/batch/validation.
import type { CronJob, CronJobSpec } from 'kubernetes-types/batch/v1.js';
import { parseCronSchedule } from '../../cron/schedule.ts';
import { timeZoneExists } from '../../cron/time-zone.ts';
import { notNegative, oneOf } from '../common.ts';
import { child, type Report } from '../report.ts';
import { rulesFor } from '../rules.ts';
import { validateJobSpec } from './job-spec.ts';

/** A Job's name, which is a label as well, ends in `-` and ten digits. */
const longestName = 52;

export const cronJob = rulesFor<CronJob>({
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    const policies = ['Allow', 'Forbid', 'Replace'];
    oneOf(spec.concurrencyPolicy, policies, child('spec', 'concurrencyPolicy'), report);
    for (const name of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const)
      notNegative(spec[name], child('spec', name), report);
    validateJobTemplate(spec, report);
  },
  validateCreate({ metadata, spec }, report) {
    const { name = '' } = metadata ?? {};
    if (name.length > longestName)
      report.invalid(child('metadata', 'name'), name, `must be no more than ${longestName} characters`);
    validateSchedule(spec, undefined, report);
    validateTimeZone(spec?.timeZone, report);
  },
  validateUpdate(next, previous, report) {
    validateSchedule(next.spec, previous.spec, report);
    // A zone that was good once may have left the database.
    if (next.spec?.timeZone !== previous.spec?.timeZone) validateTimeZone(next.spec?.timeZone, report);
  },
});

function validateSchedule(spec: CronJobSpec | undefined, previous: CronJobSpec | undefined, report: Report): void {
  if (spec === undefined) return;
  const { schedule = '', timeZone } = spec;
  const path = child('spec', 'schedule');
  if (schedule === '') {
    report.required(path);
    return;
  }
  const parsed = parseCronSchedule(schedule);
  if ('error' in parsed) report.invalid(path, schedule, parsed.error);
  if (!schedule.includes('TZ')) return;
  if (previous?.schedule?.includes('TZ') !== true)
    report.invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  else if (timeZone !== undefined)
    report.invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule');
}

function validateTimeZone(timeZone: string | undefined, report: Report): void {
  if (timeZone === undefined) return;
  const path = child('spec', 'timeZone');
  const unknown = `unknown time zone ${timeZone}`;
  const isPart = (part: string): boolean =>
    part !== '.' && part !== '..' && !part.startsWith('-') && /^[A-Za-z0-9._+-]{1,14}$/.test(part);
  if (timeZone === '') report.invalid(path, timeZone, 'timeZone must be nil or non-empty string');
  else if (!timeZone.split('/').every(isPart)) report.invalid(path, timeZone, unknown);
  else if (timeZone.toLowerCase() === 'local') {
    const where = 'https://www.iana.org/time-zones';
    report.invalid(path, timeZone, `timeZone must be an explicit time zone as defined in ${where}`);
  } else if (!timeZoneExists(timeZone)) report.invalid(path, timeZone, unknown);
}

function validateJobTemplate({ jobTemplate }: CronJobSpec, report: Report): void {
  const path = child('spec', 'jobTemplate', 'spec');
  const spec = jobTemplate?.spec;
  if (spec === undefined) {
    report.required(path);
    return;
  }
  validateJobSpec(spec, path, report);
  if (spec.selector !== undefined)
    report.invalid(child(path, 'selector'), spec.selector, '`selector` will be auto-generated');
  if (spec.manualSelector === true)
    report.notSupported(child(path, 'manualSelector'), spec.manualSelector, ['nil', 'false']);
}
