// When a CronJob runs: its schedule as croner reads it, and what was missed since it last ran.
// Pure. Upstream: pkg/controller/cronjob/utils.go, mostRecentScheduleTime.
import { Cron } from 'croner';
import type { CronJob } from 'kubernetes-types/batch/v1.js';

/** More missed runs than this are told of: somebody's clock is wrong, or we were away for long. As upstream. */
export const TOO_MANY = 100;

export interface Due {
  /** The latest time at which it should have run since it last did, in wall milliseconds. */
  readonly time: number | undefined;
  /** How many runs were missed since then; counted up to `TOO_MANY` + 1. */
  readonly missed: number;
}

/** Undefined when the schedule or its time zone cannot be understood. */
export function parseSchedule(cronJob: CronJob): Cron | undefined {
  const { schedule = '', timeZone } = cronJob.spec ?? {};
  const every = /^@every (.+)$/.exec(schedule);
  if (every !== null) return undefined;
  try {
    const cron = new Cron(schedule, { timezone: timeZone ?? 'Etc/UTC', paused: true, mode: '5-part' });
    // A time zone is only looked at when it is needed.
    cron.nextRun();
    return cron;
  } catch {
    return undefined;
  }
}

/** What is due at `now`; earlier runs than the deadline allows are not looked for. */
export function dueAt(cronJob: CronJob, cron: Cron, now: number): Due {
  const created = Date.parse(String(cronJob.metadata?.creationTimestamp ?? ''));
  const last = cronJob.status?.lastScheduleTime;
  let earliest = last === undefined ? created : Date.parse(String(last));
  const deadline = cronJob.spec?.startingDeadlineSeconds;
  if (deadline !== undefined) earliest = Math.max(earliest, now - deadline * 1000);
  let time: number | undefined;
  let missed = 0;
  for (let next = cron.nextRun(new Date(earliest)); next !== null && next.getTime() <= now; ) {
    time = next.getTime();
    missed++;
    if (missed > TOO_MANY) return { time: latest(cron, time, now), missed };
    next = cron.nextRun(next);
  }
  return { time, missed };
}

/** The last run up to `now`, when there are too many to walk through: looked for from ever further back. */
function latest(cron: Cron, known: number, now: number): number {
  for (let back = 120_000; ; back *= 4) {
    const from = Math.max(now - back, known);
    let found: number | undefined;
    for (let next = cron.nextRun(new Date(from)); next !== null && next.getTime() <= now; next = cron.nextRun(next))
      found = next.getTime();
    if (found !== undefined) return found;
    if (from === known) return known;
  }
}

/** A name that a second controller, or a second try, would choose as well. */
export function jobName(cronJob: CronJob, time: number): string {
  return `${cronJob.metadata?.name}-${Math.floor(time / 60_000)}`;
}
