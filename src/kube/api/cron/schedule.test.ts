// Tests of schedules: what runs when, on which clocks, and the words for what is none.
// The expected times are upstream's where it has tests for them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGoDuration } from './duration.ts';
import { type CronSchedule, parseCronSchedule } from './schedule.ts';
import { clockOf, timeZoneExists } from './time-zone.ts';

const scheduleOf = (text: string, timeZone?: string): CronSchedule => {
  const parsed = parseCronSchedule(text, timeZone);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.schedule;
};
const next = (text: string, from: string, timeZone?: string): string | undefined => {
  const at = scheduleOf(text, timeZone).next(Date.parse(from));
  return at === undefined ? undefined : new Date(at).toISOString().replace(':00.000Z', 'Z');
};

describe('parseCronSchedule()', () => {
  test.each([
    ['*/15 * * * *', '2026-01-01T00:15Z'],
    ['0 9 * * mon-fri', '2026-01-01T09:00Z'],
    // When both days are given, either will do.
    ['0 0 13 * 5', '2026-01-02T00:00Z'],
    ['0 0 */2 * SUN', '2026-01-03T00:00Z'],
    // A star names no day: the other one decides.
    ['0 0 13 * ?', '2026-01-13T00:00Z'],
    ['0 0 1 feb,mar ?', '2026-02-01T00:00Z'],
    ['5/20 * * * *', '2026-01-01T00:05Z'],
    ['1,,3 0 * * *', '2026-01-01T00:01Z'],
    ['0 0 29 2 *', '2028-02-29T00:00Z'],
    ['0 0 31 2 *', undefined],
    ['@hourly', '2026-01-01T01:00Z'],
    ['@daily', '2026-01-02T00:00Z'],
    ['@midnight', '2026-01-02T00:00Z'],
    ['@weekly', '2026-01-04T00:00Z'],
    ['@monthly', '2026-02-01T00:00Z'],
    ['@yearly', '2027-01-01T00:00Z'],
    ['@annually', '2027-01-01T00:00Z'],
    ['@every 1h30m', '2026-01-01T01:30Z'],
    ['CRON_TZ=Asia/Tokyo 0 9 * * *', '2026-01-02T00:00Z'],
    ['TZ=America/New_York @daily', '2026-01-01T05:00Z'],
  ])('%s', (text, at) => {
    expect(next(text, '2026-01-01T00:00:00Z')).toBe(at);
  });

  test.each([
    // Put forward: what is skipped does not run that day.
    ['30 2 * * *', '2012-03-11T05:00:00Z', '2012-03-12T06:30Z'],
    ['0 * * * *', '2012-03-11T06:00:00Z', '2012-03-11T07:00Z'],
    // Put back: what comes twice runs twice.
    ['0 1 * * *', '2012-11-04T04:00:00Z', '2012-11-04T05:00Z'],
    ['0 1 * * *', '2012-11-04T05:00:00Z', '2012-11-04T06:00Z'],
    ['0 3 * * *', '2012-11-04T06:00:00Z', '2012-11-04T08:00Z'],
  ])('%s in New York after %s', (text, from, at) => {
    expect(next(text, from, 'America/New_York')).toBe(at);
  });

  test('finds the day in a time zone in which a midnight is missing', () => {
    expect(next('0 9 10 * ?', '2018-10-17T09:00:00Z', 'America/Sao_Paulo')).toBe('2018-11-10T11:00Z');
    expect(next('0 9 * * *', '2018-11-04T02:00:00Z', 'America/Sao_Paulo')).toBe('2018-11-04T11:00Z');
  });

  test.each([
    ['', 'empty spec string'],
    ['* * *', 'expected exactly 5 fields, found 3: [* * *]'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['*/-1 * * * *', 'negative number (-1) not allowed: -1'],
    ['@fortnightly', 'unrecognized descriptor: @fortnightly'],
    ['@every', 'unrecognized descriptor: @every'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
    ['@every 5', 'failed to parse duration @every 5: time: missing unit in duration "5"'],
    ['@every 5d', 'failed to parse duration @every 5d: time: unknown unit "d" in duration "5d"'],
    ['TZ=Mars/Olympus * * * * *', 'provided bad location Mars/Olympus: unknown time zone Mars/Olympus'],
    ['TZ=UTC', 'expected exactly 5 fields, found 0: []'],
  ])('refuses %j', (text, error) => {
    expect(parseCronSchedule(text)).toEqual({ error });
  });

  test('answers whatever it is given', () => {
    const piece = fc.constantFrom(
      '*',
      '?',
      '/',
      '-',
      ',',
      ' ',
      '@every ',
      'TZ=',
      'UTC',
      'mon',
      'jan',
      '5',
      '61',
      '1h',
      '.',
      '\n',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 14 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 4e12 }), (input, from) => {
        const parsed = parseCronSchedule(input);
        if ('error' in parsed) expect(parsed.error).not.toBe('');
        else expect(parsed.schedule.next(from) ?? from + 1).toBeGreaterThan(from);
      }),
      { numRuns: 300 },
    );
  });

  test('passes over no minute that the fields name', () => {
    const field = (min: number, max: number) => fc.oneof(fc.constant('*'), fc.integer({ min, max }).map(String));
    const zone = fc.constantFrom('Etc/UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu');
    fc.assert(
      fc.property(
        fc.tuple(field(0, 59), field(0, 23), fc.constant('*'), fc.constant('*'), field(0, 6)),
        zone,
        fc.integer({ min: Date.UTC(2024, 0, 1) / 60_000, max: Date.UTC(2025, 0, 1) / 60_000 }),
        ([minute, hour, day, month, weekday], timeZone, start) => {
          const clock = clockOf(timeZone);
          const fits = (at: number): boolean => {
            const local = clock(at);
            return (
              (minute === '*' || local.minute === Number(minute)) &&
              (hour === '*' || local.hour === Number(hour)) &&
              (weekday === '*' || local.weekday === Number(weekday))
            );
          };
          const found = scheduleOf([minute, hour, day, month, weekday].join(' '), timeZone).next(start * 60_000);
          let walked = (start + 1) * 60_000;
          while (!fits(walked)) walked += 60_000;
          expect(found).toBe(walked);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  test('that repeats does so in whole seconds, one at the least', () => {
    expect(scheduleOf('@every 1m1500ms').next(1_234)).toBe(62_000);
    expect(scheduleOf('@every -1h').next(1_000)).toBe(2_000);
  });
});

test('parseGoDuration() reads what Go writes', () => {
  expect(parseGoDuration('1h30m')).toBe(5_400_000);
  expect(parseGoDuration('-1.5s')).toBe(-1500);
  expect(parseGoDuration('.5s')).toBe(500);
  expect(parseGoDuration('0')).toBe(0);
  expect(parseGoDuration('.')).toBe('time: invalid duration "."');
  expect(parseGoDuration('3000000h')).toBe('time: invalid duration "3000000h"');
});

test('timeZoneExists() knows names, exactly, and no offsets', () => {
  const found = ['UTC', 'Etc/UTC', 'Europe/Rome', 'US/Eastern', 'Asia/Calcutta'].filter(timeZoneExists);
  expect(found).toEqual(['UTC', 'Etc/UTC', 'Europe/Rome', 'US/Eastern', 'Asia/Calcutta']);
  expect(['europe/rome', 'Mars/Olympus', '+01', '+01:00', '-0100', ''].filter(timeZoneExists)).toEqual([]);
});
