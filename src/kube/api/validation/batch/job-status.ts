// Rules of the status of a Job: it counts upwards, ends once, and says how.
// Whoever runs the Job is held to them. Upstream source: validateJobStatus and ValidateJobStatusUpdate.
import type { Job } from 'kubernetes-types/batch/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { notNegative } from '../common.ts';
import { at, child, type Report } from '../report.ts';
import { commonIndex, countIndexes } from './indexes.ts';

type Status = NonNullable<Job['status']>;

const conditions = child('status', 'conditions');
const terminal = ['Failed', 'Complete', 'FailureTarget'] as const;

function holds({ status }: Job, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

const isFinished = (job: Job): boolean => holds(job, 'Complete') || holds(job, 'Failed');
const millis = (time: unknown): number => Date.parse(String(time ?? ''));

/**
 * Only what changes is looked at: a spec may have been changed in between, and who runs the Job must be able to bring
 * its status in line step by step.
 */
export function validateJobStatusUpdate(next: Job, previous: Job, report: Report): void {
  const status = next.status ?? {};
  const before = previous.status ?? {};
  const changed = (...fields: (keyof Status)[]): boolean =>
    fields.some((field) => !jsonEqual(status[field], before[field]));
  const turned = (...types: string[]): boolean => types.some((type) => holds(next, type) !== holds(previous, type));
  const ended = isFinished(next) !== isFinished(previous);

  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    notNegative(status[field], child('status', field), report);
  validateUncounted(status, report);
  validateConditions(next, previous, turned, report);
  validateIndexes(next, changed('completedIndexes'), changed('failedIndexes'), report);

  const completionTime = child('status', 'completionTime');
  if (turned('Complete') || changed('completionTime')) {
    if (status.completionTime !== undefined && !holds(next, 'Complete')) {
      const text = 'cannot set completionTime when there is no Complete=True condition';
      report.invalid(completionTime, status.completionTime, text);
    }
    if (status.completionTime === undefined && holds(next, 'Complete'))
      report.required(completionTime, 'completionTime is required for Complete jobs');
  }
  if (changed('startTime', 'completionTime') && millis(status.completionTime) < millis(status.startTime))
    report.invalid(completionTime, status.completionTime, 'completionTime cannot be set before startTime');
  if (status.completionTime !== undefined && before.completionTime !== undefined && changed('completionTime'))
    report.invalid(completionTime, status.completionTime, 'completionTime cannot be mutated');

  if (isFinished(next)) {
    const none = (field: 'active' | 'terminating'): void => {
      if ((ended || changed(field)) && (status[field] ?? 0) > 0)
        report.invalid(child('status', field), status[field], `${field}>0 is invalid for finished job`);
    };
    none('active');
    none('terminating');
    if ((ended || changed('startTime')) && status.startTime === undefined)
      report.required(child('status', 'startTime'), 'startTime is required for finished job');
    const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
    if ((ended || changed('uncountedTerminatedPods')) && succeeded.length + failed.length > 0) {
      const text = 'uncountedTerminatedPods needs to be empty for finished job';
      report.invalid(child('status', 'uncountedTerminatedPods'), status.uncountedTerminatedPods, text);
    }
  }
  if (changed('ready', 'active') && (status.ready ?? 0) > (status.active ?? 0))
    report.invalid(child('status', 'ready'), status.ready, 'cannot set more ready pods than active');

  const { completionMode, completions, parallelism } = next.spec ?? {};
  // A Job that is scaled down forgets the indexes that it no longer has.
  const elastic = completionMode === 'Indexed' && completions === parallelism;
  for (const field of ['failed', 'succeeded'] as const) {
    if ((status[field] ?? 0) < (before[field] ?? 0) && !(field === 'succeeded' && elastic))
      report.invalid(child('status', field), status[field] ?? 0, `cannot decrease the ${field} counter`);
  }
}

function validateUncounted({ uncountedTerminatedPods }: Status, report: Report): void {
  const seen = new Set<string>();
  for (const how of ['succeeded', 'failed'] as const) {
    for (const [index, uid] of (uncountedTerminatedPods?.[how] ?? []).entries()) {
      const path = at(child('status', 'uncountedTerminatedPods', how), index);
      if (uid === '') report.invalid(path, uid, 'must not be empty');
      else if (seen.has(uid)) report.duplicate(path, uid);
      seen.add(uid);
    }
  }
}

function validateConditions(next: Job, previous: Job, turned: (...types: string[]) => boolean, report: Report): void {
  const refuse = (text: string): void => report.invalidAsWhole(conditions, text);
  const [complete, failed] = [holds(next, 'Complete'), holds(next, 'Failed')];
  const [failing, met] = [holds(next, 'FailureTarget'), holds(next, 'SuccessCriteriaMet')];
  if (complete && failed && turned('Complete', 'Failed')) refuse('cannot set Complete=True and Failed=true conditions');
  if (complete && failing && turned('Complete', 'FailureTarget'))
    refuse('cannot set Complete=True and FailureTarget=true conditions');
  if (failed && !failing && turned('Failed', 'FailureTarget'))
    refuse('cannot set Failed=True condition without the FailureTarget=true condition');
  if (complete && !met && turned('Complete', 'SuccessCriteriaMet'))
    refuse('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  if (met && failed) refuse('cannot set SuccessCriteriaMet=True and Failed=true conditions');
  if (met && failing) refuse('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  if (next.spec?.successPolicy !== undefined && complete && !met)
    refuse('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True');
  for (const type of terminal) {
    if (holds(previous, type) && !holds(next, type)) refuse(`cannot disable the terminal ${type}=True condition`);
  }
  const was = holds(previous, 'SuccessCriteriaMet');
  if (was && !met) refuse('cannot disable the SuccessCriteriaMet=True condition');
  if (!was && met && holds(previous, 'Complete'))
    refuse('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
}

function validateIndexes({ spec, status }: Job, completedNew: boolean, failedNew: boolean, report: Report): void {
  const { completedIndexes = '', failedIndexes } = status ?? {};
  const { completions, completionMode, backoffLimitPerIndex } = spec ?? {};
  const paths = { completed: child('status', 'completedIndexes'), failed: child('status', 'failedIndexes') };
  if (completedNew && completions !== undefined) {
    const counted = countIndexes(completedIndexes, completions);
    if (typeof counted !== 'number')
      report.invalid(paths.completed, completedIndexes, `error parsing completedIndexes: ${counted.error}`);
  }
  if (completedNew && completedIndexes !== '' && completionMode !== 'Indexed') {
    const text = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    report.invalid(paths.completed, completedIndexes, text);
  }
  if (failedIndexes === undefined) return;
  if (failedNew && backoffLimitPerIndex === undefined) {
    const text = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    report.invalid(paths.failed, failedIndexes, text);
  }
  if (completions === undefined) return;
  const counted = countIndexes(failedIndexes, completions);
  if (failedNew && backoffLimitPerIndex !== undefined && typeof counted !== 'number')
    report.invalid(paths.failed, failedIndexes, `error parsing failedIndexes: ${counted.error}`);
  const both = completedNew || failedNew ? commonIndex(completedIndexes, failedIndexes, completions) : undefined;
  if (both !== undefined)
    report.invalid(paths.failed, failedIndexes, `failedIndexes and completedIndexes overlap at index: ${both}`);
}
