// Tests of the rules of a CronJob: one mistake at a time in an object that is otherwise right.
// The whole answer is compared, so that one mistake brings one message.
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../object.ts';
import { mergePatch } from '../../patch/merge-patch.ts';
import { goodObjects } from '../good-objects.ts';
import { validateObject } from '../index.ts';

const patched = (object: object, change: object): KubeObject =>
  mergePatch(object as never, change as never) as unknown as KubeObject;
const wrong = (next: KubeObject, previous?: KubeObject): string[] =>
  validateObject(next, previous).map(({ field, message }) => `${field}: ${message}`);
const negative = 'Invalid value: -1: must be greater than or equal to 0';

describe('a CronJob', () => {
  const cronJob = (spec: object = {}, metadata: object = {}): KubeObject =>
    patched(goodObjects.CronJob ?? {}, { spec, metadata });
  const tz = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';

  test.each<[string, object, ...string[]]>([
    ['every so often', { schedule: '@every 1h30m' }],
    ['in a time zone', { timeZone: 'Europe/Rome' }],
    ['schedule missing', { schedule: '' }, 'spec.schedule: Required value'],
    [
      'schedule',
      { schedule: '61 * * * *' },
      'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
    ],
    [
      'every',
      { schedule: '@every day' },
      'spec.schedule: Invalid value: "@every day": failed to parse duration @every day: time: invalid duration "day"',
    ],
    [
      'a zone in the schedule',
      { schedule: 'TZ=UTC 0 * * * *' },
      `spec.schedule: Invalid value: "TZ=UTC 0 * * * *": ${tz}`,
    ],
    ['another', { schedule: 'CRON_TZ=UTC @daily' }, `spec.schedule: Invalid value: "CRON_TZ=UTC @daily": ${tz}`],
    ['timeZone empty', { timeZone: '' }, 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'],
    [
      'timeZone local',
      { timeZone: 'LOCAL' },
      'spec.timeZone: Invalid value: "LOCAL": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
    [
      'timeZone',
      { timeZone: 'Europe/InvalidRome' },
      'spec.timeZone: Invalid value: "Europe/InvalidRome": unknown time zone Europe/InvalidRome',
    ],
    [
      'timeZone with a space',
      { timeZone: ' Europe/Rome' },
      'spec.timeZone: Invalid value: " Europe/Rome": unknown time zone  Europe/Rome',
    ],
    [
      'timeZone that climbs',
      { timeZone: '../zone' },
      'spec.timeZone: Invalid value: "../zone": unknown time zone ../zone',
    ],
    ['concurrencyPolicy missing', { concurrencyPolicy: '' }, 'spec.concurrencyPolicy: Required value'],
    [
      'concurrencyPolicy',
      { concurrencyPolicy: 'Queue' },
      'spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"',
    ],
    ['startingDeadlineSeconds', { startingDeadlineSeconds: -1 }, `spec.startingDeadlineSeconds: ${negative}`],
    [
      'history',
      { successfulJobsHistoryLimit: -1, failedJobsHistoryLimit: -1 },
      `spec.successfulJobsHistoryLimit: ${negative}`,
      `spec.failedJobsHistoryLimit: ${negative}`,
    ],
    [
      'selector',
      { jobTemplate: { spec: { selector: { matchLabels: { a: 'b' } } } } },
      'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
    ],
    [
      'manualSelector',
      { jobTemplate: { spec: { manualSelector: true } } },
      'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    ],
    ['the Job', { jobTemplate: { spec: { completions: -1 } } }, `spec.jobTemplate.spec.completions: ${negative}`],
  ])('%s', (_, spec, ...messages) => {
    expect(wrong(cronJob(spec))).toEqual(messages);
  });

  test('has a name of 52 characters at the most, unless it is there already', () => {
    const long = cronJob({}, { name: 'x'.repeat(53) });
    expect(wrong(cronJob({}, { name: 'x'.repeat(52) }))).toEqual([]);
    expect(wrong(long)).toEqual([
      `metadata.name: Invalid value: "${'x'.repeat(53)}": must be no more than 52 characters`,
    ]);
    expect(wrong(long, long)).toEqual([]);
  });

  test('keeps a zone in its schedule that was there before, but not beside another', () => {
    const old = cronJob({ schedule: 'TZ=UTC 0 * * * *' });
    expect(wrong(cronJob({ schedule: 'TZ=UTC 5 * * * *' }), old)).toEqual([]);
    expect(wrong(cronJob({ schedule: 'TZ=UTC 5 * * * *', timeZone: 'UTC' }), old)).toEqual([
      'spec.schedule: Invalid value: "TZ=UTC 5 * * * *": cannot use both timeZone field and TZ or CRON_TZ in schedule',
    ]);
    const gone = cronJob({ timeZone: 'Mars/Olympus' });
    expect(wrong(cronJob({ timeZone: 'Mars/Olympus', suspend: true }), gone)).toEqual([]);
  });
});
