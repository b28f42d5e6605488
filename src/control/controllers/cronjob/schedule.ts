// When a CronJob runs: what was missed since it last ran, and how long it is until it runs next.
// Pure. Upstream: pkg/controller/cronjob/utils.go, mostRecentScheduleTime and nextScheduleTimeDuration.
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import { type CronSchedule, parseCronSchedule } from '#kube/api/cron/schedule.ts';
import { timeZoneExists } from '#kube/api/cron/time-zone.ts';

/** More missed runs than this are told of: somebody's clock is wrong, or we were away for long. As upstream. */
export const TOO_MANY = 100;

export interface Due {
  /** The latest time at which it should have run since it last did, in wall milliseconds. */
  readonly time: number | undefined;
  /** How many runs were missed since then; counted up to `TOO_MANY` + 1. */
  readonly missed: number;
}

/** Undefined when the schedule or its time zone cannot be understood. */
export function parseSchedule(cronJob: CronJob): CronSchedule | undefined {
  const { schedule = '', timeZone } = cronJob.spec ?? {};
  if (timeZone !== undefined && !timeZoneExists(timeZone)) return undefined;
  const parsed = parseCronSchedule(schedule, timeZone);
  return 'error' in parsed ? undefined : parsed.schedule;
}

/** What is due at `now`; earlier runs than the deadline allows are not looked for. */
export function dueAt(cronJob: CronJob, cron: CronSchedule, now: number): Due {
  const since = lastRun(cronJob);
  // Its runs are counted from the last one, so a deadline may not move where the count begins.
  if (cron.everyMs !== undefined) return everyDue(since, cron.everyMs, now);
  const deadline = cronJob.spec?.startingDeadlineSeconds;
  const earliest = deadline === undefined ? since : Math.max(since, now - deadline * 1000);
  let time: number | undefined;
  let missed = 0;
  for (let next = cron.next(earliest); next !== undefined && next <= now; next = cron.next(next)) {
    time = next;
    missed++;
    if (missed > TOO_MANY) return { time: latest(cron, time, now), missed };
  }
  return { time, missed };
}

/** Milliseconds from `now` to the next run, once what is due has been seen to; undefined when there is none. */
export function untilNext(cronJob: CronJob, cron: CronSchedule, { time }: Due, now: number): number | undefined {
  const next = cron.everyMs === undefined ? cron.next(now) : cron.next(time ?? lastRun(cronJob));
  return next === undefined ? undefined : Math.max(0, next - now);
}

/** The schedule counts from here: a CronJob that never ran from its creation. */
function lastRun(cronJob: CronJob): number {
  return Date.parse(String(cronJob.status?.lastScheduleTime ?? cronJob.metadata?.creationTimestamp ?? ''));
}

function everyDue(since: number, everyMs: number, now: number): Due {
  const runs = Math.floor((now - since) / everyMs);
  return runs < 1
    ? { time: undefined, missed: 0 }
    : { time: since + runs * everyMs, missed: Math.min(runs, TOO_MANY + 1) };
}

/** The last run up to `now`, when there are too many to walk through: looked for from ever further back. */
function latest(cron: CronSchedule, known: number, now: number): number {
  for (let back = 120_000; ; back *= 4) {
    const from = Math.max(now - back, known);
    let found: number | undefined;
    for (let next = cron.next(from); next !== undefined && next <= now; next = cron.next(next)) found = next;
    if (found !== undefined) return found;
    if (from === known) return known;
  }
}

/** A name that a second controller, or a second try, would choose as well. */
export function jobName(cronJob: CronJob, time: number): string {
  return `${cronJob.metadata?.name}-${Math.floor(time / 60_000)}`;
}
