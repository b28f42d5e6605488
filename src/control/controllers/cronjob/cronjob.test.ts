// CronJobs on a clock that is moved by hand.
// The API server is real; Jobs are finished by the test.
import fc from 'fast-check';
import type { CronJob, CronJobSpec, Job } from 'kubernetes-types/batch/v1.js';
import type { Event } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers, type Informers } from '#kube/client/informer.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { FakeClock, systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually as until } from '#test/support/eventually.ts';
import { type RunningControllers, startControllers } from '../manager.ts';
import { dueAt, parseSchedule, untilNext } from './schedule.ts';

const eventually = (attempt: () => Promise<void>): Promise<void> => until('what the test expects', attempt, 7_000);
const CRON_JOBS = builtin('CronJob');
const JOBS = builtin('Job');
const START = Date.UTC(2026, 0, 1, 12, 0, 30);

describe('a schedule', () => {
  const cronJob = (spec: Partial<CronJobSpec>, last?: string): CronJob =>
    ({
      metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
      spec,
      ...(last === undefined ? {} : { status: { lastScheduleTime: last } }),
    }) as unknown as CronJob;
  const next = (schedule: string, timeZone?: string): number | undefined =>
    parseSchedule(cronJob({ schedule, ...(timeZone === undefined ? {} : { timeZone }) }))?.next(
      Date.parse('2026-01-01T00:00:00Z'),
    );

  test('runs by the clock of its time zone', () => {
    expect(next('0 9 * * *', 'America/New_York')).toBe(Date.parse('2026-01-01T14:00:00Z'));
    expect(parseSchedule(cronJob({ schedule: '0 9 * * *', timeZone: 'Mars/Olympus' }))).toBeUndefined();
  });

  test('what is due is the latest run, also just beyond as many as are counted', () => {
    const job = cronJob({ schedule: '* * * * *' }, '2026-01-01T12:00:00Z');
    const cron = parseSchedule(job);
    if (cron === undefined) throw new Error('The schedule was not understood');
    const now = Date.UTC(2026, 0, 1, 12, 102, 7);
    expect(dueAt(job, cron, now)).toEqual({ time: now - 7_000, missed: 101 });
  });

  test('that repeats after a while is counted from the last run, whatever the deadline', () => {
    const job = cronJob({ schedule: '@every 1h30m', startingDeadlineSeconds: 10 }, '2026-01-01T12:00:07Z');
    const cron = parseSchedule(job);
    if (cron === undefined) throw new Error('The schedule was not understood');
    const early = Date.parse('2026-01-01T13:00:00Z');
    expect(dueAt(job, cron, early)).toEqual({ time: undefined, missed: 0 });
    expect(untilNext(job, cron, { time: undefined, missed: 0 }, early)).toBe(30 * 60_000 + 7_000);
    const late = Date.parse('2026-01-01T16:00:00Z');
    const due = dueAt(job, cron, late);
    expect(due).toEqual({ time: Date.parse('2026-01-01T15:00:07Z'), missed: 2 });
    expect(untilNext(job, cron, due, late)).toBe(30 * 60_000 + 7_000);
  });

  test('what is due is no run that is longer ago than startingDeadlineSeconds', () => {
    const due = (startingDeadlineSeconds: number): unknown => {
      const job = cronJob({ schedule: '* * * * *', startingDeadlineSeconds }, '2026-01-01T12:00:00Z');
      const cron = parseSchedule(job);
      if (cron === undefined) throw new Error('The schedule was not understood');
      return dueAt(job, cron, Date.UTC(2026, 0, 1, 12, 1, 30)).time;
    };
    expect([due(29), due(31)]).toEqual([undefined, Date.UTC(2026, 0, 1, 12, 1)]);
  });

  test('what is due is the latest run, with the number of those missed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (minutes) => {
        const job = cronJob({ schedule: '* * * * *' }, '2026-01-01T12:00:00Z');
        const now = Date.UTC(2026, 0, 1, 12, minutes, 7);
        const cron = parseSchedule(job);
        if (cron === undefined) throw new Error('The schedule was not understood');
        expect(dueAt(job, cron, now)).toEqual({ time: now - 7_000, missed: Math.min(minutes, 101) });
      }),
    );
  });
});

describe('a CronJob', () => {
  let server: TestServer;
  let client: Client;
  let informers: Informers;
  let running: RunningControllers;
  let clock: FakeClock;

  beforeEach(async () => {
    clock = new FakeClock(START);
    server = await startTestServer({ clock });
    client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
    informers = createInformers(client, { clock: systemClock, log: silentLogger });
    running = await startControllers({ client, informers, clock, log: silentLogger, only: ['cronjob'] });
  });
  afterEach(async () => {
    await running.stop();
    await informers.stop();
    await client.close();
    await server.close();
  });

  const create = (spec: Partial<CronJobSpec>): Promise<CronJob> =>
    client.create<CronJob>(CRON_JOBS, {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'tick', namespace: 'default' },
      spec: {
        schedule: '* * * * *',
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
        },
        ...spec,
      } as CronJobSpec,
    });
  const jobs = async (): Promise<Job[]> => (await client.list<Job>(JOBS, { namespace: 'default' })).items;
  const names = async (): Promise<string[]> => (await jobs()).map(({ metadata }) => metadata?.name ?? '').sort();
  const get = (): Promise<CronJob> => client.get<CronJob>(CRON_JOBS, 'tick', 'default');
  const reasons = async (): Promise<string[]> =>
    (await client.list<Event>(builtin('Event'))).items.map(({ reason = '' }) => reason);
  const seen = (): Promise<unknown> =>
    eventually(async () => expect(informers.of<CronJob>(CRON_JOBS).get('default/tick')).toBeDefined());
  const nameAt = (minute: number): string => `tick-${Date.UTC(2026, 0, 1, 12, minute) / 60_000}`;
  /** One minute on, and what it brings has been done. */
  const minute = async (n: number): Promise<void> => {
    clock.advance(60_000);
    await eventually(async () =>
      expect((await get()).status?.lastScheduleTime).toBe(
        new Date(Date.UTC(2026, 0, 1, 12, n)).toISOString().replace('.000', ''),
      ),
    );
  };
  const finish = (name: string, type: 'Complete' | 'Failed'): Promise<unknown> => {
    const at = new Date(clock.wall()).toISOString();
    // As whoever runs a Job must: the reason first, the end with it, and a time of completion only for a good one.
    const reason = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
    const conditions = [reason, type].map((each) => ({ type: each, status: 'True', lastTransitionTime: at }));
    const status = { conditions, startTime: at, ...(type === 'Complete' ? { completionTime: at } : {}) };
    return client.patch(JOBS, name, 'default', 'merge', { status }, { subresource: 'status' });
  };

  test('makes a Job a minute, named after it, and keeps the last ones that ended', async () => {
    await create({ successfulJobsHistoryLimit: 1 });
    await seen();
    await minute(1);
    expect(await names()).toEqual([nameAt(1)]);
    const [job] = await jobs();
    expect(job?.metadata?.annotations).toMatchObject({
      'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T12:01:00Z',
    });
    expect((await get()).status?.active?.map(({ name }) => name)).toEqual([nameAt(1)]);
    await finish(nameAt(1), 'Complete');
    await eventually(async () => expect((await get()).status?.active ?? []).toEqual([]));
    expect((await get()).status?.lastSuccessfulTime).toBeDefined();
    await minute(2);
    await finish(nameAt(2), 'Complete');
    await eventually(async () => expect(await names()).toEqual([nameAt(2)]));
    await eventually(async () =>
      expect(await reasons()).toEqual(
        expect.arrayContaining(['SuccessfulCreate', 'SawCompletedJob', 'SuccessfulDelete']),
      ),
    );
  });

  test('that repeats after a while runs that long after it was made, and again', async () => {
    const made = await create({ schedule: '@every 1h30m' });
    await seen();
    const first = Date.parse(String(made.metadata?.creationTimestamp)) + 90 * 60_000;
    for (const at of [first, first + 90 * 60_000]) {
      clock.advance(89 * 60_000);
      expect(await names()).not.toContain(`tick-${Math.floor(at / 60_000)}`);
      clock.advance(61_000);
      await eventually(async () => expect(await names()).toContain(`tick-${Math.floor(at / 60_000)}`));
      await eventually(async () => expect(Date.parse(String((await get()).status?.lastScheduleTime))).toBe(at));
    }
  });

  test('keeps as many failed Jobs as failedJobsHistoryLimit says', async () => {
    await create({ failedJobsHistoryLimit: 1, successfulJobsHistoryLimit: 0 });
    await seen();
    await minute(1);
    await finish(nameAt(1), 'Failed');
    await minute(2);
    expect(await names()).toEqual([nameAt(1), nameAt(2)]);
    await finish(nameAt(2), 'Failed');
    await eventually(async () => expect(await names()).toEqual([nameAt(2)]));
  });

  test('that forbids it starts none while one runs, and one that replaces ends it', async () => {
    await create({ concurrencyPolicy: 'Forbid' });
    await seen();
    await minute(1);
    clock.advance(60_000);
    await eventually(async () => expect(await reasons()).toContain('JobAlreadyActive'));
    expect(await names()).toEqual([nameAt(1)]);
    await client.patch(CRON_JOBS, 'tick', 'default', 'merge', { spec: { concurrencyPolicy: 'Replace' } });
    await eventually(async () => expect(await names()).toEqual([nameAt(2)]));
  });

  test('that is suspended makes none, and catches up on the latest only', async () => {
    await create({ suspend: true });
    await seen();
    clock.advance(10 * 60_000);
    await client.patch(CRON_JOBS, 'tick', 'default', 'merge', { spec: { suspend: false } });
    await eventually(async () => expect(await names()).toEqual([nameAt(10)]));
  });
});
