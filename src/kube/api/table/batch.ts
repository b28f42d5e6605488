// How Jobs and CronJobs are printed.
// Knows columns and cells only.
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js';
import { ageOf, humanDuration } from './duration.ts';
import {
  ageColumn,
  column,
  containerTexts,
  nameColumn,
  nameOf,
  objectAge,
  type Printer,
  printer,
  selectorText,
  wide,
} from './printer.ts';

const containers = wide('Containers', 'Names of the containers of the template');
const images = wide('Images', 'Images of the containers of the template');

const job = printer<Job>(
  [
    nameColumn,
    column('Status', 'How far the Job is'),
    column('Completions', 'Pods that succeeded, of those that must'),
    column('Duration', 'Time that the Job took, or has been running'),
    ageColumn,
    containers,
    images,
    wide('Selector', 'Labels that select the pods'),
  ],
  (object, now) => [
    nameOf(object),
    jobStatus(object),
    completionsText(object),
    durationText(object, now),
    objectAge(object, now),
    ...containerTexts(object.spec?.template?.spec),
    selectorText(object.spec?.selector),
  ],
);

/** Conditions in the order in which upstream lets them speak; a Job that is going away speaks before the last three. */
const finished = ['Complete', 'Failed'];
const underway = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'];

function jobStatus(object: Job): string {
  const holds = (type: string): boolean =>
    object.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  const leaving = object.metadata?.deletionTimestamp !== undefined ? 'Terminating' : undefined;
  return finished.find(holds) ?? leaving ?? underway.find(holds) ?? 'Running';
}

function completionsText(object: Job): string {
  const succeeded = object.status?.succeeded ?? 0;
  if (object.spec?.completions !== undefined) return `${succeeded}/${object.spec.completions}`;
  const parallelism = object.spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText(object: Job, now: number): string {
  const started = object.status?.startTime as unknown as string | undefined;
  const ended = object.status?.completionTime as unknown as string | undefined;
  if (started === undefined) return '';
  return humanDuration((ended === undefined ? now : Date.parse(ended)) - Date.parse(started));
}

const cronJob = printer<CronJob>(
  [
    nameColumn,
    column('Schedule', 'When it runs, as a cron expression'),
    column('Timezone', 'Time zone of the schedule'),
    column('Suspend', 'Whether it is held', { type: 'boolean' }),
    column('Active', 'Jobs that run now', { type: 'integer' }),
    column('Last Schedule', 'Time since it last ran'),
    ageColumn,
    containers,
    images,
    wide('Selector', 'Labels that select the pods'),
  ],
  (object, now) => {
    const last = object.status?.lastScheduleTime as unknown as string | undefined;
    return [
      nameOf(object),
      object.spec?.schedule ?? '',
      object.spec?.timeZone ?? '<none>',
      object.spec?.suspend === undefined ? '<unset>' : object.spec.suspend ? 'True' : 'False',
      object.status?.active?.length ?? 0,
      last === undefined ? '<none>' : ageOf(last, now),
      objectAge(object, now),
      ...containerTexts(object.spec?.jobTemplate?.spec?.template?.spec),
      selectorText(object.spec?.jobTemplate?.spec?.selector),
    ];
  },
);

export const batchPrinters: Readonly<Record<string, Printer>> = { 'batch/Job': job, 'batch/CronJob': cronJob };
